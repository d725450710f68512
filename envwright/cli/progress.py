"""The live display on a terminal."""

import time
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


class LiveDisplay:
    """Shows environments while they change; what stood there last stays on the screen."""

    def __init__(self, console: Console, now: float) -> None:
        """`now` is the Unix time in seconds by Redis' clock, as all times of the record are."""
        self._console = console
        self._clock = _clock_from(now)
        self._marks = marks_for(console)
        self._shown: dict[str, Shown] = {}
        self._is_away = False
        self._over = False
        # Rich draws on its own thread, so that timers run while we wait for events.
        self._lock = Lock()
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

    def show(self, update: Update) -> None:
        record = update.record
        with self._lock:
            _, timeline = self._shown.get(record.environment_id, (record, Timeline()))
            timeline.hear(record, update.events)
            self._shown[record.environment_id] = (record, timeline)

    def join(self, update: Update) -> None:
        self.show(update)

    def show_outage(self, is_away: bool) -> None:
        with self._lock:
            self._is_away = is_away

    def _draw(self) -> Group:
        with self._lock:
            return Group(*self._lines())

    def _lines(self) -> list[Text]:
        size = self._console.size
        # The last column stays free: some terminals wrap when it is written to.
        painter = Painter(self._marks, size.width - 1, self._clock())
        height = _UNBOUNDED if self._over else size.height - 2
        notice = [Text(REDIS_AWAY, "yellow")] if self._is_away else []
        if not self._shown:
            return notice
        if len(self._shown) == 1:
            ((record, timeline),) = self._shown.values()
            return [*painter.in_full(record, timeline, height), *notice]
        return [*painter.in_brief(self._shown.values(), height), *notice]


def _clock_from(now: float) -> Callable[[], float]:
    """A clock that goes on from `now` without asking Redis again."""
    begun = time.monotonic()
    return lambda: now + time.monotonic() - begun
