"""A bulk in which nothing happens says so, for how long, and what to look at."""

import pytest

from envwright.bulk import Bulk
from envwright.cli.bulks.display import JsonLines, PlainLines
from envwright.cli.bulks.painter import picture
from envwright.cli.bulks.standstill import Standstill, in_words, standstill
from envwright.cli.bulks.watch import Progress
from envwright.cli.painter import Marks, Painter
from envwright.states import State
from tests.documents import documents
from tests.story import T0, drawn

HOUR = 3600.0
RUNNING = Bulk(
    id="7f3a2b1c9d0e",
    name="labs",
    created_at=T0,
    sealed_at=T0 + 1,
    started_at=T0 + 2,
    counted_at=T0 + HOUR,
    swept_at=T0 + HOUR - 1,
    last_change_at=T0 + HOUR - 20,
    total=3,
    waiting=1,
    states={State.READY: 1, State.PROVISIONING: 1, State.QUEUED: 1},
)


def changed(**fields: object) -> Bulk:
    return RUNNING.model_copy(update=fields)


NO_WORKER = changed(swept_at=T0 + HOUR - 130)
UNCHANGED = changed(last_change_at=T0 + HOUR - 400)


@pytest.mark.parametrize(
    ("bulk", "why", "words"),
    [
        (NO_WORKER, Standstill.NO_WORKER, "No worker has been seen for 2 min 10 s"),
        (changed(swept_at=None), Standstill.NO_WORKER, "No worker has been seen yet"),
        (changed(started_at=None), Standstill.NOT_LET_IN, "A worker runs and lets others in first"),
        (UNCHANGED, Standstill.NO_CHANGE, "Nothing has changed for 6 min 40 s"),
        (changed(last_change_at=None, started_at=T0 + HOUR - 20), None, ""),
        (RUNNING, None, ""),
    ],
)
def test_why_nothing_happens(bulk: Bulk, why: Standstill | None, words: str) -> None:
    assert standstill(bulk) is why
    assert in_words(bulk).startswith(words)
    assert bool(in_words(bulk)) == bool(why)


@pytest.mark.parametrize(
    "fields",
    [
        {"paused_at": T0 + 9, "states": {State.READY: 2, State.QUEUED: 1}},
        {"sealed_at": None},
        {"waiting": 0, "states": {State.READY: 3}},
    ],
    ids=["paused", "open", "done"],
)
def test_where_nothing_is_to_happen_nothing_is_said(fields: dict[str, object]) -> None:
    """Nobody is missed there, and no change."""
    assert standstill(changed(swept_at=T0, last_change_at=T0, **fields)) is None


@pytest.mark.parametrize("width", [30, 60, 100])
def test_the_picture_says_so_in_full_and_no_pace(width: int) -> None:
    """The last pace is that of a better time. The notice takes as many lines as it needs."""
    shown = drawn(picture(Painter(Marks(), width, T0 + HOUR), Progress(NO_WORKER, (), 24.0), 20))

    assert "24 a minute" not in shown
    assert in_words(NO_WORKER) in " ".join(shown.split())
    assert max(map(len, shown.splitlines())) <= width


def test_a_line_says_so_once(capsys: pytest.CaptureFixture[str]) -> None:
    """And another one that it goes on."""
    lines = PlainLines()
    for bulk in (RUNNING, NO_WORKER, changed(swept_at=T0 + HOUR - 140), RUNNING):
        lines.show(Progress(bulk, ()))

    told = [one.split("  ", 2)[2] for one in capsys.readouterr().out.splitlines()]
    running = "running, 1 of 3 at rest: 1 ready, 1 provisioning, 1 in line"
    assert told == [running, running, in_words(NO_WORKER), running]


def test_documents_say_so_in_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    lines = JsonLines()
    lines.show(Progress(RUNNING, ()))
    lines.show(Progress(NO_WORKER, ()))

    told = documents(capsys)
    assert [one["standstill"] for one in told] == [None, "no_worker"]


def test_who_begins_slowly_says_why() -> None:
    """Until one is ready: with `--max-failures`, ten are under way while hundreds wait."""
    first = changed(
        max_failures=5, waiting=2, total=3, states={State.PROVISIONING: 1, State.QUEUED: 2}
    )

    def shown(bulk: Bulk) -> str:
        return drawn(picture(Painter(Marks(), 100, T0 + HOUR), Progress(bulk, ()), 20))

    assert "It begins with a few, for --max-failures: more follow as these get on." in shown(first)
    assert "begins with a few" not in shown(first.model_copy(update={"max_failures": None}))
    assert "begins with a few" not in shown(changed(max_failures=5))
