"""Follow a bulk until nobody works on it any more."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from envwright.bulk import Bulk, BulkState
from envwright.cli.bulks.failures import Sort, sorted_out
from envwright.cli.bulks.pace import Pace
from envwright.cli.outage import RidingOut
from envwright.cli.output import capitalized
from envwright.client import Client
from envwright.errors import WaitTimeout

_MEMBERS_A_SECOND: Final = 2000
"""How many members are counted a second at most: Redis does nothing else meanwhile."""

_SHORTEST_PAUSE: Final = 0.5


@dataclass(frozen=True, slots=True)
class Progress:
    """How a bulk stands, why members failed, and how fast it goes."""

    bulk: Bulk
    failures: Sequence[Sort]
    a_minute: float | None = None
    """Members that come to rest in a minute; None while it is too early to say."""
    left: float | None = None
    """Seconds until all are at rest, as it goes now."""


class BulkWatch:
    """Follows a bulk: iterate over it, and it ends when all members are at rest.

    It ends as well when the bulk paused by itself and nobody works on a member any more: then a
    person must decide. Raises `WaitTimeout` after `timeout` seconds, and `StoreUnavailable` when
    Redis stays away. `on_outage` is called when it goes away, and when it is back. `since` is when
    somebody asked for what is watched, in Unix seconds; without it, that is the bulk itself.
    """

    def __init__(
        self,
        client: Client,
        bulk_id: str,
        *,
        timeout: float | None,
        on_outage: Callable[[bool], None],
        since: float | None = None,
    ) -> None:
        self._client = client
        self._id = bulk_id
        self._timeout = timeout
        self._deadline = None if timeout is None else time.monotonic() + timeout
        self._ask = RidingOut(on_outage).ask
        self._pace = Pace(since)
        self._failures: Sequence[Sort] = ()
        self._failed = 0

    def __iter__(self) -> Iterator[Progress]:
        while True:
            bulk = self._ask(lambda: self._client.bulk(self._id))
            self._pace.hear(bulk)
            if bulk.failed != self._failed:
                self._failures = self._ask(lambda: sorted_out(self._client.bulk_members(self._id)))
                self._failed = bulk.failed
            yield Progress(bulk, self._failures, self._pace.a_minute(), self._pace.left(bulk))
            if is_over(bulk):
                return
            self._wait(bulk)

    def _wait(self, bulk: Bulk) -> None:
        pause = max(_SHORTEST_PAUSE, bulk.total / _MEMBERS_A_SECOND)
        if self._deadline is not None:
            left = self._deadline - time.monotonic()
            if left <= 0:
                raise WaitTimeout(
                    f"{capitalized(titled(bulk))} is still {bulk.state}, {bulk.at_rest} of "
                    f"{bulk.total} at rest, after {self._timeout:g} s; it goes on."
                )
            pause = min(pause, left)
        time.sleep(pause)


def is_over(bulk: Bulk) -> bool:
    """Whether nothing happens in it any more without a person.

    Of one that was put on record by half, what is there may have come to its end.
    """
    if bulk.under_way:
        return False
    gave_up = bulk.state is BulkState.PAUSED and bulk.paused_because is not None
    return gave_up or bulk.waiting == 0


def titled(bulk: Bulk) -> str:
    """A bulk as it is called in sentences."""
    return f"the bulk {bulk.name} ({bulk.id})" if bulk.name else f"the bulk {bulk.id}"
