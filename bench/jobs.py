"""Jobs that were given to envwright, and how far they are."""

import time
from collections import Counter
from collections.abc import Iterable
from typing import Final

from bench.shapes import NotBuilt
from bench.stack import Stack
from envwright.client import Client
from envwright.record import Record
from envwright.requests import Ticket
from envwright.states import State

_LOOK_EVERY: Final = 1.0
_BAD: Final = (State.FAILED, State.CLEANING, State.CLEANED, State.CLEANUP_FAILED)


class Jobs:
    """Those of one measurement. Looking at them costs little: of each record, its state.

    `deadline` is a time by Redis' clock, after which `wait_for` gives up.
    """

    def __init__(self, stack: Stack, client: Client, deadline: float) -> None:
        self._stack = stack
        self._client = client
        self._deadline = deadline
        self.ids: list[str] = []

    def add(self, answers: Iterable[object]) -> None:
        """Follow these as well. Raises `NotBuilt` with the first refusal."""
        for one in answers:
            if not isinstance(one, Ticket):
                raise NotBuilt(f"A job was not accepted: {one}")
            self.ids.append(one.environment_id)

    def wait_for(self, ready: float) -> None:
        """Wait until so many are ready. Raises `NotBuilt` when one fails, or time is up."""
        while (states := self._states())[State.READY] < ready:
            if any(states[bad] for bad in _BAD) or self._client.now() > self._deadline:
                raise NotBuilt(f"Of {len(self.ids)}: {dict(states)}. {self._why()}")
            time.sleep(_LOOK_EVERY)

    def took(self) -> list[float]:
        """Seconds from each one's acceptance until it was ready, in their order."""
        return [one.updated_at - one.created_at for one in self._records()]

    def ready_at(self) -> list[float]:
        """When each was ready, by Redis' clock, in their order."""
        return [one.updated_at for one in self._records()]

    def _records(self) -> list[Record]:
        return [self._client.status(one) for one in self.ids]

    def _states(self) -> Counter[str]:
        keys = self._client.settings.keys
        with self._stack.redis.client() as redis, redis.pipeline(transaction=False) as pipe:
            for one in self.ids:
                pipe.hget(keys.record(one), "state")
            return Counter(pipe.execute())

    def _why(self) -> str:
        failures = [one.failure.message for one in self._client.environments() if one.failure]
        return failures[0] if failures else "The others are still under way."
