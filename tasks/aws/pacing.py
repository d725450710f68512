"""When a call may be made: the workers share AWS's request limits, so that none is throttled.

A call waits at the limiter of its account, region and action. A process asks for all its limiters
in one round trip to Redis: what is there now goes to those who are in front, and one more token is
taken in advance, for whoever is in front when its time has come. So each waits once, nobody polls,
and no limiter waits for another.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final
from weakref import WeakValueDictionary

import structlog
from redis.asyncio import Redis

from config.settings import WorkerSettings
from tasks.aws.buckets import Ask, Bucket, Buckets
from tasks.aws.errors import ErrorClass, Halted, Trouble
from tasks.aws.limits import Limits, Toll, toll
from tasks.aws.turns import Turns, Waiter
from tasks.lease import Permit

_CALLS_AT_ONCE: Final = 200
"""How many calls of a limiter are asked for together."""

logger = structlog.get_logger(__name__)


@dataclass(eq=False, slots=True, weakref_slot=True)
class _Limiter:
    """The calls that take from the same buckets."""

    buckets: tuple[Bucket, ...]
    turns: Turns = field(default_factory=Turns)
    in_advance: asyncio.TimerHandle | None = None
    """Goes off when the token is there that was taken in advance."""

    @property
    def wants(self) -> bool:
        """Whether somebody waits at it, and no token is on its way."""
        return bool(self.turns) and self.in_advance is None

    def ask(self) -> Ask:
        return Ask(self.buckets, [one.units for one in islice(self.turns, _CALLS_AT_ONCE)])

    def give(self, units: int) -> None:
        """Let the next one go for whom this is enough. When all have left, it is lost."""
        while (waiter := self.turns.take(units)) is not None:
            if not waiter.turn.done():
                waiter.turn.set_result(None)
                return

    def fail(self, error: Exception) -> None:
        for waiter in list(self.turns):
            self.turns.leave(waiter)
            if not waiter.turn.done():
                waiter.turn.set_exception(error)


class Pacer:
    """One for each process. Belongs to the event loop that uses it."""

    def __init__(self, redis: Redis, settings: WorkerSettings) -> None:
        """Raises `EnvwrightError` when the settings name a limit that AWS does not have."""
        self._buckets = Buckets(redis)
        self._keys = settings.keys
        self._limits = Limits(settings)
        # A limiter is kept by those who wait at it, and by the token that it awaits.
        self._limiters: WeakValueDictionary[str, _Limiter] = WeakValueDictionary()
        self._wanting: dict[_Limiter, None] = {}
        self._asking: asyncio.Task[None] | None = None

    def pace(self, account: str, region: str) -> "Pace":
        """That of the calls to an account (its id, or "own") in a region."""
        return Pace(self, account, region)

    def buckets(self, account: str, region: str, wanted: Toll) -> tuple[Bucket, ...]:
        """Those that it is taken from."""
        limits = self._limits.of(account, region)
        return tuple(
            Bucket(self._keys.bucket(account, region, name), limits[name])
            for name in wanted.buckets
        )

    async def wait(
        self, buckets: tuple[Bucket, ...], units: int, permit: Permit, *, at_the_front: bool
    ) -> None:
        """Wait for tokens of all of them at once (see `Pace.turn`)."""
        limiter = self._limiters.setdefault(buckets[0].key, _Limiter(buckets))
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiter = Waiter(turn, permit.flow, units)
        limiter.turns.join(waiter, at_the_front=at_the_front)
        self._go_on(limiter)
        try:
            await permit.wait_for_turn(turn)
        finally:
            limiter.turns.leave(waiter)

    async def shrink(self, bucket: Bucket) -> float | None:
        return await self._buckets.shrink(bucket)

    def _go_on(self, limiter: _Limiter) -> None:
        """Ask for those who wait at it, with all others who do so in this turn of the event
        loop."""
        if limiter.wants:
            self._wanting[limiter] = None
            if self._asking is None:
                self._asking = asyncio.create_task(self._ask())

    async def _ask(self) -> None:
        """While an answer is awaited, further calls come together for the next question."""
        try:
            while self._wanting:
                limiters = [limiter for limiter in self._wanting if limiter.wants]
                self._wanting.clear()
                await self._ask_for(limiters)
        finally:
            self._asking = None

    async def _ask_for(self, limiters: Sequence[_Limiter]) -> None:
        asks = [limiter.ask() for limiter in limiters]
        try:
            grants = await self._buckets.take(asks)
        except Exception as error:
            # It is for those to raise who would have had their turn: nothing is sent without.
            for limiter in limiters:
                limiter.fail(error)
            return
        for limiter, ask, grant in zip(limiters, asks, grants, strict=True):
            for units in ask.units[: grant.at_once]:
                limiter.give(units)
            if grant.wait:
                limiter.in_advance = asyncio.get_running_loop().call_later(
                    grant.wait, self._arrive, limiter, ask.units[grant.at_once]
                )
            self._go_on(limiter)

    def _arrive(self, limiter: _Limiter, units: int) -> None:
        """The token is there that was taken in advance."""
        limiter.in_advance = None
        limiter.give(units)
        self._go_on(limiter)


def wait_of(action: str) -> Trouble:
    """What a run whose deadline has passed says that it was waiting for."""
    told = f"{action} waited for its turn within AWS's request limits."
    return Trouble(told, ErrorClass.THROTTLED)


class Pace:
    """When calls to one account in one region may be made."""

    def __init__(self, pacer: Pacer, account: str, region: str) -> None:
        self._pacer = pacer
        self._account = account
        self._region = region

    async def turn(
        self,
        action: str,
        parameters: Mapping[str, Any],
        permit: Permit,
        *,
        at_the_front: bool = False,
    ) -> None:
        """Wait until this call may be made: in the flow of its permit, behind what came before.

        A call that was made, and throttled, comes `at_the_front`. Raises `Halted` as soon as the
        permit ends, and what Redis raises when it cannot be asked.
        """
        wanted = toll(action, parameters)
        buckets = self._pacer.buckets(self._account, self._region, wanted)
        try:
            await self._pacer.wait(buckets, wanted.units, permit, at_the_front=at_the_front)
        except Halted:
            permit.troubles[buckets] = wait_of(action)
            raise

    async def throttled(self, action: str, parameters: Mapping[str, Any]) -> None:
        """AWS has refused this call as one too many: make fewer of them for a while."""
        wanted = toll(action, parameters)
        bucket = self._pacer.buckets(self._account, self._region, wanted)[0]
        pace = await self._pacer.shrink(bucket)
        if pace is not None:
            logger.warning(
                "aws_throttled",
                bucket=wanted.buckets[0],
                account=self._account,
                region=self._region,
                pace=pace,
            )
