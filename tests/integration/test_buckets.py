"""The buckets in Redis: what they give, and when."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from config.settings import AwsLimit
from tasks.aws.buckets import GROWTH, LEAST_PACE, SHRINK, SHRINK_EVERY, Ask, Bucket, Buckets, Grant

SLOW = AwsLimit(capacity=5, refill=0.001)
"""Nothing comes into it while a test lasts."""


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    one = Redis.from_url(redis_url, decode_responses=True)
    yield one
    await one.aclose()


@pytest.fixture
def bucket(key_prefix: str) -> Callable[..., Bucket]:
    def make(limit: AwsLimit = SLOW, name: str = "CreateVpc") -> Bucket:
        return Bucket(f"{key_prefix}:{name}", limit)

    return make


async def take(buckets: Buckets, calls: int, bucket: Bucket) -> Grant:
    (grant,) = await buckets.take([Ask([bucket], [0] * calls)])
    return grant


async def let_pass(redis: Redis, bucket: Bucket, seconds: float) -> None:
    """Have the bucket be as it will be then."""
    at = float(await redis.hget(bucket.key, "at") or 0)
    await redis.hset(bucket.key, "at", at - seconds)


async def test_what_is_there_is_given_at_once_and_one_more_in_advance(
    redis: Redis, bucket: Callable[..., Bucket]
) -> None:
    """So a process that has more calls to make learns in the same answer how long to wait."""
    buckets, one = Buckets(redis), bucket()

    assert await take(buckets, 2, one) == Grant(2, 0)
    first = await take(buckets, 100, one)
    second = await take(buckets, 100, one)

    assert (first.at_once, second.at_once) == (3, 0)
    assert first.wait == pytest.approx(1000, abs=5)
    assert second.wait == pytest.approx(2000, abs=5)


async def test_tokens_come_back_with_time_and_never_more_than_it_holds(
    redis: Redis, bucket: Callable[..., Bucket]
) -> None:
    """By its refill rate, up to its capacity."""
    buckets, one = Buckets(redis), bucket(AwsLimit(capacity=5, refill=0.01))
    await take(buckets, 5, one)

    await let_pass(redis, one, 210)
    assert (await take(buckets, 5, one)).at_once == 2
    await let_pass(redis, one, 3600)
    assert (await take(buckets, 50, one)).at_once == 5


async def test_a_clock_that_was_set_back_stops_no_bucket(
    redis: Redis, bucket: Callable[..., Bucket]
) -> None:
    """It goes on from there, as full as it was."""
    buckets, one = Buckets(redis), bucket(AwsLimit(capacity=5, refill=0.01))
    await take(buckets, 5, one)
    await let_pass(redis, one, -3600)

    assert (await take(buckets, 1, one)).wait == pytest.approx(100, abs=1)
    await let_pass(redis, one, 250)
    assert (await take(buckets, 5, one)).at_once == 1


async def test_a_call_takes_of_all_its_buckets_or_waits_for_the_last(
    redis: Redis, bucket: Callable[..., Bucket]
) -> None:
    """A launch of three instances takes one request and three instances."""
    buckets = Buckets(redis)
    both = [bucket(), bucket(AwsLimit(capacity=8, refill=0.1), "instances")]

    (grant,) = await buckets.take([Ask(both, [3, 3, 3, 3])])

    assert grant.at_once == 2
    assert grant.wait == pytest.approx(10, abs=0.5)
    left = [float(await redis.hget(one.key, "left") or 0) for one in both]
    assert left == [pytest.approx(2, abs=0.1), pytest.approx(-1, abs=0.1)]


async def test_what_no_bucket_ever_holds_is_taken_from_a_full_one(
    redis: Redis, bucket: Callable[..., Bucket]
) -> None:
    """And paid back by those who come after."""
    buckets = Buckets(redis)
    both = [bucket(), bucket(AwsLimit(capacity=8, refill=0.1), "instances")]

    assert await buckets.take([Ask(both, [20])]) == [Grant(1, 0)]
    (grant,) = await buckets.take([Ask(both, [1])])

    assert grant.at_once == 0
    assert grant.wait == pytest.approx(130, abs=1)


async def test_many_buckets_are_asked_in_one_round_trip(
    redis: Redis, bucket: Callable[..., Bucket]
) -> None:
    """Each for itself: one that is empty changes nothing for the others."""
    buckets = Buckets(redis)
    both = [bucket(name="RunInstances"), bucket(AwsLimit(capacity=4, refill=0.001), "instances")]
    empty, full = bucket(name="empty"), bucket(name="full")
    await take(buckets, 5, empty)

    grants = await buckets.take(
        [Ask(both, [4, 1, 1, 1]), Ask([empty], [0, 0]), Ask(both, [1]), Ask([full], [0] * 3)]
    )

    assert [grant.at_once for grant in grants] == [1, 0, 0, 3]
    assert grants[3].wait == 0


async def test_an_idle_bucket_is_gone_when_it_would_be_full(
    redis: Redis, bucket: Callable[..., Bucket]
) -> None:
    """Not before, and soon after."""
    buckets, one = Buckets(redis), bucket(AwsLimit(capacity=50, refill=2))
    await take(buckets, 20, one)

    assert 10 < await redis.pttl(one.key) / 1000 <= 11.1


async def test_a_bucket_that_aws_found_empty_is_emptied_and_slows_down(
    redis: Redis, bucket: Callable[..., Bucket]
) -> None:
    """Once for calls that were under way together; again, and to a floor, for later ones."""
    buckets, one = Buckets(redis), bucket(AwsLimit(capacity=50, refill=2))

    assert await buckets.shrink(one) == pytest.approx(SHRINK)
    assert await buckets.shrink(one) is None
    assert (await take(buckets, 1, one)).wait == pytest.approx(1 / (2 * SHRINK), abs=0.05)
    for _ in range(20):
        await redis.hset(one.key, "shrunk_at", 0)
        pace = await buckets.shrink(one)

    assert pace == pytest.approx(LEAST_PACE)


async def test_what_was_promised_in_advance_is_owed_by_a_bucket_that_is_emptied(
    redis: Redis, bucket: Callable[..., Bucket]
) -> None:
    """Or those to whom it was promised would go beside those who come."""
    buckets, one = Buckets(redis), bucket()
    for _ in range(3):
        await take(buckets, 6, one)

    await buckets.shrink(one)

    assert float(await redis.hget(one.key, "left") or 0) == pytest.approx(-3, abs=0.1)


async def test_a_bucket_that_was_slowed_down_is_refilled_more_slowly(
    redis: Redis, bucket: Callable[..., Bucket]
) -> None:
    """By its pace, also of the time in which nobody looked at it."""
    buckets, one = Buckets(redis), bucket(AwsLimit(capacity=50, refill=1))
    await buckets.shrink(one)
    await redis.hset(one.key, "pace", 0.5)
    await let_pass(redis, one, 10)

    assert (await take(buckets, 20, one)).at_once == 5


async def test_a_bucket_does_not_fill_up_for_a_call_that_waits_for_its_other_one(
    redis: Redis, bucket: Callable[..., Bucket]
) -> None:
    """When the call goes it is as full as ever: it would let more go with it than AWS permits."""
    both = [bucket(AwsLimit(capacity=1, refill=10)), bucket(AwsLimit(capacity=1, refill=1), "two")]

    (grant,) = await Buckets(redis).take([Ask(both, [1, 1])])

    assert grant == Grant(1, 1)
    # The one that was taken in advance, and nine of ten that come until then and have no room.
    assert float(await redis.hget(both[0].key, "left") or 0) == -10


async def test_a_clock_that_was_set_back_keeps_no_bucket_from_slowing_down(
    redis: Redis, bucket: Callable[..., Bucket]
) -> None:
    """For longer than it would otherwise be kept from it."""
    buckets, one = Buckets(redis), bucket(AwsLimit(capacity=50, refill=2))
    await buckets.shrink(one)
    for name in ("at", "shrunk_at"):
        ahead = float(await redis.hget(one.key, name) or 0) + 3600
        await redis.hset(one.key, name, ahead)

    await take(buckets, 1, one)
    await redis.hincrbyfloat(one.key, "shrunk_at", -SHRINK_EVERY)

    assert await buckets.shrink(one) == pytest.approx(SHRINK**2, abs=0.01)


async def test_a_wait_is_told_however_short_it_is(
    redis: Redis, bucket: Callable[..., Bucket]
) -> None:
    """As none it would be a token that was taken, and that nobody is given."""
    buckets, one = Buckets(redis), bucket(AwsLimit(capacity=2, refill=1))
    await take(buckets, 1, one)
    await let_pass(redis, one, -3600)
    await redis.hset(one.key, "left", 1 - 1e-9)

    assert (await take(buckets, 1, one)).wait == pytest.approx(1e-9)


async def test_a_slow_bucket_grows_back_and_is_kept_until_it_has(
    redis: Redis, bucket: Callable[..., Bucket]
) -> None:
    """A little each second."""
    buckets, one = Buckets(redis), bucket(AwsLimit(capacity=2, refill=2))
    await buckets.shrink(one)
    assert await redis.pttl(one.key) / 1000 == pytest.approx((1 - SHRINK) / GROWTH + 1, abs=0.5)

    await let_pass(redis, one, 10)
    await take(buckets, 1, one)
    assert float(await redis.hget(one.key, "pace") or 0) == pytest.approx(
        SHRINK + 10 * GROWTH, abs=0.01
    )
    await let_pass(redis, one, 3600)
    await take(buckets, 1, one)
    assert (await redis.hget(one.key, "pace") or "1") == "1"


@dataclass(frozen=True)
class Given:
    """A token, and the times on Redis' clock between which its call was free to go."""

    earliest: float
    latest: float
    units: int


