"""The pace of a worker's calls: in which order they go, and what keeps them waiting."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

import pytest
import redis as blocking
from redis.asyncio import Redis
from redis.exceptions import RedisError

from config.settings import AwsLimit, WorkerSettings
from tasks.aws.errors import Halted
from tasks.aws.limits import SLACK
from tasks.aws.pacing import Pace, Pacer
from tasks.lease import LOOKING, NORMAL, End, Flow, Look, Permit, clock
from tests.harness import until
from worker.servers import LocalRedis

BULK, OTHER = Flow("bulk-1"), Flow("bulk-2")
SETTLED = AwsLimit(capacity=1, refill=0.0001)
"""After one call, nothing more while a test lasts."""


def permit(flow: Flow = NORMAL) -> Permit:
    return Permit(clock() + 60, 0, flow)


def settings_with(redis_url: str, key_prefix: str, **limits: AwsLimit) -> WorkerSettings:
    """A worker's that come to these limits."""
    return WorkerSettings(
        redis_url=redis_url,
        key_prefix=key_prefix,
        aws_rate_share=1,
        aws_burst_share=1,
        aws_limits={
            "all": {
                name: AwsLimit(capacity=one.capacity + one.refill * SLACK, refill=one.refill)
                for name, one in limits.items()
            }
        },
    )


class Crowd:
    """Calls that wait for their turns, and the order in which they had them."""

    def __init__(self) -> None:
        self.gone: list[str] = []
        self.waiting: dict[str, asyncio.Task[None]] = {}

    async def send(
        self, name: str, pace: Pace, action: str, of: Permit | None = None, **parameters: Any
    ) -> None:
        """Have it wait, behind all that were sent before."""

        async def call() -> None:
            await pace.turn(action, parameters, of or permit())
            self.gone.append(name)

        self.waiting[name] = asyncio.create_task(call())
        await asyncio.sleep(0)

    async def all_gone(self) -> list[str]:
        await asyncio.gather(*self.waiting.values())
        return self.gone


Worker = Callable[..., Pacer]


@pytest.fixture
async def worker(redis_url: str, key_prefix: str) -> AsyncIterator[Worker]:
    """What a worker process has of it, with these limits: `worker(CreateVpc=AwsLimit(...))`."""
    connections: list[Redis] = []

    def start(**limits: AwsLimit) -> Pacer:
        connections.append(Redis.from_url(redis_url, decode_responses=True))
        return Pacer(connections[-1], settings_with(redis_url, key_prefix, **limits))

    yield start
    for one in connections:
        await one.aclose()


@pytest.fixture
async def crowd() -> AsyncIterator[Crowd]:
    one = Crowd()
    yield one
    for task in one.waiting.values():
        task.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await task


def left_in(database: blocking.Redis, key_prefix: str, name: str, account: str = "own") -> float:
    return float(database.hget(f"{key_prefix}:bucket:{account}:eu-west-1:{name}", "left") or "nan")


async def test_calls_go_in_the_order_in_which_they_came(worker: Worker, crowd: Crowd) -> None:
    """Those for which there are tokens at once, and those that wait."""
    pace = worker(CreateVpc=AwsLimit(capacity=3, refill=500)).pace("own", "eu-west-1")
    names = [f"{number:02}" for number in range(30)]
    for name in names:
        await crowd.send(name, pace, "CreateVpc")

    assert await crowd.all_gone() == names


async def test_two_processes_share_one_bucket(worker: Worker) -> None:
    """Together they make as many calls as one could, and each has its part."""
    limit = AwsLimit(capacity=5, refill=100)
    paces = [worker(CreateVpc=limit).pace("own", "eu-west-1") for _ in range(2)]
    gone: list[int] = []

    async def call(process: int) -> None:
        await paces[process].turn("CreateVpc", {}, permit())
        gone.append(process)

    begun = time.monotonic()
    await asyncio.gather(*[call(process) for process in (0, 1) for _ in range(40)])
    took = time.monotonic() - begun

    assert limit.capacity + limit.refill * took + 1 >= 80
    assert abs(gone[:50].count(0) - 25) <= 10, gone


