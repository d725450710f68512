"""How fast a bulk comes to rest, and when it will have."""

from collections import deque
from typing import Final

from envwright.bulk import Bulk

_WINDOW: Final = 180.0
"""Seconds over which the pace is measured: a bulk's members end in waves, a wave in a minute."""

_LEAST: Final = 10.0
"""Seconds before which nothing can be said."""


class Pace:
    """Hears how a bulk stands, again and again, from a request at `since` on, in Unix seconds."""

    def __init__(self, since: float | None = None) -> None:
        self._since = since or 0.0
        self._heard: deque[tuple[float, int]] = deque()

    def hear(self, bulk: Bulk) -> None:
        if not self._heard and (begun := self._begun(bulk)):
            self._heard.append((begun, 0))
        elif self._heard and bulk.at_rest < self._heard[-1][1]:
            self._heard.clear()  # A retry, or a cleanup: what was at rest moves again.
        self._heard.append((bulk.counted_at, bulk.at_rest))
        while bulk.counted_at - self._heard[0][0] > _WINDOW and len(self._heard) > 2:
            self._heard.popleft()

    def _begun(self, bulk: Bulk) -> float | None:
        """When nothing of it was at rest; None where that is too long ago, or was for another
        request: what a retry or `down` finds at rest says nothing about the others."""
        begun = bulk.started_at
        if begun is None or begun < self._since or bulk.counted_at - begun >= _WINDOW:
            return None
        return begun

    def a_minute(self) -> float | None:
        """Members that come to rest in a minute; None while it is too early to say."""
        if not self._heard:
            return None
        (begun, before), (now, after) = self._heard[0], self._heard[-1]
        if now - begun < _LEAST or after == before:
            return None
        return (after - before) / (now - begun) * 60

    def left(self, bulk: Bulk) -> float | None:
        """Seconds until all members are at rest, if it goes on like this.

        None in its first wave: the first to end say little about when the others will.
        """
        rate = self.a_minute()
        if rate is None or bulk.at_rest < bulk.under_way:
            return None
        return (bulk.total - bulk.at_rest) / rate * 60
