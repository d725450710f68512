"""The record in Redis, as the worker that holds its lease writes it.

Each method is one Lua script on Redis' own clock. A claim draws a new epoch; every later write
names its epoch, and a write of an older epoch changes nothing. So a worker that was frozen, or
whose run was replaced, cannot overwrite what came after it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import structlog
from redis.asyncio import Redis

from envwright.names import Keys, Step
from envwright.record import (
    AT_REST,
    RECORD_FORMAT,
    Event,
    RunKind,
)
from envwright.store import EVENTS_KEPT

logger = structlog.get_logger(__name__)

_NOW: Final = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
"""

_WRITE: Final = """
local function write(record, events, fields, told)
  for field, value in pairs(cjson.decode(fields)) do redis.call('HSET', record, field, value) end
  redis.call('HSET', record, 'updated_at', string.format('%.3f', now))
  for _, event in ipairs(cjson.decode(told)) do
    redis.call('XADD', events, 'MAXLEN', '~', '{kept}', '*', 'event', event)
  end
end
""".replace("{kept}", str(EVENTS_KEPT))

CLAIM: Final = (
    _NOW
    + """
local record, due, events = unpack(KEYS)
local environment, run, step, worker, lease, format, at_rest, told = unpack(ARGV)
local have = redis.call('HMGET', record, 'format', 'run_id', 'state', 'step', 'lease_until')
if not have[1] then redis.call('ZREM', due, environment) return {'missing'} end
if have[1] ~= format then return {'foreign'} end
if have[2] ~= run then return {'stale'} end
if string.find(at_rest, ' ' .. have[3] .. ' ', 1, true) then return {'done'} end
if have[4] ~= step then return {'elsewhere'} end
if tonumber(have[5] or '0') > now then return {'busy'} end
local epoch = redis.call('HINCRBY', record, 'epoch', 1)
redis.call('HINCRBY', record, 'attempt', 1)
redis.call('HSET', record, 'lease_owner', worker, 'lease_until', now + lease, 'wakeups', 0)
redis.call('ZADD', due, now + lease, environment)
if have[3] == 'queued' then
  redis.call('HSET', record, 'state', 'provisioning')
  redis.call('XADD', events, 'MAXLEN', '~', '{kept}', '*', 'event', cjson.encode(
    {type = 'state', run = run, state = 'provisioning'}))
end
redis.call('XADD', events, 'MAXLEN', '~', '{kept}', '*', 'event', told)
return {'claimed', epoch, string.format('%.3f', now), redis.call('HGETALL', record)}
""".replace("{kept}", str(EVENTS_KEPT))
)

NOTE: Final = (
    _NOW
    + _WRITE
    + """
local record, events = unpack(KEYS)
local epoch, run, fields, told = unpack(ARGV)
local have = redis.call('HMGET', record, 'epoch', 'run_id')
if have[1] ~= epoch then return 'lost' end
write(record, events, fields, told)
if have[2] ~= run then return 'replaced' end
return 'written'
"""
)

ADVANCE: Final = (
    _NOW
    + _WRITE
    + """
local record, due, events = unpack(KEYS)
local environment, epoch, run, fields, told, delay = unpack(ARGV)
local have = redis.call('HMGET', record, 'epoch', 'run_id')
if have[1] ~= epoch then return 'lost' end
redis.call('HSET', record, 'lease_until', 0, 'lease_owner', '')
if have[2] ~= run then redis.call('ZADD', due, now, environment) return 'replaced' end
write(record, events, fields, told)
if tonumber(delay) < 0 then redis.call('ZREM', due, environment)
else redis.call('ZADD', due, now + delay, environment) end
return 'written'
"""
)

RENEW: Final = (
    _NOW
    + """
local due = KEYS[1]
local lease, worker = unpack(ARGV)
local answers = {}
for i = 2, #KEYS do
  local environment, epoch, run = unpack(ARGV, 3 * i - 3, 3 * i - 1)
  local have = redis.call('HMGET', KEYS[i], 'epoch', 'run_id', 'lease_owner')
  -- A step may have given its lease back while this renewal was on its way.
  if have[1] ~= epoch or have[3] ~= worker then answers[#answers + 1] = 'lost'
  else
    redis.call('HSET', KEYS[i], 'lease_until', now + lease)
    redis.call('ZADD', due, now + lease, environment)
    answers[#answers + 1] = have[2] == run and 'renewed' or 'replaced'
  end
end
return answers
"""
)

TAKE_DUE: Final = (
    _NOW
    + """
local due, queue = unpack(KEYS)
local prefix, limit, grace, at_rest, format = unpack(ARGV)
local waiting = redis.call('LLEN', queue)
local taken = {}
for _, environment in ipairs(redis.call('ZRANGEBYSCORE', due, '-inf', now, 'LIMIT', 0, limit)) do
  local record = prefix .. environment
  local have = redis.call('HMGET', record, 'state', 'lease_until', 'run_id', 'step', 'run',
    'format')
  local resting = have[1] and string.find(at_rest, ' ' .. have[1] .. ' ', 1, true)
  if not have[1] or resting then redis.call('ZREM', due, environment)
  elseif have[6] ~= format then redis.call('ZADD', due, now + 3600, environment)
  elseif tonumber(have[2] or '0') > now then redis.call('ZADD', due, have[2], environment)
  else
    local wakeups = redis.call('HINCRBY', record, 'wakeups', 1)
    local delay = grace
    if waiting > 0 then delay = grace * 2 ^ math.min(wakeups, 6) end
    redis.call('ZADD', due, now + delay, environment)
    taken[#taken + 1] = {environment, have[3], have[4], have[5]}
  end
end
return taken
"""
)


