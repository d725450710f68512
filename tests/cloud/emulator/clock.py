"""What comes by itself after a while: it is made up for before the next request is answered."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from moto.ec2.models import ec2_backends

from tests.cloud.terms import Terms


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
            self.__dict__.setdefault("_to_come", []).append((time.monotonic() + seconds, change))

    def catch_up(self: Any) -> None:
        """Let happen what is due."""
        to_come = self.__dict__.get("_to_come", [])
        due = sorted((one for one in to_come if one[0] <= time.monotonic()), key=lambda one: one[0])
        for one in due:
            to_come.remove(one)
            one[1]()


def catch_up_everywhere() -> None:
    for regions in list(ec2_backends.values()):
        for backend in list(regions.values()):
            backend.catch_up()
