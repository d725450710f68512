"""Redis dies, is out of reach, is full or fails over while environments are built and asked for.

In each case: whatever was accepted ends as it was asked for, nothing is there twice, and whoever
asks for something in the meantime gets an error within seconds, and never a false yes.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

import pytest

from envwright.client import Client
from envwright.errors import StoreUnavailable
from envwright.states import State
from tests.acceptance.conftest import COMMAND_TIMEOUT, how_much_exists, wait_for_log
from tests.cloud import ALWAYS, Call, Cloud, Reply
from tests.cloud.faults import Forward
from tests.conftest import WorkerFactory
from tests.redis_proxy import RedisProxy
from tests.specs import spec
from worker.loop import LoopThread
from worker.processes import wait_until
from worker.servers import LocalAws, LocalRedis

SOON: Final = 10.0
"""Within how many seconds a producer knows that it has no answer."""

BEFORE: Final = 20
"""How many environments are asked for before the outage."""


class Producer:
    """A service that asks for one environment after the other, and notes what it is told."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.promised: list[str] = []
        self.refusals: list[str] = []
        self.slowest = 0.0
        self.crashed: Exception | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Producer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        number = 0
        while not self._over.is_set():
            name = f"meanwhile-{number}"
            begun = time.monotonic()
            try:
                self._client.enqueue(spec(name))
            except StoreUnavailable as error:
                self.refusals.append(str(error))
                self._over.wait(0.1)
            except Exception as error:
                self.crashed = error
                return
            else:
                self.promised.append(name)
                self._over.wait(0.3)
            self.slowest = max(self.slowest, time.monotonic() - begun)
            number += 1


Outage = tuple[Callable[[], object], Callable[[], object]]
"""How it begins, and how it ends."""


@pytest.fixture
def proxy(own_redis: LocalRedis, loop: LoopThread) -> Iterator[RedisProxy]:
    """The way to a Redis of the test's own, for clients and workers."""
    one = RedisProxy(own_redis.url)
    loop.run(one.__aenter__())
    yield one
    loop.run(one.__aexit__())


@pytest.fixture
def worker_environment(worker_environment: dict[str, str], proxy: RedisProxy) -> dict[str, str]:
    return worker_environment | {"ENVWRIGHT_REDIS_URL": proxy.url}


@pytest.fixture
def client(worker_environment: dict[str, str]) -> Iterator[Client]:
    names = ("redis_url", "key_prefix", "queue")
    given = {name: worker_environment[f"ENVWRIGHT_{name.upper()}"] for name in names}
    with Client(**given) as one:
        yield one


def directly(client: Client, own_redis: LocalRedis) -> Client:
    """The same client without the proxy in its way, which shares a busy test's processor."""
    return Client(client.settings.model_copy(update={"redis_url": own_redis.url}))


async def slowly(call: Call, forward: Forward) -> Reply:
    await asyncio.sleep(0.3)
    return await forward()


def killed(own_redis: LocalRedis, _: RedisProxy, __: LoopThread) -> Outage:
    return own_redis.child.kill, own_redis.restart


def frozen(own_redis: LocalRedis, _: RedisProxy, __: LoopThread) -> Outage:
    return own_redis.child.freeze, own_redis.child.thaw


def unreachable(_: LocalRedis, proxy: RedisProxy, loop: LoopThread) -> Outage:
    return lambda: loop.run(proxy.refuse()), lambda: loop.run(proxy.pass_on())


def partitioned(_: LocalRedis, proxy: RedisProxy, loop: LoopThread) -> Outage:
    return lambda: loop.run(proxy.black_hole()), lambda: loop.run(proxy.pass_on())


def full(own_redis: LocalRedis, _: RedisProxy, __: LoopThread) -> Outage:
    def limit_memory(limit: int) -> None:
        with own_redis.client() as database:
            database.config_set("maxmemory", limit)

    return lambda: limit_memory(1), lambda: limit_memory(0)


@pytest.mark.parametrize(
    ("outage", "told"),
    [
        (killed, "cannot be reached"),
        (frozen, "did not answer"),
        (unreachable, "cannot be reached"),
        (partitioned, "did not answer"),
        (full, "is full"),
    ],
    ids=lambda one: getattr(one, "__name__", ""),
)
def test_what_was_accepted_survives(
    worker: WorkerFactory,
    client: Client,
    cloud: Cloud,
    aws: LocalAws,
    own_redis: LocalRedis,
    proxy: RedisProxy,
    loop: LoopThread,
    outage: Callable[[LocalRedis, RedisProxy, LoopThread], Outage],
    told: str,
) -> None:
    """Runs that are under way and such as nobody has begun end all the same, without a hand."""
    for action in ("CreateVpc", "CreateInternetGateway", "CreateSubnet", "CreateRoute"):
        cloud.inject(action, slowly, times=ALWAYS)
    begin, end = outage(own_redis, proxy, loop)
    workers = [worker(), worker()]
    with Producer(client) as producer:
        answers = client.enqueue_many([spec(f"before-{number}") for number in range(BEFORE)])
        wait_until(lambda: cloud.calls("CreateSubnet"), COMMAND_TIMEOUT, "they are under way")

        begin()
        wait_until(lambda: producer.refusals, COMMAND_TIMEOUT, "somebody is refused")
        for one in workers:
            wait_for_log(one, "sweep_failed")
        end()
        had = len(producer.promised)
        wait_until(lambda: len(producer.promised) > had, COMMAND_TIMEOUT, "all is well again")

    assert producer.crashed is None
    assert producer.slowest < SOON
    assert all(told in refusal for refusal in producer.refusals), producer.refusals
    promised = {f"before-{number}" for number in range(len(answers))} | {*producer.promised}
    # A request that was refused may have been accepted all the same: then it is carried out, too.
    with directly(client, own_redis) as looking:
        names = {one.spec.name for one in looking.environments()}
        assert names >= promised
        assert {looking.wait(name, COMMAND_TIMEOUT).state for name in names} == {State.READY}
    number = len(names)
    assert how_much_exists(aws) == {"vpc": number, "subnet": number, "internet_gateway": number}
    for one in workers:
        one.check()