class Refusal(StrEnum):
    """Why a worker does not get the lease that it asked for."""

    BUSY = "busy"
    STALE = "stale"
    DONE = "done"
    ELSEWHERE = "elsewhere"
    MISSING = "missing"
    FOREIGN = "foreign"


class Written(StrEnum):
    """What became of a write, or of a lease's renewal."""

    WRITTEN = "written"
    RENEWED = "renewed"
    REPLACED = "replaced"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Claimed:
    """A claim that was granted: the record's fields, and Redis' clock in Unix seconds."""

    fields: Mapping[str, str]
    epoch: int
    now: float


@dataclass(frozen=True, slots=True)
class Due:
    """A run that somebody must be woken up for."""

    environment_id: str
    run_id: str
    kind: RunKind
    step: Step


@dataclass(frozen=True, slots=True)
class Hold:
    """What a worker holds of an environment: the names that each of its writes must give."""

    environment_id: str
    run_id: str
    epoch: int


_RESTING = f" {' '.join(sorted(AT_REST))} "


class WorkerStore:
    """The worker's writes. Redis' own errors pass through: the lease then runs out by itself."""

    def __init__(self, redis: Redis, keys: Keys, queue: str, worker: str) -> None:
        self._redis = redis
        self._keys = keys
        self._queue = queue
        self._worker = worker
        self._claim = redis.register_script(CLAIM)
        self._note = redis.register_script(NOTE)
        self._advance = redis.register_script(ADVANCE)
        self._renew = redis.register_script(RENEW)
        self._take_due = redis.register_script(TAKE_DUE)

    async def claim(
        self, environment_id: str, run_id: str, step: Step, lease: float
    ) -> Claimed | Refusal:
        """Ask for the lease, for `lease` seconds, to do this step of this run."""
        started = Event(type="step", run=run_id, step=step, state="started")
        answer: list[Any] = await self._call(
            self._claim,
            [
                self._keys.record(environment_id),
                self._keys.due,
                self._keys.events(environment_id),
            ],
            [
                environment_id,
                run_id,
                step,
                self._worker,
                lease,
                _format(),
                _RESTING,
                _json(started),
            ],
        )
        if answer[0] != "claimed":
            return Refusal(answer[0])
        flat: list[str] = answer[3]
        fields = dict(zip(flat[::2], flat[1::2], strict=True))
        return Claimed(fields, epoch=int(answer[1]), now=float(answer[2]))

    async def note(
        self, hold: Hold, fields: Mapping[str, str], events: Sequence[Event] = ()
    ) -> Written:
        """Write fields and events in the middle of a step; the lease stays."""
        answer = await self._call(
            self._note,
            [self._keys.record(hold.environment_id), self._keys.events(hold.environment_id)],
            [hold.epoch, hold.run_id, json.dumps(dict(fields)), _told(events)],
        )
        return Written(answer)

    async def advance(
        self, hold: Hold, fields: Mapping[str, str], events: Sequence[Event], delay: float | None
    ) -> Written:
        """End a step: write, give the lease back, and be due in `delay` seconds (None: never)."""
        answer = await self._call(
            self._advance,
            [
                self._keys.record(hold.environment_id),
                self._keys.due,
                self._keys.events(hold.environment_id),
            ],
            [
                hold.environment_id,
                hold.epoch,
                hold.run_id,
                json.dumps(dict(fields)),
                _told(events),
                -1 if delay is None else delay,
            ],
        )
        return Written(answer)

    async def renew(self, holds: Sequence[Hold], lease: float) -> list[Written]:
        """Renew all leases of this worker in one call; the answers come in their order."""
        answer: list[str] = await self._call(
            self._renew,
            [self._keys.due, *(self._keys.record(hold.environment_id) for hold in holds)],
            [
                lease,
                self._worker,
                *(
                    part
                    for hold in holds
                    for part in (hold.environment_id, hold.epoch, hold.run_id)
                ),
            ],
        )
        return [Written(one) for one in answer]

    async def take_due(self, limit: int, grace: float) -> list[Due]:
        """The runs that are due and that nobody works on, put off by `grace` seconds.

        While the queue is not empty their messages may well be in it, so each further one is
        sent after twice the time.
        """
        answer: list[list[str]] = await self._call(
            self._take_due,
            [self._keys.due, self._queue],
            [self._keys.record(""), limit, grace, _RESTING, _format()],
        )
        return [due for entry in answer if (due := _due(*entry)) is not None]

    @staticmethod
    async def _call(script: Any, keys: list[str], args: list[Any]) -> Any:
        return await script(keys=keys, args=args)


def _due(environment_id: str, run_id: str, step: str, run: str) -> Due | None:
    try:
        return Due(environment_id, run_id, RunKind(json.loads(run)["kind"]), Step(step))
    except (ValueError, KeyError, TypeError) as error:
        # Of a newer format, or spoilt: it must not keep the others from being woken up.
        logger.error("run_not_readable", environment=environment_id, error=str(error))
        return None


def _format() -> str:
    return str(RECORD_FORMAT)


def _json(event: Event) -> str:
    return event.model_dump_json(exclude_defaults=True)


def _told(events: Sequence[Event]) -> str:
    return json.dumps([_json(event) for event in events])
