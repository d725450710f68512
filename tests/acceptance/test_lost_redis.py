"""All that was in Redis is lost: what is in AWS is found again, seen, and taken down."""

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest

from envwright.client import Client
from envwright.states import State
from tests.acceptance.conftest import (
    CommandLine,
    Jam,
    a_real_image,
    all_that_exists,
    how_much_exists,
)
from tests.cloud import ALWAYS, Cloud, refused, throttled
from tests.conftest import WorkerFactory
from tests.everything import ALL_OF_EVERYTHING, ALL_OF_WEB, EVERYTHING
from tests.specs import REGION, with_instances
from worker.servers import LocalAws, LocalRedis

EVERYTHING_ID = f"everything.{REGION}"
WEB_ID = f"web.{REGION}"
ROLE = "arn:aws:iam::123456789012:role/builder"
EXTERNAL_ID = "canary-7f3a"


@pytest.fixture
def web(envwright: CommandLine, aws: LocalAws) -> str:
    return envwright.file(with_instances(a_real_image(aws), on_failure="hold"))


def test_all_environments_are_recovered_and_taken_down(
    envwright: CommandLine,
    worker: WorkerFactory,
    web: str,
    client: Client,
    redis_server: LocalRedis,
    key_prefix: str,
    aws: LocalAws,
) -> None:
    """By the worker that was running all the while, and nothing is left; again is nothing new."""
    worker()
    everything = envwright.file(EVERYTHING)
    assert envwright("up", web, everything).code == 0
    both = sum_of(ALL_OF_WEB, ALL_OF_EVERYTHING)
    assert how_much_exists(aws) == both
    redis_server.forget(key_prefix)

    found = envwright("recover", "--region", REGION, "--json")

    assert found.code == 0, found.out
    recovered = {one["environment"]: one for one in found.document["environments"]}
    assert set(recovered) == {WEB_ID, EVERYTHING_ID}
    ids = {
        one
        for environment in recovered.values()
        for resource in environment["resources"]
        for one in resource["ids"]
    }
    without_volumes = {
        kind: some for kind, some in all_that_exists(aws).items() if kind != "volume"
    }
    assert ids == {one for some in without_volumes.values() for one in some}
    listed = envwright("list").out
    assert listed.count("recovered from tags: what was wished for is lost") == 2

    watched = envwright("watch", WEB_ID)
    assert watched.code == 1
    assert f"envwright down {WEB_ID}" in watched.out
    assert "recovered from tags" in envwright("outputs", WEB_ID).err

    again = envwright("recover", "--region", REGION)
    assert "2 environments had a record." in again.out
    assert len(list(client.environments())) == 2

    gone = envwright("down", WEB_ID, EVERYTHING_ID, "--yes")

    assert gone.code == 0, gone.err
    assert all_that_exists(aws) == {}
    assert {one.state for one in client.environments()} == {State.DESTROYED}
    assert envwright("up", web).code == 0
    assert how_much_exists(aws) == ALL_OF_WEB


def test_orphans_are_taken_down_beside_the_living_one_of_the_same_name(
    envwright: CommandLine,
    worker: WorkerFactory,
    web: str,
    client: Client,
    redis_server: LocalRedis,
    key_prefix: str,
    cloud: Cloud,
    aws: LocalAws,
) -> None:
    """Lost, and enqueued anew: the old one alone goes, and the new one is held, whole, for it."""
    worker()
    assert envwright("up", web).code == 0
    old, uid = all_that_exists(aws), client.status("web").uid
    redis_server.forget(key_prefix)
    held = envwright("up", web)
    assert held.code == 1
    assert "whose record was lost" in held.out
    assert "`envwright orphans`" in held.out
    assert how_much_exists(aws) == sum_of(ALL_OF_WEB, ALL_OF_WEB)

    listed = envwright("orphans", "--json").document

    (orphan,) = listed["environments"]
    assert (orphan["environment"], orphan["record"]) == (WEB_ID, uid)
    ids = {one for resource in orphan["resources"] for one in resource["ids"]}
    assert ids == {one for kind, some in old.items() for one in some if kind != "volume"}
    assert (listed["unrecorded"], listed["strays"]) == ([], [])
    words = envwright("orphans").out.split()
    assert {WEB_ID, uid, *ids} <= set(words)

    gone = envwright("orphans", "--delete")

    assert gone.code == 0, gone.out + gone.err
    assert f"{WEB_ID}~{uid} is taken down" in gone.out
    new = all_that_exists(aws)
    assert {kind: len(some) for kind, some in new.items()} == ALL_OF_WEB
    assert not {one for some in new.values() for one in some} & ids
    changed = len(cloud.mutating)
    assert envwright("retry", "web").code == 0
    assert cloud.mutating[changed:] == []
    assert client.status("web").state is State.READY
    assert "is on record" in envwright("orphans").out


def test_what_keeps_a_worker_from_looking_is_told(
    envwright: CommandLine, worker: WorkerFactory, cloud: Cloud
) -> None:
    """No worker; one that AWS throttles; one that may not look: none is an AWS without anything."""
    silence = envwright("recover", "--region", REGION, "--timeout", "0.5")
    assert silence.code == 1
    assert "No worker has answered within 0.5 s" in silence.err
    assert "check that one runs" in silence.err
    running = worker()
    cloud.inject("DescribeTags", throttled(), times=ALWAYS)

    slow = envwright("recover", "--region", REGION, "--timeout", "5")

    assert slow.code == 1
    assert "within 5 s" in slow.err
    assert "though one looks: check that AWS has such a region" in slow.err
    cloud.heal()
    cloud.inject("DescribeTags", refused("UnauthorizedOperation"), times=ALWAYS)

    refusal = envwright("recover", "--region", REGION)

    assert refusal.code == 1
    assert "DescribeTags" in refusal.err
    assert "UnauthorizedOperation" in refusal.err
    running.check()


def test_a_worker_that_stops_says_so_to_whoever_waits_for_what_it_finds(
    envwright: CommandLine, worker: WorkerFactory, cloud: Cloud
) -> None:
    """A look at AWS does not keep it from stopping within seconds."""
    jam = Jam()
    cloud.inject("DescribeTags", jam, times=ALWAYS)
    running = worker()
    with ThreadPoolExecutor() as aside:
        asking = aside.submit(envwright, "recover", "--region", REGION)
        jam.wait_until_reached()
        begun = time.monotonic()
        running.stop()

        told = asking.result()

    assert time.monotonic() - begun < 15
    assert told.code == 1
    assert "the worker is stopping" in told.err


def test_an_external_id_is_not_logged(
    envwright: CommandLine, worker: WorkerFactory, cloud: Cloud
) -> None:
    """It goes from the caller through Redis to AWS, and is shown nowhere on its way."""
    running = worker(ENVWRIGHT_LOG_LEVEL="debug")

    found = envwright(
        "recover", "--region", REGION, "--role-arn", ROLE, ENVWRIGHT_EXTERNAL_ID=EXTERNAL_ID
    )

    assert found.code == 0, found.err
    assert f"{REGION} of 123456789012: nothing carries envwright's tags." in found.out
    (assumed,) = cloud.calls("AssumeRole")
    assert (assumed.parameters["RoleArn"], assumed.parameters["ExternalId"]) == (ROLE, EXTERNAL_ID)
    for text in (found.out, found.err, running.child.output()):
        assert EXTERNAL_ID not in text


def sum_of(*counts: Mapping[str, int]) -> dict[str, int]:
    kinds = {kind for one in counts for kind in one}
    return {kind: sum(one.get(kind, 0) for one in counts) for kind in kinds}