UNITS = st.lists(st.integers(1, 4), min_size=1, max_size=6)


@settings(max_examples=25)
@given(st.lists(st.lists(UNITS, min_size=1, max_size=12), min_size=2, max_size=3))
def test_no_window_has_more_than_the_limit(redis_server, processes: list[list[list[int]]]) -> None:
    """Of requests and of units, however many ask, and for whatever: as many as the bucket holds
    and what is refilled in that time."""
    limits = [AwsLimit(capacity=3, refill=400), AwsLimit(capacity=5, refill=900)]
    both = [Bucket(f"test-{uuid.uuid4().hex}", limit) for limit in limits]

    async def process(asks: list[list[int]]) -> list[Given]:
        redis = Redis.from_url(redis_server.url, decode_responses=True)
        buckets, got = Buckets(redis), []
        for units in asks:
            before = await _time(redis)
            (grant,) = await buckets.take([Ask(both, units)])
            after = await _time(redis)
            got += [Given(before, after, one) for one in units[: grant.at_once]]
            if grant.wait:
                free = units[grant.at_once]
                got.append(Given(before + grant.wait, after + grant.wait, free))
                await asyncio.sleep(grant.wait)
        await redis.aclose()
        return got

    async def compete() -> list[Given]:
        return [one for got in await _all(process, processes) for one in got]

    got = asyncio.run(compete())
    for begin, end in product({one.earliest for one in got}, {one.latest for one in got}):
        within = [one.units for one in got if begin <= one.earliest and one.latest <= end]
        for limit, taken in zip(limits, (len(within), sum(within)), strict=True):
            assert taken <= limit.capacity + limit.refill * max(0, end - begin) + 1e-3


async def _all(
    process: Callable[[list[list[int]]], Awaitable[list[Given]]], asks: list[list[list[int]]]
) -> list[list[Given]]:
    return await asyncio.gather(*map(process, asks))


async def _time(redis: Redis) -> float:
    seconds, microseconds = await redis.time()
    return float(seconds) + float(microseconds) / 1e6
