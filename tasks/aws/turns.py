"""Who comes next: flows take turns, and within a flow it is first come, first served."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass

from tasks.lease import Flow


@dataclass(frozen=True, slots=True, eq=False)
class Waiter:
    """A call that wants to be made."""

    turn: asyncio.Future[None]
    flow: Flow
    units: int
    """What it takes of the second bucket of its limiter."""


class Turns:
    """The calls that wait for the same buckets."""

    def __init__(self) -> None:
        # `OrderedDict`, since a plain dict walks past all that was taken from its front.
        self._flows: OrderedDict[Flow, OrderedDict[Waiter, None]] = OrderedDict()
        self._waiting = 0

    def __len__(self) -> int:
        return self._waiting

    def __iter__(self) -> Iterator[Waiter]:
        """In the order in which they come to their turn, if no other comes meanwhile."""
        for is_urgent in (True, False):
            in_turn = deque(
                iter(waiters)
                for flow, waiters in self._flows.items()
                if flow.is_urgent is is_urgent
            )
            while in_turn:
                waiters = in_turn.popleft()
                if (waiter := next(waiters, None)) is not None:
                    yield waiter
                    in_turn.append(waiters)

    def join(self, waiter: Waiter, *, at_the_front: bool) -> None:
        """Stand behind, or before, the others of its flow."""
        waiters = self._flows.setdefault(waiter.flow, OrderedDict())
        waiters[waiter] = None
        self._waiting += 1
        if at_the_front:
            waiters.move_to_end(waiter, last=False)

    def leave(self, waiter: Waiter) -> None:
        """Wait no longer, if it still does."""
        waiters = self._flows.get(waiter.flow)
        if waiters is not None and waiter in waiters:
            del waiters[waiter]
            self._waiting -= 1
            if not waiters:
                del self._flows[waiter.flow]

    def take(self, units: int) -> Waiter | None:
        """The next one for whom so many units are enough; then it is its flow's last turn."""
        for waiter in self:
            if waiter.units <= units:
                self._flows.move_to_end(waiter.flow)
                self.leave(waiter)
                return waiter
        return None
