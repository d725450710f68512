"""The life of instances by the real command line and a real worker."""

import redis

from tests.acceptance.conftest import CommandLine, a_real_image, all_that_exists
from tests.conftest import WorkerFactory
from tests.specs import with_instances
from worker.servers import LocalAws

ON_CONSOLES = "BIOS-provided physical RAM map"
"""What moto's consoles say."""


def test_instances_are_stopped_replaced_and_looked_at(
    worker: WorkerFactory,
    envwright: CommandLine,
    aws: LocalAws,
    redis_url: str,
    worker_environment: dict[str, str],
) -> None:
    """What was asked for is so when the command ends, by what AWS says to a worker; and what a
    console says is in no log and stays not in Redis."""
    one = worker(ENVWRIGHT_LOG_LEVEL="debug")
    assert envwright("up", envwright.file(with_instances(a_real_image(aws)))).code == 0
    first, second = [
        instance["id"]
        for instance in envwright("outputs", "web", "--json").document["outputs"]["instances"]
    ]

    assert envwright("stop", "web", first).code == 0
    assert seen(envwright) == {first: "stopped", second: "running"}
    said = envwright("console", "web", second)
    assert ON_CONSOLES in said.out
    assert envwright("replace", "web", first, "--json").code == 0
    now = seen(envwright)
    assert (first not in now, now[second], len(now)) == (True, "running", 2)
    assert "changing" in envwright("events", "web").out

    with redis.Redis.from_url(redis_url) as database:
        prefix = worker_environment["ENVWRIGHT_KEY_PREFIX"]
        assert list(database.scan_iter(f"{prefix}:question:*")) == []
    assert "GetConsoleOutput" in one.child.output()
    assert ON_CONSOLES not in one.child.output()
    assert envwright("down", "web", "--yes").code == 0
    assert all_that_exists(aws) == {}


def seen(envwright: CommandLine) -> dict[str, str]:
    """The states of the instances, as `status` has them from AWS."""
    document = envwright("status", "web", "--json").document
    assert document["seen"] is not None, document["unseen"]
    return {one["id"]: one["state"] for one in document["seen"]["instances"]}
