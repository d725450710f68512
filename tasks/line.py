"""The line, as workers see it: runs that build wait in it until there is room for them."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, cast

from redis.asyncio import Redis

from envwright.names import RECORD_FORMAT, Keys, Step
from tasks.due import Due, due_of
from tasks.line_scripts import ADMIT

_LOOKED_AT_ONCE: Final = 1000
"""Entries of lines that one script looks at: there may be many that nobody waits for any more."""

BEGUN_AT_FIRST: Final = 10
"""How many members of a bulk with `max_failures` are under way at first in one area.

With each that comes to its last step, when AWS has made all of it, or is ready, two more may be.
"""

BEGUN_BEFORE_ONE_IS_READY: Final = 100
"""How many of them are under way at most before the first is ready: some faults show only there."""

_LAST_STEP: Final = Step.READY


class Line:
    """Lets runs in. Every worker does so; each run is let in by one of them."""

    def __init__(self, redis: Redis, keys: Keys, limit: int) -> None:
        """`limit` is how many runs may build at once in one account and region."""
        self._redis = redis
        self._keys = keys
        self._limit = limit
        self._admit = redis.register_script(ADMIT)

    async def admit(self, at_once: Callable[[str], int], grace: float) -> list[Due]:
        """Let in as many as there is room for, and at most so many `at_once` for an account and
        region (see `area_of`): they are to be sent for.

        One whose message is lost is due after `grace` seconds, as any other.
        """
        areas = await cast(Awaitable[set[str]], self._redis.smembers(self._keys.areas))
        taken: list[Sequence[str]] = []
        for area in sorted(areas):
            answer: Any = await self._admit(
                keys=[
                    self._keys.under_way(area),
                    self._keys.flows(area),
                    self._keys.areas,
                    self._keys.turns,
                    self._keys.due,
                    self._keys.expiries,
                ],
                args=[
                    area,
                    self._keys.record(""),
                    self._keys.line(area, ""),
                    self._keys.bulk(""),
                    self._limit,
                    grace,
                    at_once(area),
                    _LOOKED_AT_ONCE,
                    RECORD_FORMAT,
                    _LAST_STEP,
                    BEGUN_AT_FIRST,
                    BEGUN_BEFORE_ONE_IS_READY,
                ],
            )
            taken += answer
        return due_of(taken)
