"""Buckets of tokens in Redis, which all workers share: on Redis' clock, one script a round trip.

A bucket is refilled when it is looked at. Who finds none left takes the next one in advance, and
is told how long to wait for it; so a bucket may hold less than nothing. One that is not in Redis
is full.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from redis.asyncio import Redis

from config.settings import AwsLimit

SHRINK: Final = 0.7
"""What is left of a bucket's pace when AWS throttles a call all the same."""

LEAST_PACE: Final = 0.1

SHRINK_EVERY: Final = 5.0
"""Seconds in which the pace shrinks once at most: calls that were under way together were too many
together."""

GROWTH: Final = 0.01
"""By how much of the full one the pace grows back in a second."""

_BUCKET: Final = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local growth = {growth}

local function look_into(key, capacity, refill)
  local have = redis.call('HMGET', key, 'left', 'at', 'pace', 'shrunk_at')
  local bucket = {key = key, capacity = tonumber(capacity), refill = tonumber(refill)}
  -- A clock that was set back must not leave it waiting for the time to come again.
  bucket.pace, bucket.shrunk_at = tonumber(have[3]) or 1, math.min(now, tonumber(have[4]) or 0)
  local passed = math.max(0, now - (tonumber(have[2]) or now))
  local left = (tonumber(have[1]) or bucket.capacity) + passed * bucket.refill * bucket.pace
  bucket.left = math.min(bucket.capacity, left)
  bucket.pace = math.min(1, bucket.pace + passed * growth)
  return bucket
end

local function keep(bucket)
  redis.call('HSET', bucket.key, 'left', bucket.left, 'at', now, 'pace', bucket.pace,
    'shrunk_at', bucket.shrunk_at)
  local to_fill = (bucket.capacity - bucket.left) / (bucket.refill * bucket.pace)
  local to_grow = (1 - bucket.pace) / growth
  -- By then it is as it would be without an entry.
  redis.call('PEXPIRE', bucket.key, math.ceil(1000 * (1 + math.max(to_fill, to_grow))))
end
""".replace("{growth}", str(GROWTH))

_TAKE: Final = (
    _BUCKET
    + """
local key, argument = 0, 0
local function next_key() key = key + 1 return KEYS[key] end
local function next_number() argument = argument + 1 return tonumber(ARGV[argument]) end

-- Of each bucket so many; and how long to wait until all of them are there.
local function take(buckets, units)
  local wait = 0
  for i, bucket in ipairs(buckets) do
    -- What is more than a bucket ever holds is taken from a full one.
    local lacks = math.min(units[i], bucket.capacity) - bucket.left
    wait = math.max(wait, lacks / (bucket.refill * bucket.pace))
  end
  for i, bucket in ipairs(buckets) do
    -- One that is full before they are taken loses what would flow in: it must not hold more then.
    local then_left = bucket.left + wait * bucket.refill * bucket.pace
    bucket.left = bucket.left - units[i] - math.max(0, then_left - bucket.capacity)
  end
  return wait
end

local answers = {}
while key < #KEYS do
  local calls, buckets = next_number(), {}
  for i = 1, next_number() do buckets[i] = look_into(next_key(), next_number(), next_number()) end
  local at_once, wait = 0, 0
  for _ = 1, calls do
    wait = take(buckets, {1, #buckets > 1 and next_number() or nil})
    if wait > 0 then break end
    at_once = at_once + 1
  end
  -- Who has to wait is the last who is given anything.
  if wait > 0 and #buckets > 1 then argument = argument + calls - at_once - 1 end
  for _, bucket in ipairs(buckets) do keep(bucket) end
  answers[#answers + 1] = {at_once, string.format('%.17g', wait)}
end
return answers
"""
)

_SHRINK: Final = (
    _BUCKET
    + """
local bucket = look_into(KEYS[1], ARGV[1], ARGV[2])
bucket.left = math.min(0, bucket.left)
local is_due = now - bucket.shrunk_at >= {every}
if is_due then
  bucket.pace, bucket.shrunk_at = math.max({least}, bucket.pace * {shrink}), now
end
keep(bucket)
return {is_due and 1 or 0, string.format('%.3f', bucket.pace)}
""".replace("{every}", str(SHRINK_EVERY))
    .replace("{least}", str(LEAST_PACE))
    .replace("{shrink}", str(SHRINK))
)


@dataclass(frozen=True, slots=True)
class Bucket:
    """Where it is kept, and its limit."""

    key: str
    limit: AwsLimit


@dataclass(frozen=True, slots=True)
class Ask:
    """A token of the first bucket for each call and, where there is a second one, its units."""

    buckets: Sequence[Bucket]
    units: Sequence[int]
    """Of each call that wants to be made, the next one first."""


@dataclass(frozen=True, slots=True)
class Grant:
    """How many of the calls may be made now; for one more, its tokens are taken in advance."""

    at_once: int
    wait: float
    """Seconds until the one after them may be made; 0 when all may be made now."""


class Buckets:
    """Raises what Redis raises: nothing is known then of what was taken."""

    def __init__(self, redis: Redis) -> None:
        self._take: Any = redis.register_script(_TAKE)
        self._shrink: Any = redis.register_script(_SHRINK)

    async def take(self, asks: Sequence[Ask]) -> list[Grant]:
        """Take for all of these in one round trip; the answers come in their order."""
        keys: list[str] = []
        arguments: list[float] = []
        for ask in asks:
            keys += [bucket.key for bucket in ask.buckets]
            arguments += [len(ask.units), len(ask.buckets)]
            for bucket in ask.buckets:
                arguments += [bucket.limit.capacity, bucket.limit.refill]
            if len(ask.buckets) > 1:
                arguments += ask.units
        answers: list[tuple[int, str]] = await self._take(keys=keys, args=arguments)
        return [Grant(at_once, float(wait)) for at_once, wait in answers]

    async def shrink(self, bucket: Bucket) -> float | None:
        """Empty it and slow it down; its pace now (1 is the full one), None if it was slowed down
        a moment ago."""
        limit = bucket.limit
        is_due, pace = await self._shrink(keys=[bucket.key], args=[limit.capacity, limit.refill])
        return float(pace) if is_due else None
