"""What comes by itself after a while: it is made up for before the next request is answered."""

import time
from collections.abc import Callable, Mapping
from heapq import heappop, heappush
from itertools import count
from typing import Any, Final

from moto.ec2.models import ec2_backends

from tests.cloud.terms import Terms

_NUMBERS: Final = count()
"""So that what is due at the same time comes in the order in which it was begun."""


class Clock:
    """The part of `StrictBackend` that knows the call being answered and what is still to come."""

    terms = Terms()
    """Of the call that is being answered; there is one at a time."""
    asked: Mapping[str, str] = {}
    """Its parameters as they came: moto tells what was left out from what was refused no more."""

    @property
    def is_opened(self: Any) -> bool:
        """Whether it has what each account has from the start: that comes at once, and as it is."""
        return hasattr(self, "default_vpc")

    def later(self: Any, seconds: float, change: Callable[[], Any]) -> None:
        """Have this happen in so many seconds; at once, if there are none."""
        if seconds <= 0:
            change()
        else:
            # Not in __init__: moto calls those of its own parts alone.
            to_come = self.__dict__.setdefault("_to_come", [])
            heappush(to_come, (time.monotonic() + seconds, next(_NUMBERS), change))

    def catch_up(self: Any) -> None:
        """Let happen what is due."""
        to_come = self.__dict__.get("_to_come", [])
        now = time.monotonic()
        while to_come and to_come[0][0] <= now:
            heappop(to_come)[-1]()


def catch_up_everywhere() -> None:
    for regions in list(ec2_backends.values()):
        for backend in list(regions.values()):
            backend.catch_up()
