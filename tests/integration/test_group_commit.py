"""Writes that go to Redis together: each with its own answer, and its own error."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.commands.core import AsyncScript
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from tasks.group_commit import GroupCommit

ECHO = "redis.call('RPUSH', KEYS[1], ARGV[1]) return ARGV[1]"
WRONG = "return redis.call('HSET', KEYS[1], 'one')"


class CountingRedis(Redis):
    """Counts the round trips of what is sent together."""

    trips = 0

    def pipeline(self, *args: Any, **options: Any) -> Pipeline:
        self.trips += 1
        return super().pipeline(*args, **options)


class Unloadable(AsyncScript):
    """A script whose loading fails."""

    async def __call__(self, *_: Any, **__: Any) -> Any:
        raise OSError("too many open files")


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[CountingRedis]:
    client = CountingRedis.from_url(redis_url, decode_responses=True)
    yield client
    await client.aclose()


async def test_what_is_asked_for_at_once_goes_in_one_round_trip(
    redis: CountingRedis, key_prefix: str
) -> None:
    """In the order in which it was asked for, and each caller gets the answer to its own."""
    writes, echo, key = GroupCommit(redis), redis.register_script(ECHO), f"{key_prefix}:echo"

    answers = await asyncio.gather(*(writes.run(echo, [key], [str(n)]) for n in range(50)))

    assert answers == [str(n) for n in range(50)]
    assert await redis.lrange(key, 0, -1) == answers
    assert redis.trips == 1


async def test_what_comes_meanwhile_goes_with_the_next(
    redis: CountingRedis, key_prefix: str
) -> None:
    """Each of ten callers writes five times in a row: that takes five round trips, not fifty."""
    writes, echo, key = GroupCommit(redis), redis.register_script(ECHO), f"{key_prefix}:echo"

    async def five_times() -> None:
        for n in range(5):
            assert await writes.run(echo, [key], [n]) == str(n)

    await asyncio.gather(*(five_times() for _ in range(10)))

    assert await redis.llen(key) == 50
    assert redis.trips <= 10


async def test_a_refusal_is_only_for_who_caused_it(redis: CountingRedis, key_prefix: str) -> None:
    writes, echo, key = GroupCommit(redis), redis.register_script(ECHO), f"{key_prefix}:echo"
    wrong = redis.register_script(WRONG)

    before, refused, after = await asyncio.gather(
        writes.run(echo, [key], ["before"]),
        writes.run(wrong, [f"{key_prefix}:wrong"], []),
        writes.run(echo, [key], ["after"]),
        return_exceptions=True,
    )

    assert (before, after) == ("before", "after")
    assert isinstance(refused, ResponseError)


async def test_scripts_that_redis_forgets_are_loaded_again(
    redis: CountingRedis, key_prefix: str
) -> None:
    """As after its restart, or a failover; one that cannot be is told to its caller alone."""
    writes, echo, key = GroupCommit(redis), redis.register_script(ECHO), f"{key_prefix}:echo"
    broken: Any = Unloadable(redis, "return 1")
    await writes.run(echo, [key], ["before"])
    await redis.script_flush()

    first, refused, last = await asyncio.gather(
        writes.run(echo, [key], ["first"]),
        writes.run(broken, [key], []),
        writes.run(echo, [key], ["last"]),
        return_exceptions=True,
    )

    assert (first, last) == ("first", "last")
    assert isinstance(refused, OSError)
    assert await redis.lrange(key, 0, -1) == ["before", "first", "last"]


async def test_a_caller_that_gives_up_harms_nobody(redis: CountingRedis, key_prefix: str) -> None:
    writes, echo, key = GroupCommit(redis), redis.register_script(ECHO), f"{key_prefix}:echo"
    gives_up = asyncio.create_task(writes.run(echo, [key], ["one"]))
    stays = asyncio.create_task(writes.run(echo, [key], ["two"]))
    await asyncio.sleep(0)

    gives_up.cancel()

    assert await stays == "two"
    assert await writes.run(echo, [key], ["three"]) == "three"


async def test_a_connection_that_breaks_is_told_to_all(key_prefix: str) -> None:
    """And who comes later is sent for anew."""
    nowhere = Redis(port=1, retry=Retry(NoBackoff(), 0))
    writes, echo = GroupCommit(nowhere), nowhere.register_script(ECHO)

    for _ in range(2):
        told = await asyncio.gather(
            *(writes.run(echo, [key_prefix], [n]) for n in range(3)), return_exceptions=True
        )
        assert [type(one) for one in told] == [RedisConnectionError] * 3
    await nowhere.aclose()


async def test_who_waits_behind_an_outage_is_told_with_it(key_prefix: str) -> None:
    """A thousand writes cost a Redis that does not answer one time-out, and not one a hundred."""
    nowhere = CountingRedis(port=1, retry=Retry(NoBackoff(), 0))
    writes, echo = GroupCommit(nowhere), nowhere.register_script(ECHO)

    told = await asyncio.gather(
        *(writes.run(echo, [key_prefix], [n]) for n in range(1000)), return_exceptions=True
    )

    assert [type(one) for one in told] == [RedisConnectionError] * 1000
    assert nowhere.trips == 1
    await nowhere.aclose()
