"""The turns of a plan, as they happen in a world: each at its call, before or after the effect."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Final

from redis import Redis
from redis.exceptions import RedisError

from envwright.errors import EnvwrightError, StoreUnavailable
from envwright.expiry import WARNING_SHARE
from envwright.messages import producer, send_run, steps_of
from envwright.spec.durations import LEAST_LIFE
from tests import clock
from tests.chaos.plan import JUMP, Event, Turn
from tests.chaos.workers import WorkerProcess
from tests.chaos.world import LEASE, World
from tests.cloud import Call, Reply
from tests.cloud.faults import Forward, ReplyLost

_FROZEN: Final = LEASE + 3.0
"""Seconds for which a worker is frozen: it finds its lease gone, and another at its work."""

_LIFE: Final = LEAST_LIFE + 30.0
"""Seconds after which a time to live passes, where it is to pass."""

_WARNED: Final = 0.9 * WARNING_SHARE * _LIFE
"""Seconds before its end, at which one is warned of it."""

_LONGER: Final = 2 * JUMP
"""Seconds by which an end is moved: beyond every jump of the clock."""

_REPEAT: Final = 0.2
_OF_WORKERS: Final = frozenset({Event.KILL, Event.STOP, Event.FREEZE})


class Drama:
    """Counts the calls of a world, and lets its turns happen when it is their time."""

    def __init__(self, world: World, environment_ids: Sequence[str]) -> None:
        self._world = world
        self._ids = environment_ids
        self._turns: list[Turn] = []
        self._calls = 0
        self._going_on: set[asyncio.Future[Any]] = set()
        self.happened: list[Event] = []

    def begin(self, turns: Sequence[Turn]) -> None:
        """From now on these happen; calls are counted from one again."""
        self._turns, self._calls = list(turns), 0

    async def end(self) -> None:
        """Let no further turn happen, and wait until those that have begun are over."""
        self._turns = []
        while self._going_on:
            await asyncio.gather(*self._going_on)

    async def at_call(self, call: Call, forward: Forward) -> Reply:
        """As a fault of the cloud, for every call."""
        self._calls += 1
        now = [turn for turn in self._turns if turn.at == self._calls]
        for turn in now:
            if not turn.after_effect:
                await self._happen(turn)
        if any(turn.event is Event.KILL and not turn.after_effect for turn in now):
            raise ReplyLost
        reply = await forward()
        for turn in now:
            if turn.after_effect:
                await self._happen(turn)
        return reply

    async def _happen(self, turn: Turn) -> None:
        if turn.event in _OF_WORKERS:
            self._befall_a_worker(turn)
            return
        world = self._world
        self.happened.append(turn.event)
        match turn.event:
            case Event.REDIS_RESTART:
                await world.redis.kill()
                await world.redis.start()
            case Event.DUPLICATE:
                self._insist(self._send_again)
            case Event.CLOCK_FORWARD:
                self._insist(partial(self._set_clock, turn.seconds))
            case Event.CLOCK_BACK:
                self._insist(partial(self._set_clock, -turn.seconds))
            case Event.CANCEL:
                self._insist(partial(world.client.cancel, self._environment(turn)))
            case Event.DESTROY:
                self._insist(partial(world.client.destroy, self._environment(turn)))
            case Event.EXTEND:
                self._insist(partial(world.client.extend, self._environment(turn), by=_LONGER))
            case Event.EXPIRE:
                self._go_on(self._let_expire(self._environment(turn)))

    def _befall_a_worker(self, turn: Turn) -> None:
        workers = self._world.workers
        if not workers:
            return  # Those that died last are being replaced.
        self.happened.append(turn.event)
        worker = workers[turn.which % len(workers)]
        match turn.event:
            case Event.KILL:
                self._world.replace(worker)
            case Event.STOP:
                worker.stop()
                self._world.begin_worker()
            case Event.FREEZE:
                self._go_on(self._freeze(worker))

    def _environment(self, turn: Turn) -> str:
        return self._ids[turn.which % len(self._ids)]

    def _go_on(self, happening: Awaitable[Any]) -> None:
        """Let this take its time, while the world goes on."""
        task = asyncio.ensure_future(happening)
        self._going_on.add(task)
        task.add_done_callback(self._going_on.discard)

    async def _freeze(self, worker: WorkerProcess) -> None:
        worker.freeze()
        await asyncio.sleep(_FROZEN)
        worker.thaw()

    async def _let_expire(self, environment_id: str) -> None:
        """Give it an end, and set the clock: into the time of the warning, and then beyond it."""
        client = self._world.client
        near = partial(client.extend, environment_id, until=client.now() + _LIFE)
        if await self._asked(near) is None:
            return
        await self._asked(partial(self._set_clock, _LIFE - _WARNED))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FROZEN):
                while not await self._is_warned(environment_id):  # noqa: ASYNC110 - a record tells nobody
                    await asyncio.sleep(_REPEAT)
        await self._asked(partial(self._set_clock, _WARNED))

    async def _is_warned(self, environment_id: str) -> bool:
        record = await self._asked(partial(self._world.client.status, environment_id))
        return record is None or record.expiry is None or record.expiry.warn_at is None

    def _insist(self, request: Callable[[], Any]) -> None:
        """Ask until Redis answers, as a caller does; a refusal is an answer."""
        self._go_on(self._asked(request))

    async def _asked(self, request: Callable[[], Any]) -> Any:
        """The answer; None where it is a refusal."""
        while True:
            try:
                return await self._world.ask(request)
            except (StoreUnavailable, RedisError, OSError):
                await asyncio.sleep(_REPEAT)
            except EnvwrightError:
                return None

    def _set_clock(self, seconds: float) -> None:
        with Redis.from_url(self._world.redis.url, decode_responses=True) as database:
            clock.jump(database, self._world.client.settings.keys, seconds)

    def _send_again(self) -> None:
        """Deliver each message of each run twice more."""
        client = self._world.client
        with producer(client.settings) as celery:
            for record in [client.status(one) for one in self._ids]:
                for step in steps_of(record.run.kind) * 2:
                    send_run(celery, record.environment_id, record.run.id, record.run.kind, step)
