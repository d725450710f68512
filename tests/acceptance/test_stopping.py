"""A worker whose Redis is gone in the middle of its steps stops in seconds all the same."""

import os
import signal
from collections.abc import Callable, Iterator
from typing import Final

import pytest

from envwright.client import Client
from tests.acceptance.conftest import COMMAND_TIMEOUT, Jam, wait_for_log
from tests.cloud import ALWAYS, Cloud
from tests.conftest import WorkerFactory
from tests.redis_proxy import RedisProxy
from tests.specs import spec
from worker.loop import LoopThread
from worker.processes import wait_until
from worker.servers import LocalRedis

JOBS: Final = 20

SOON: Final = 10.0
"""Within how many seconds of SIGTERM it has ended: three of Redis' time-outs, and some for a busy
machine. A time-out for each step would take twenty."""


@pytest.fixture
def proxy(own_redis: LocalRedis, loop: LoopThread) -> Iterator[RedisProxy]:
    """The worker's way to Redis."""
    one = RedisProxy(own_redis.url)
    loop.run(one.__aenter__())
    yield one
    loop.run(one.__aexit__())


@pytest.fixture
def worker_environment(worker_environment: dict[str, str], proxy: RedisProxy) -> dict[str, str]:
    own = {"ENVWRIGHT_REDIS_URL": proxy.url, "ENVWRIGHT_REDIS_TIMEOUT": "1"}
    return worker_environment | own


@pytest.fixture
def client(worker_environment: dict[str, str], own_redis: LocalRedis) -> Iterator[Client]:
    names = {
        name: worker_environment[f"ENVWRIGHT_{name.upper()}"] for name in ("key_prefix", "queue")
    }
    with Client(redis_url=own_redis.url, **names) as one:
        yield one


def frozen(own_redis: LocalRedis, _: RedisProxy, __: LoopThread) -> None:
    own_redis.child.freeze()


def unreachable(_: LocalRedis, proxy: RedisProxy, loop: LoopThread) -> None:
    loop.run(proxy.refuse())


@pytest.mark.parametrize("vanish", [frozen, unreachable])
def test_a_worker_stops_in_seconds_without_redis(
    worker: WorkerFactory,
    client: Client,
    cloud: Cloud,
    own_redis: LocalRedis,
    proxy: RedisProxy,
    loop: LoopThread,
    vanish: Callable[[LocalRedis, RedisProxy, LoopThread], None],
) -> None:
    """However many steps it has under way: none of them can be recorded or acknowledged. One that
    is not stopped connects anew, and so does not count them as under way for ever."""
    jam = Jam()
    cloud.inject("CreateSubnet", jam, times=ALWAYS)
    one = worker(ENVWRIGHT_CONCURRENCY=str(JOBS))
    client.enqueue_many([spec(f"web-{number}") for number in range(JOBS)])
    wait_for_log(one, "step_started", times=JOBS)
    jam.wait_until_reached()

    vanish(own_redis, proxy, loop)
    lost = "Connection to broker lost"
    wait_until(lambda: lost in one.child.output(), COMMAND_TIMEOUT, "it connects anew")
    os.kill(one.child.pid, signal.SIGTERM)

    wait_until(lambda: not one.child.alive, SOON, "it has ended")
    assert one.child.exit_code == 0
