"""Worker processes that come and go, and a Redis that does, in the middle of jobs."""

import os
import signal
import subprocess
import sys
import time
from typing import Any

import pytest
import redis

from envwright.client import Client
from envwright.states import State
from tests.acceptance.conftest import (
    COMMAND_TIMEOUT,
    CommandLine,
    Jam,
    a_real_image,
    all_that_exists,
    done,
    how_much_exists,
    wait_for_log,
)
from tests.cloud import ALWAYS, Cloud, Held
from tests.conftest import WorkerFactory
from tests.everything import ALL_OF_WEB
from tests.specs import spec, with_instances
from worker.loop import LoopThread
from worker.processes import ROOT, ChildFailed, wait_until
from worker.servers import LocalAws, LocalRedis, inherited_environment
from worker.stack import LocalWorker

SOON = 10.0
"""Within how many seconds of SIGTERM a worker has ended, on a machine that is busy."""


def stop(worker: LocalWorker) -> None:
    """Stop it as a service manager does: it ends by itself, soon, and as if all were well."""
    begun = time.monotonic()
    worker.stop()
    assert time.monotonic() - begun < SOON
    assert worker.child.exit_code == 0


def lease_of(client: Client, environment_id: str) -> tuple[float, str]:
    with redis.Redis.from_url(client.settings.redis_url, decode_responses=True) as database:
        key = client.settings.keys.record(environment_id)
        until, owner = database.hmget(key, "lease_until", "lease_owner")
    return float(until or 0), owner or ""


@pytest.mark.parametrize("action", ["CreateSubnet", "DescribeInstanceStatus"])
def test_a_job_goes_on_with_another_worker(
    worker: WorkerFactory, client: Client, cloud: Cloud, aws: LocalAws, action: str
) -> None:
    """Stopped while it makes something or while it waits, a worker gives its lease back at once;
    the next one ends the job, and nothing is there twice."""
    jam = Jam()
    cloud.inject(action, jam, times=ALWAYS)
    first = worker()
    client.enqueue(with_instances(a_real_image(aws)))
    jam.wait_until_reached()

    stop(first)

    assert client.status("web").state is State.PROVISIONING
    assert lease_of(client, "web.eu-west-1") == (0, "")
    jam.clear()
    worker()
    assert client.wait("web", COMMAND_TIMEOUT).state is State.READY
    assert how_much_exists(aws) == ALL_OF_WEB
    made = {one: done(cloud, one) for one in ("CreateVpc", "CreateSubnet", "RunInstances")}
    assert made == {"CreateVpc": 1, "CreateSubnet": 2, "RunInstances": 2}


def test_a_call_that_is_under_way_is_put_on_record_before_a_worker_ends(
    worker: WorkerFactory, client: Client, cloud: Cloud, aws: LocalAws, loop: LoopThread
) -> None:
    """It waits for the reply to what it has sent, begins nothing else, and then ends."""
    held = Held(after_effect=True)
    cloud.inject("CreateVpc", held)
    first = worker()
    client.enqueue(spec())
    wait_until(held.arrived.is_set, COMMAND_TIMEOUT, "the call has arrived")

    os.kill(first.child.pid, signal.SIGTERM)
    wait_until(lambda: "Warm shutdown" in first.child.output(), SOON, "it knows that it is to stop")
    assert first.child.alive
    loop.call(held.released.set)
    wait_until(lambda: not first.child.alive, SOON, "it has ended")
    assert first.child.exit_code == 0

    vpcs = all_that_exists(aws)["vpc"]
    assert client.status("web").resources["network/vpc/main"].ids == tuple(vpcs)
    worker()
    assert client.wait("web", COMMAND_TIMEOUT).state is State.READY
    assert all_that_exists(aws)["vpc"] == vpcs


def test_a_worker_with_many_jobs_gives_all_of_them_back(
    worker: WorkerFactory, client: Client, cloud: Cloud, aws: LocalAws
) -> None:
    """Every thread in the middle of a step, and more jobs than threads: none is lost, none is
    done twice, and the worker is gone within seconds."""
    jam = Jam()
    cloud.inject("CreateSubnet", jam, times=ALWAYS)
    first = worker(ENVWRIGHT_CONCURRENCY="20")
    names = [f"web-{number}" for number in range(30)]
    client.enqueue_many([spec(name) for name in names])
    wait_for_log(first, "step_started", times=20)
    jam.wait_until_reached()

    stop(first)

    assert {lease_of(client, f"{name}.eu-west-1") for name in names} == {(0, "")}
    jam.clear()
    worker()
    assert {client.wait(name, COMMAND_TIMEOUT).state for name in names} == {State.READY}
    assert how_much_exists(aws) == {"vpc": 30, "subnet": 30, "internet_gateway": 30}
    assert done(cloud, "CreateVpc") == 30