async def test_a_bulk_keeps_another_waiting_for_one_call_at_most(
    worker: Worker, crowd: Crowd
) -> None:
    """Flows take turns; and a question goes before all of them."""
    pace = worker(CreateVpc=AwsLimit(capacity=1, refill=50)).pace("own", "eu-west-1")
    for number in range(10):
        await crowd.send(f"bulk {number}", pace, "CreateVpc", permit(BULK))
    await until(lambda: crowd.gone)
    await crowd.send("single", pace, "CreateVpc", permit(OTHER))
    await crowd.send("question", pace, "CreateVpc", permit(LOOKING))
    came_at = len(crowd.gone)

    gone = await crowd.all_gone()

    assert gone.index("question") == came_at
    assert gone.index("single") <= came_at + 2


async def test_no_limiter_waits_for_another(worker: Worker, crowd: Crowd) -> None:
    """An action that is at its limit stalls no other, nor itself in another account or region."""
    pacer = worker(CreateVpc=SETTLED)
    here = pacer.pace("own", "eu-west-1")
    for name in ("goes", "stuck", "stuck too"):
        await crowd.send(name, here, "CreateVpc")
    await until(lambda: crowd.gone)

    for pace, action in (
        (here, "CreateSubnet"),
        (pacer.pace("123456789012", "eu-west-1"), "CreateVpc"),
        (pacer.pace("own", "us-east-1"), "CreateVpc"),
    ):
        async with asyncio.timeout(5):
            await pace.turn(action, {}, permit())

    assert crowd.gone == ["goes"]


async def test_a_launch_takes_its_instances_too(
    worker: Worker, database: blocking.Redis, key_prefix: str
) -> None:
    """One request, and as many instances as it makes."""
    limits = {
        "RunInstances": AwsLimit(capacity=5, refill=0.001),
        "RunInstances/instances": AwsLimit(capacity=1000, refill=0.001),
    }
    pace = worker(**limits).pace("own", "eu-west-1")

    await pace.turn("RunInstances", {"MinCount": 3, "MaxCount": 3}, permit())

    assert left_in(database, key_prefix, "RunInstances") == pytest.approx(4)
    assert left_in(database, key_prefix, "RunInstances/instances") == pytest.approx(997)


async def test_who_leaves_wastes_no_token(
    worker: Worker, crowd: Crowd, database: blocking.Redis, key_prefix: str
) -> None:
    """The one that was taken in advance for him goes to the next, whoever that is then."""
    limit = AwsLimit(capacity=1, refill=5)
    pace = worker(CreateVpc=limit).pace("own", "eu-west-1")
    key = f"{key_prefix}:bucket:own:eu-west-1:CreateVpc"
    await pace.turn("CreateVpc", {}, permit())
    begun = float(database.hget(key, "at") or 0)
    await crowd.send("leaves", pace, "CreateVpc")
    await until(lambda: left_in(database, key_prefix, "CreateVpc") < -0.01)
    crowd.waiting.pop("leaves").cancel()
    await crowd.send("next", pace, "CreateVpc")

    assert await crowd.all_gone() == ["next"]
    passed = float(database.hget(key, "at") or 0) - begun
    taken = limit.refill * passed - left_in(database, key_prefix, "CreateVpc")
    assert taken == pytest.approx(1, abs=0.01)


async def test_who_has_left_is_passed_over_and_not_kept(worker: Worker, crowd: Crowd) -> None:
    """Also in the moment in which he does not know it yet himself."""
    pacer = worker(CreateVpc=SETTLED)
    pace = pacer.pace("own", "eu-west-1")
    await pace.turn("CreateVpc", {}, permit())
    held = permit()
    for name, of in (("leaves", held), ("next", permit()), ("leaves too", held)):
        await crowd.send(name, pace, "CreateVpc", of)
    (line,) = pacer._limiters.values()

    held.halt(End.STOPPING)
    line.give(0)
    await until(lambda: all(task.done() for task in crowd.waiting.values()))

    assert crowd.gone == ["next"]
    assert len(line.turns) == 0


