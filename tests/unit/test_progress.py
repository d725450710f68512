"""The live display on a terminal."""

import io
from collections.abc import Callable

import pytest
from rich.console import Console

from envwright.cli.painter import marks_for
from envwright.cli.progress import LiveDisplay
from envwright.cli.watch import Update
from envwright.record import Record
from tests.story import T0, event


@pytest.fixture
def terminal() -> Callable[[str], Console]:
    def make(encoding: str) -> Console:
        stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        return Console(file=stream, force_terminal=True, width=80, height=24, _environ={})

    return make


def test_the_last_picture_stays_and_the_cursor_comes_back(
    record: Record, terminal: Callable[[str], Console]
) -> None:
    """Also when the display ends by an error."""
    console = terminal("utf-8")

    def interrupted() -> None:
        with LiveDisplay(console, T0 + 3) as display:
            display.show(Update(record, (event(0, "accepted", "queued"),)))
            display.show_outage(True)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()

    console.file.flush()
    written = console.file.buffer.getvalue().decode()  # type: ignore[attr-defined]
    assert "web.eu-west-1" in written
    assert "Redis does not answer" in written
    assert written.rindex("\x1b[?25h") > written.rindex("\x1b[?25l")


def test_the_signs_are_those_that_the_terminal_can_show(
    terminal: Callable[[str], Console],
) -> None:
    """A terminal without UTF-8 gets plain ones."""
    assert marks_for(terminal("utf-8")).done == "✓"
    assert marks_for(terminal("ascii")).done == "+"