@pytest.fixture
def frail(own_redis: LocalRedis, worker_environment: dict[str, str]) -> dict[str, Any]:
    """The settings with which workers and clients use a Redis that will be stopped."""
    worker_environment["ENVWRIGHT_REDIS_URL"] = own_redis.url
    return {
        "redis_url": own_redis.url,
        "key_prefix": worker_environment["ENVWRIGHT_KEY_PREFIX"],
        "queue": worker_environment["ENVWRIGHT_QUEUE"],
    }


def test_a_worker_outlives_a_restart_of_redis(
    own_redis: LocalRedis, frail: dict[str, Any], worker: WorkerFactory, cloud: Cloud, aws: LocalAws
) -> None:
    """What it was doing goes on, and what comes afterwards is done, on its only thread."""
    jam = Jam()
    cloud.inject("CreateSubnet", jam, times=ALWAYS)
    with Client(**frail) as client:
        worker(ENVWRIGHT_CONCURRENCY="1")
        client.enqueue(spec())
        jam.wait_until_reached()

        own_redis.restart()
        jam.clear()

        assert client.wait("web", COMMAND_TIMEOUT).state is State.READY
        client.enqueue(spec("later"))
        assert client.wait("later", COMMAND_TIMEOUT).state is State.READY
    assert how_much_exists(aws) == {"vpc": 2, "subnet": 2, "internet_gateway": 2}


def test_a_worker_outlives_a_frozen_redis(
    own_redis: LocalRedis, frail: dict[str, Any], worker: WorkerFactory, cloud: Cloud, aws: LocalAws
) -> None:
    """It changes nothing past its lease, and goes on when Redis does."""
    jam = Jam()
    cloud.inject("CreateSubnet", jam, times=ALWAYS)
    with Client(**frail) as client:
        one = worker(ENVWRIGHT_REDIS_TIMEOUT="0.5")
        client.enqueue(spec())
        jam.wait_until_reached()

        own_redis.child.freeze()
        wait_for_log(one, "redis_lost")
        jam.clear()
        calls = len(cloud.mutating)
        own_redis.child.thaw()

        assert client.wait("web", COMMAND_TIMEOUT).state is State.READY
    assert "CreateVpc" not in cloud.mutating[calls:]
    assert how_much_exists(aws) == {"vpc": 1, "subnet": 1, "internet_gateway": 1}


def test_a_worker_can_be_stopped_while_redis_is_frozen(
    own_redis: LocalRedis, frail: dict[str, Any], worker: WorkerFactory
) -> None:
    """It gives up what it cannot say any more: a few time-outs, and it is gone."""
    one = worker(ENVWRIGHT_REDIS_TIMEOUT="1")
    own_redis.child.freeze()

    stop(one)


def test_a_worker_that_cannot_work_does_not_run(worker: WorkerFactory) -> None:
    """It says what is wrong with its settings, and ends."""
    with pytest.raises(ChildFailed, match="ended by itself, with exit code 1") as told:
        worker(ENVWRIGHT_REDIS_URL="http://127.0.0.1:6379")

    assert "ENVWRIGHT_REDIS_URL: Value error, The address of Redis begins" in str(told.value)


def test_the_health_check_tells_a_living_worker(
    worker: WorkerFactory, worker_environment: dict[str, str]
) -> None:
    """For a container: exit code 1 while there is none, 0 once there is."""

    def health() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "worker.health"],
            cwd=ROOT,
            env=inherited_environment() | worker_environment,
            check=False,
            capture_output=True,
            text=True,
        )

    without = health()
    worker()
    wait_until(lambda: health().returncode == 0, COMMAND_TIMEOUT, "the worker is seen")

    assert without.returncode == 1
    assert "No worker on" in without.stderr
    assert "is alive" in health().stdout


def test_a_frozen_redis_is_a_clear_error_within_seconds(
    own_redis: LocalRedis, frail: dict[str, Any], envwright: CommandLine
) -> None:
    """`up` ends with exit code 1 and a sentence that says what to look at."""
    file = envwright.file(with_instances("ami-0123456789abcdef0"))
    own_redis.child.freeze()
    begun = time.monotonic()

    answer = envwright("up", file, ENVWRIGHT_REDIS_URL=own_redis.url)

    assert time.monotonic() - begun < SOON
    assert answer.code == 1
    assert answer.err.startswith("Error: Redis at 127.0.0.1:")
    assert "making the same request again is safe" in answer.err
    own_redis.child.thaw()
    with own_redis.client() as database:
        assert database.dbsize() == 0