@pytest.mark.parametrize("end", [End.STOPPING, End.REPLACED, End.DEADLINE])
async def test_a_permit_that_ends_ends_the_wait(worker: Worker, crowd: Crowd, end: End) -> None:
    """At once, and with the reason; and a run's failure can tell what it was waiting for."""
    pace = worker(CreateVpc=SETTLED).pace("own", "eu-west-1")
    await pace.turn("CreateVpc", {}, permit())
    held = permit()
    await crowd.send("waits", pace, "CreateVpc", held)
    await crowd.send("waits too", pace, "CreateVpc")

    held.halt(end)
    with pytest.raises(Halted, match=str(end)):
        await crowd.waiting.pop("waits")

    assert not crowd.waiting["waits too"].done()
    assert held.trouble is not None
    assert held.trouble.message == "CreateVpc waited for its turn within AWS's request limits."


async def test_a_look_waits_no_longer_than_it_lasts(worker: Worker) -> None:
    """Nobody but itself knows when its time is over."""
    pace = worker(CreateVpc=SETTLED).pace("own", "eu-west-1")
    await pace.turn("CreateVpc", {}, permit())

    with pytest.raises(Halted, match="deadline"):
        await pace.turn("CreateVpc", {}, Look(0.05))


async def test_calls_of_one_moment_share_a_round_trip(
    worker: Worker, database: blocking.Redis
) -> None:
    """Whatever their actions, accounts and regions."""

    def round_trips() -> int:
        return int(database.info("commandstats")["cmdstat_evalsha"]["calls"])

    pacer = worker()
    places = [pacer.pace(account, "eu-west-1") for account in ("own", "123456789012")]
    await places[0].turn("DescribeVpcs", {}, permit())
    before = round_trips()

    await places[0].turn("CreateVpc", {}, permit())
    alone = round_trips() - before
    await asyncio.gather(
        *[
            pace.turn(action, {}, permit())
            for pace in places
            for action in ("CreateSubnet", "DescribeSubnets", "DeleteVpc")
            for _ in range(40)
        ]
    )

    assert alone == 1
    assert round_trips() - before - alone == 1


async def test_nothing_goes_without_redis_and_nothing_hangs(
    own_redis: LocalRedis, key_prefix: str, crowd: Crowd
) -> None:
    """All who would have had their turn are told; and it goes on when Redis is back."""
    redis = Redis.from_url(own_redis.url, decode_responses=True)
    pacer = Pacer(redis, settings_with(own_redis.url, key_prefix))
    pace = pacer.pace("own", "eu-west-1")
    await pace.turn("CreateVpc", {}, permit())
    own_redis.child.stop()
    for number in range(3):
        await crowd.send(f"{number}", pace, "CreateVpc")

    ends = await asyncio.gather(*crowd.waiting.values(), return_exceptions=True)
    assert [isinstance(one, RedisError) for one in ends] == [True] * 3
    own_redis.restart()
    await pace.turn("CreateVpc", {}, permit())

    assert crowd.gone == []
    await redis.aclose()


async def test_a_process_takes_one_token_in_advance_however_its_callers_come(
    worker: Worker, crowd: Crowd, database: blocking.Redis, key_prefix: str
) -> None:
    """Also where some come while Redis is being asked: the second one is another process'."""
    pace = worker(CreateVpc=SETTLED).pace("own", "eu-west-1")
    await pace.turn("CreateVpc", {}, permit())
    for number in range(5):
        await crowd.send(f"{number}", pace, "CreateVpc")
    for _ in range(2):
        # The second one is asked for after all that was wanted while the first one was.
        await pace.turn("CreateSubnet", {}, permit())

    assert left_in(database, key_prefix, "CreateVpc") == pytest.approx(-1, abs=0.01)


async def test_a_permit_that_has_ended_waits_for_nothing(worker: Worker) -> None:
    """It may end between two calls: the second must not wait for a turn that is far away."""
    pace = worker(CreateVpc=SETTLED).pace("own", "eu-west-1")
    await pace.turn("CreateVpc", {}, permit())
    for held in (permit(), Look(60)):
        held.halt(End.STOPPING)
        with pytest.raises(Halted, match="stopping"):
            async with asyncio.timeout(5):
                await pace.turn("CreateVpc", {}, held)
