"""Shows how a bulk goes: as a picture on a terminal, and as lines elsewhere."""

import sys
import time
from typing import Any, Final, Protocol

from rich.console import Console
from rich.text import Text

from envwright.bulk import Bulk
from envwright.cli.bulks.painter import counts_in_words, pace_in_words, picture
from envwright.cli.bulks.standstill import in_words, standstill
from envwright.cli.bulks.watch import Progress
from envwright.cli.lines import Lines, Screen
from envwright.cli.output import clean, console, is_interactive, print_json
from envwright.cli.painter import Painter
from envwright.cli.progress import Picture
from envwright.client import Client
from envwright.moments import moment

_EVERY: Final = 10.0
"""Seconds between two lines that only count anew."""


class BulkDisplay(Screen, Protocol):
    """Shows the progress of a bulk, one way or another."""

    def show(self, progress: Progress) -> None: ...


def display_for(client: Client, as_json: bool) -> BulkDisplay:
    """The display for what stands at the other end of stdout."""
    if as_json:
        return JsonLines()
    if not is_interactive(sys.stdout):
        return PlainLines()
    return BulkPicture(console(), client.now())


class BulkPicture(Picture):
    """Its members counted, a bar, the pace, and why members failed."""

    def __init__(self, console: Console, now: float) -> None:
        self._progress: Progress | None = None
        super().__init__(console, now)

    def show(self, progress: Progress) -> None:
        with self._lock:
            self._progress = progress

    def lines(self, width: int, height: int, now: float) -> list[Text]:
        if self._progress is None:
            return []
        return picture(Painter(self._marks, width, now), self._progress, height)


class PlainLines(Lines):
    """A line when its state changes or members fail anew, and now and then the counts."""

    def __init__(self) -> None:
        self._last: Progress | None = None
        self._told_at = 0.0

    def show(self, progress: Progress) -> None:
        known = {one.title for one in self._last.failures} if self._last else set()
        if self._is_worth_a_line(progress, known):
            self._last, self._told_at = progress, time.monotonic()
            self._print(progress, known)
            sys.stdout.flush()

    def _is_worth_a_line(self, progress: Progress, known: set[str]) -> bool:
        if self._last is None or {one.title for one in progress.failures} - known:
            return True
        before, after = self._last.bulk, progress.bulk
        if before.state is not after.state or standstill(before) is not standstill(after):
            return True
        is_time = time.monotonic() - self._told_at >= _EVERY
        return is_time and counts_in_words(before) != counts_in_words(after)

    def _print(self, progress: Progress, known: set[str]) -> None:
        bulk = progress.bulk
        head = f"{moment(bulk.counted_at)}  {clean(bulk.name or bulk.id)}"
        pace = f"; {pace}" if (pace := pace_in_words(progress)) else ""
        sys.stdout.write(f"{head}  {bulk.state}, {counts_in_words(bulk)}{pace}\n")
        if why := in_words(bulk):
            sys.stdout.write(f"{head}  {why}\n")
        for one in progress.failures:
            if one.title not in known:
                told = f"{one.title}, such as {one.examples[0]}: {one.first.message}"
                sys.stdout.write(f"{head}  failed: {clean(told)}\n")


class JsonLines(PlainLines):
    """The same, as JSON documents."""

    def _print(self, progress: Progress, known: set[str]) -> None:
        print_json(
            "progress",
            lines=True,
            bulk=described(progress.bulk),
            failures=[one.document() for one in progress.failures],
            a_minute=progress.a_minute,
            left=progress.left,
            standstill=standstill(progress.bulk),
        )


def described(bulk: Bulk) -> dict[str, Any]:
    """A bulk as JSON has it. Times are Unix times in seconds."""
    return {
        **bulk.model_dump(mode="json"),
        "state": bulk.state,
        "at_rest": bulk.at_rest,
        "under_way": bulk.under_way,
        "failed": bulk.failed,
        "finished_at": bulk.finished_at,
    }
