"""Redis goes away for a moment, and whoever watches waits for it."""

import time
from collections.abc import Callable
from typing import Final, TypeVar

from envwright.errors import StoreUnavailable

RIDE_OUT: Final = 5.0
"""Seconds for which Redis may be away before watching ends; the jobs themselves go on anyhow."""

_GOES_ON: Final = "Watching ends here; the jobs go on."
_PAUSE: Final = 0.25

Answer = TypeVar("Answer")


class RidingOut:
    """Asks Redis, and again while it may come back.

    `on_outage` is called with True when it goes away, and with False when it is back.
    """

    def __init__(self, on_outage: Callable[[bool], None]) -> None:
        self._on_outage = on_outage
        self._answered_at = time.monotonic()

    def ask(self, question: Callable[[], Answer]) -> Answer:
        """The answer. Raises `StoreUnavailable` when none comes for longer than `RIDE_OUT`."""
        is_away = False
        while True:
            try:
                answer = question()
            except StoreUnavailable as error:
                if time.monotonic() - self._answered_at > RIDE_OUT:
                    raise StoreUnavailable(f"{error} {_GOES_ON}") from error
                if not is_away:
                    is_away = True
                    self._on_outage(True)
                time.sleep(_PAUSE)
            else:
                self._answered_at = time.monotonic()
                if is_away:
                    self._on_outage(False)
                return answer
