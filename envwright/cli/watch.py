"""Follow environments until nobody works on them any more."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from envwright.cli.outage import RidingOut
from envwright.client import Client
from envwright.errors import WaitTimeout
from envwright.record import Event, Record

_LISTEN: Final = 1.5


@dataclass(frozen=True, slots=True)
class Update:
    """A record as it is now, and the events since the update before."""

    record: Record
    events: tuple[Event, ...]


class Watch:
    """Follows environments: iterate over it, and it ends when all of them are at rest.

    Raises `WaitTimeout` after `timeout` seconds, and `StoreUnavailable` when Redis stays away for
    longer than `RIDE_OUT`. `on_outage` is called with True when it goes away, and with False when
    it is back.
    """

    def __init__(
        self,
        client: Client,
        runs: Mapping[str, str | None],
        *,
        timeout: float | None = None,
        endless: bool = False,
        on_outage: Callable[[bool], None],
    ) -> None:
        """`runs` maps each environment's id to the run at which its history begins for us.

        With None it begins with the oldest event. `endless` goes on when all are at rest.
        """
        self._client = client
        self._runs = dict(runs)
        self._last = dict.fromkeys(runs, "0")
        self._deadline = None if timeout is None else time.monotonic() + timeout
        self._timeout = timeout
        self._endless = endless
        self._ask = RidingOut(on_outage).ask
        self._open: dict[str, Record] = {}

    def __iter__(self) -> Iterator[Update]:
        for environment_id, run_id in self._runs.items():
            events = self._events_of(environment_id)
            yield self._update(environment_id, since(run_id, events))
        while self._open:
            for environment_id, events in self._next_events().items():
                yield self._update(environment_id, events)

    def _update(self, environment_id: str, events: list[Event]) -> Update:
        record = self._ask(lambda: self._client.status(environment_id))
        if record.at_rest:
            # The record is newer than the events are: those of the last move are written too.
            events = events + self._events_of(environment_id)
        self._open[environment_id] = record
        if record.at_rest and not self._endless:
            del self._open[environment_id]
        return Update(record, tuple(events))

    def _events_of(self, environment_id: str) -> list[Event]:
        """What is there already, without waiting for more."""
        return self._read([environment_id], 0).get(environment_id, [])

    def _next_events(self) -> dict[str, list[Event]]:
        left = _LISTEN
        if self._deadline is not None:
            left = min(left, self._deadline - time.monotonic())
            if left <= 0:
                raise WaitTimeout(self._unfinished())
        return self._read(list(self._open), left)

    def _read(self, environment_ids: list[str], timeout: float) -> dict[str, list[Event]]:
        after = {one: self._last[one] for one in environment_ids}
        found = self._ask(lambda: self._client.follow(after, timeout))
        for environment_id, events in found.items():
            self._last[environment_id] = events[-1].id
        return found

    def _unfinished(self) -> str:
        return "\n".join(
            f"{record.environment_id} is still {record.state} (step {record.step}) after "
            f"{self._timeout:g} s; its job goes on."
            for record in self._open.values()
        )


def since(run_id: str | None, events: list[Event]) -> list[Event]:
    """The events from a run's first on.

    A run that nobody asked for is the cleanup after a failure: that begins with what failed.
    """
    if run_id is None:
        return events
    runs = [event.run for event in events]
    if run_id not in runs:
        return []
    first = runs.index(run_id)
    if first > 0 and events[first].type != "accepted":
        first = runs.index(runs[first - 1])
    return events[first:]
