"""The record in Redis, as the worker that holds its lease writes it.

Each method is one Lua script on Redis' own clock. A claim draws a new epoch; every later write
names its epoch, and a write of an older epoch changes nothing. So a worker that was frozen, or
whose run was replaced, cannot overwrite what came after it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from secrets import token_hex
from typing import Any, Final

import structlog
from redis.asyncio import Redis

from config.settings import RUNS_PER_ACCOUNT
from envwright.names import RECORD_FORMAT, Keys, Step, area_of, queue_list, queue_lists
from envwright.record import Event
from envwright.states import AT_REST, HOLDS_NOTHING, TRIED_AGAIN
from tasks.due import Due, due_of
from tasks.group_commit import GroupCommit
from tasks.message import message_of
from tasks.scripts import ADVANCE, CLAIM, NOTE, RENEW, TAKE_DUE

logger = structlog.get_logger(__name__)


class Refusal(StrEnum):
    """Why a worker does not get the lease that it asked for."""

    BUSY = "busy"
    STALE = "stale"
    DONE = "done"
    ELSEWHERE = "elsewhere"
    MISSING = "missing"
    FOREIGN = "foreign"
    WAITING = "waiting"
    IN_LINE = "in_line"


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
class Hold:
    """What a worker holds of an environment: the names that each of its writes must give."""

    environment_id: str
    run_id: str
    epoch: int


DEATHS_GIVEN_UP: Final = 3
"""How often a worker may die in one step until its run is given up.

Before the last time it is a suspect, and a worker tries one suspect at a time: whoever dies then
was not taken along by another.
"""

_SUSPECTS_PAUSE: Final = 5.0
"""Seconds until a suspect that finds another one being tried is looked at again."""

_RESTING = f" {' '.join(sorted(AT_REST))} "
_FORGOTTEN = f" {' '.join(sorted(AT_REST - TRIED_AGAIN))} "
_GONE = f" {' '.join(sorted(HOLDS_NOTHING))} "


class WorkerStore:
    """The worker's writes. Redis' own errors pass through: the lease then runs out by itself."""

    def __init__(
        self,
        redis: Redis,
        keys: Keys,
        queue: str,
        worker: str,
        limit: int = RUNS_PER_ACCOUNT,
    ) -> None:
        """`limit` is how many runs may build at once in one account and region."""
        self._redis = redis
        self._writes = GroupCommit(redis)
        self._keys = keys
        self._queue = queue
        self._worker = worker
        self._limit = limit
        self._suspect = keys.suspect(worker)
        self._claim = redis.register_script(CLAIM)
        self._note = redis.register_script(NOTE)
        self._advance = redis.register_script(ADVANCE)
        self._renew = redis.register_script(RENEW)
        self._take_due = redis.register_script(TAKE_DUE)

    async def claim(
        self, environment_id: str, run_id: str, step: Step, lease: float
    ) -> Claimed | Refusal:
        """Ask for the lease, for `lease` seconds, to do this step of this run.

        A run that is still to begin waits in line where there is no room for it.
        """
        area = area_of(environment_id)
        started = Event(type="step", run=run_id, step=step, state="started")
        answer: list[Any] = await self._writes.run(
            self._claim,
            [
                self._keys.record(environment_id),
                self._keys.due,
                self._keys.events(environment_id),
                self._suspect,
                self._keys.under_way(area),
                self._keys.flows(area),
                self._keys.areas,
                self._keys.turns,
                self._keys.expiries,
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
                self._keys.heartbeat(""),
                DEATHS_GIVEN_UP,
                _SUSPECTS_PAUSE,
                area,
                self._limit,
                self._keys.line(area, ""),
                self._keys.bulk(""),
                token_hex(8),
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
        answer = await self._writes.run(
            self._note,
            [self._keys.record(hold.environment_id), self._keys.events(hold.environment_id)],
            [hold.epoch, hold.run_id, json.dumps(dict(fields)), _told(events)],
        )
        return Written(answer)

    async def advance(
        self,
        hold: Hold,
        fields: Mapping[str, str],
        events: Sequence[Event],
        delay: float | None,
        then: Due | None = None,
    ) -> Written:
        """End a step: write, give the lease back, and be due in `delay` seconds (None: never).

        Who is woken up `then` gets the message with the same write.
        """
        answer = await self._writes.run(
            self._advance,
            [
                self._keys.record(hold.environment_id),
                self._keys.due,
                self._keys.events(hold.environment_id),
                self._suspect,
                *([queue_list(self._queue, then.priority)] if then else []),
            ],
            [
                hold.environment_id,
                hold.epoch,
                hold.run_id,
                json.dumps(dict(fields)),
                _told(events),
                -1 if delay is None else delay,
                _GONE,
                *([self._message(then)] if then else []),
            ],
        )
        return Written(answer)

    async def wake_up(self, runs: Sequence[Due]) -> None:
        """Send a message for each of these."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for due in runs:
                pipe.lpush(queue_list(self._queue, due.priority), self._message(due))
            await pipe.execute()

    async def renew(self, holds: Sequence[Hold], lease: float) -> list[Written]:
        """Renew all leases of this worker in one call; the answers come in their order.

        A death that was counted of a worker which has a heartbeat again is taken back.
        """
        answer: list[str] = await self._call(
            self._renew,
            [
                self._keys.due,
                self._suspect,
                *(self._keys.record(hold.environment_id) for hold in holds),
            ],
            [
                lease,
                self._worker,
                self._keys.heartbeat(""),
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
        sent after twice the time. A cleanup that failed begins anew by being taken. Where Redis'
        clock was set back since the last sweep, all that waits and all leases are moved back with
        it.
        """
        back, taken = await self._call(
            self._take_due,
            [self._keys.due, self._keys.swept, *queue_lists(self._queue)],
            [
                self._keys.record(""),
                limit,
                grace,
                _FORGOTTEN,
                _format(),
                self._keys.events(""),
            ],
        )
        if float(back) > 0:
            logger.warning("redis_clock_went_back", seconds=float(back))
        return due_of(taken)

    def _message(self, due: Due) -> str:
        return message_of(due, self._queue, self._worker)

    @staticmethod
    async def _call(script: Any, keys: list[str], args: list[Any]) -> Any:
        return await script(keys=keys, args=args)


def _format() -> str:
    return str(RECORD_FORMAT)


def _json(event: Event) -> str:
    return event.model_dump_json(exclude_defaults=True)


def _told(events: Sequence[Event]) -> str:
    return json.dumps([_json(event) for event in events])
