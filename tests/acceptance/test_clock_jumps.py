"""Redis' clock is set while environments are built: by an hour, ahead and back."""

from typing import Final

import pytest
import redis

from envwright.client import Client
from envwright.states import State
from tests.acceptance.conftest import (
    COMMAND_TIMEOUT,
    Jam,
    a_real_image,
    how_much_exists,
    wait_for_log,
)
from tests.clock import jump
from tests.cloud import ALWAYS, Cloud
from tests.conftest import WorkerFactory
from tests.everything import ALL_OF_WEB
from tests.records import lose_messages
from tests.specs import spec, with_instances
from worker.processes import wait_until
from worker.servers import LocalAws

HOUR: Final = 3600.0
NAMES: Final = [f"web-{number}" for number in range(5)]


def test_set_back_it_holds_nothing_up(
    worker: WorkerFactory, client: Client, database: redis.Redis, cloud: Cloud, aws: LocalAws
) -> None:
    """The lease of a worker that dies then, and a message that was lost, are found as soon as
    ever; one of each is built."""
    jam = Jam()
    cloud.inject("CreateSubnet", jam, times=ALWAYS)
    first = worker(ENVWRIGHT_CONCURRENCY="1")
    client.enqueue(with_instances(a_real_image(aws)))
    jam.wait_until_reached()
    client.enqueue(spec("waits"))
    # The first worker's only thread is in the jam: this message can have gone nowhere.
    assert lose_messages(client, database) == 1

    first.child.freeze()
    jump(database, client.settings.keys, -HOUR)
    first.child.kill()
    jam.clear()
    second = worker()

    for name in ("web", "waits"):
        assert client.wait(name, COMMAND_TIMEOUT).state is State.READY
    wait_for_log(second, "redis_clock_went_back")
    assert how_much_exists(aws) == ALL_OF_WEB | {"vpc": 2, "subnet": 3, "internet_gateway": 2}


def wait_for_sweep(database: redis.Redis, client: Client) -> None:
    """Wait until a worker has seen which time it is now."""

    def is_known() -> bool:
        return abs(float(database.get(client.settings.keys.swept) or 0) - client.now()) < HOUR / 2

    wait_until(is_known, COMMAND_TIMEOUT, "a worker has swept")


def wait_until_begun(client: Client, times: int) -> None:
    """Wait until the first step of each of these was begun so often."""

    def all_begun() -> bool:
        told = [[one.state for one in client.events(name) if one.type == "step"] for name in NAMES]
        return all(states.count("started") >= times for states in told)

    wait_until(all_begun, COMMAND_TIMEOUT, f"each is begun {times} times")


def test_set_ahead_it_makes_nothing_twice(
    worker: WorkerFactory, client: Client, database: redis.Redis, cloud: Cloud, aws: LocalAws
) -> None:
    """It ends leases whose holders live: for seconds two workers act on the same environments,
    until the first one learns it."""
    jam = Jam()
    cloud.inject("CreateSubnet", jam, times=ALWAYS)
    data = with_instances(a_real_image(aws), deadline="3h")
    first = worker()
    client.enqueue_many([{**data, "name": name} for name in NAMES])
    wait_until_begun(client, times=1)
    # Frozen for less than its lease, it cannot renew it, and knows nothing of that.
    first.child.freeze()
    worker()
    jump(database, client.settings.keys, HOUR)
    wait_until_begun(client, times=2)

    jam.clear()
    first.child.thaw()

    all_of_each_are_built(client, aws)


@pytest.mark.parametrize("jumps", [[-HOUR, HOUR], [HOUR, -HOUR]])
def test_set_to_and_fro_it_makes_nothing_twice(
    worker: WorkerFactory,
    client: Client,
    database: redis.Redis,
    cloud: Cloud,
    aws: LocalAws,
    jumps: list[float],
) -> None:
    jam = Jam()
    cloud.inject("CreateSubnet", jam, times=ALWAYS)
    data = with_instances(a_real_image(aws), deadline="3h")
    worker()
    worker()
    client.enqueue_many([{**data, "name": name} for name in NAMES])
    wait_until_begun(client, times=1)

    for seconds in jumps:
        jump(database, client.settings.keys, seconds)
        wait_for_sweep(database, client)
    jam.clear()

    all_of_each_are_built(client, aws)


def all_of_each_are_built(client: Client, aws: LocalAws) -> None:
    assert {client.wait(name, COMMAND_TIMEOUT).state for name in NAMES} == {State.READY}
    assert how_much_exists(aws) == {kind: len(NAMES) * count for kind, count in ALL_OF_WEB.items()}
