"""The live displays on a terminal."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from threading import Lock
from types import TracebackType
from typing import Final, Self

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from envwright.cli.lines import REDIS_AWAY
from envwright.cli.painter import FRAMES_A_SECOND, Painter, Shown, marks_for
from envwright.cli.timeline import Timeline
from envwright.cli.watch import Update

_UNBOUNDED: Final = 1_000_000
"""The lines of the last picture, which may scroll: nothing is drawn over it."""


class Picture(ABC):
    """A picture that is drawn anew many times a second; the last one stays on the screen."""

    def __init__(self, console: Console, now: float) -> None:
        """`now` is the Unix time in seconds by Redis' clock, as all times of the record are."""
        self._console = console
        self._clock = _clock_from(now)
        self._marks = marks_for(console)
        self._is_away = False
        self._over = False
        # Rich draws on its own thread, so that timers run while we wait for events.
        self._lock = Lock()
        # It draws once here, so a picture must have all that it shows by now.
        self._live = Live(
            console=console,
            get_renderable=self._draw,
            refresh_per_second=FRAMES_A_SECOND,
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._over = True
        self._live.stop()

    def show_outage(self, is_away: bool) -> None:
        with self._lock:
            self._is_away = is_away

    @abstractmethod
    def lines(self, width: int, height: int, now: float) -> list[Text]:
        """What there is to see in so many columns and lines; empty while it is nothing yet."""

    def _draw(self) -> Group:
        size = self._console.size
        height = _UNBOUNDED if self._over else size.height - 2
        with self._lock:
            # The last column stays free: some terminals wrap when it is written to.
            lines = self.lines(size.width - 1, height, self._clock())
            notice = [Text(REDIS_AWAY, "yellow")] if self._is_away else []
            return Group(*lines, *notice)


class LiveDisplay(Picture):
    """Shows environments while they change."""

    def __init__(self, console: Console, now: float) -> None:
        self._shown: dict[str, Shown] = {}
        super().__init__(console, now)

    def show(self, update: Update) -> None:
        record = update.record
        with self._lock:
            _, timeline = self._shown.get(record.environment_id, (record, Timeline()))
            timeline.hear(record, update.events)
            self._shown[record.environment_id] = (record, timeline)

    def join(self, update: Update) -> None:
        self.show(update)

    def lines(self, width: int, height: int, now: float) -> list[Text]:
        painter = Painter(self._marks, width, now)
        if not self._shown:
            return []
        if len(self._shown) == 1:
            ((record, timeline),) = self._shown.values()
            return painter.in_full(record, timeline, height)
        return painter.in_brief(self._shown.values(), height)


def _clock_from(now: float) -> Callable[[], float]:
    """A clock that goes on from `now` without asking Redis again."""
    begun = time.monotonic()
    return lambda: now + time.monotonic() - begun
