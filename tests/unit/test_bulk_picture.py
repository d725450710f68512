"""A bulk as it is drawn and told: its members counted, the pace, and why members failed."""

import pytest

from envwright.bulk import Bulk, Member
from envwright.cli.bulks import display
from envwright.cli.bulks.display import PlainLines
from envwright.cli.bulks.failures import TO_DO, sorted_out
from envwright.cli.bulks.pace import Pace
from envwright.cli.bulks.painter import counts_in_words, pace_in_words, picture
from envwright.cli.bulks.watch import Progress
from envwright.cli.painter import Marks, Painter
from envwright.failure import Failure, FailureCategory
from envwright.names import Step
from envwright.states import State
from tests.story import T0, drawn

RUNNING = Bulk(
    id="7f3a2b1c9d0e",
    name="labs",
    created_at=T0,
    sealed_at=T0 + 1,
    started_at=T0 + 2,
    swept_at=T0 + 199,
    counted_at=T0 + 200,
    total=300,
    waiting=168,
    states={
        State.QUEUED: 170,
        State.PROVISIONING: 18,
        State.READY: 106,
        State.CLEANING: 2,
        State.CLEANED: 4,
    },
)


def failure(category: str, code: str | None = None) -> Failure:
    return Failure(
        category=FailureCategory(category), message="It failed.", step=Step.NETWORK, code=code
    )


def members(*failures: Failure) -> list[Member]:
    return [
        Member(environment_id=f"lab-{n}.eu-west-1", state=State.CLEANED, failure=one)
        for n, one in enumerate(failures)
    ]


FAILURES = sorted_out(
    members(failure("capacity"), *[failure("quota", "VpcLimitExceeded") for _ in range(3)])
)


def drawn_in(width: int, progress: Progress, marks: Marks | None = None, height: int = 20) -> str:
    return drawn(picture(Painter(marks or Marks(), width, T0 + 200), progress, height))


def test_a_bulk_that_runs() -> None:
    """Who waits in line is told apart from who was let in; the most frequent failure is first."""
    assert drawn_in(72, Progress(RUNNING, FAILURES, 24.3, 472.0)) == (
        "labs  running  7f3a2b1c9d0e                             3 min 20 s\n"
        "\n"
        "  ━━━━━━━━━━━━━━━━━━━━━╍╍╍╍╍────────────────────────────────  36 %\n"
        "  106 ready · 4 cleaned · 2 queued · 18 provisioning · 2 cleaning\n"
        "  168 in line\n"
        "  24 a minute, about 7 min 50 s left\n"
        "\n"
        "  ✗     3  quota (VpcLimitExceeded)  lab-1.eu-west-1, lab-2.eu-west-1 a…\n"
        "  ✗     1  capacity                  lab-0.eu-west-1"
    )


@pytest.mark.parametrize("width", [20, 40, 60, 79, 200])
def test_nothing_is_wider_than_the_terminal(width: int) -> None:
    lines = drawn_in(width, Progress(RUNNING, FAILURES, 24.3, 472.0)).splitlines()

    assert max(map(len, lines)) <= width


def test_a_low_terminal_has_room_for_the_counts() -> None:
    """Failures are what is left out."""
    many = sorted_out(members(*[failure("spec", f"Code{n}") for n in range(30)]))

    shown = drawn_in(79, Progress(RUNNING, many), height=12)

    assert "106 ready" in shown
    assert shown.endswith("sorts more")
    assert len(shown.splitlines()) <= 12


def test_a_terminal_without_utf8_has_a_bar_too() -> None:
    marks = Marks("+", "x", "-", "|/-\\", "#=.")

    assert "#####=====..." in drawn_in(79, Progress(RUNNING, ()), marks)


def test_what_a_person_should_know_is_said() -> None:
    paused = RUNNING.model_copy(update={"paused_at": T0 + 90})
    by_itself = paused.model_copy(update={"paused_because": "6 members have failed."})

    assert "paused; those that a worker has begun go on" in drawn_in(79, Progress(paused, ()))
    assert "paused: 6 members have failed." in drawn_in(79, Progress(by_itself, ()))

    at_rest = {"states": {State.READY: 132, State.QUEUED: 168}}
    held = paused.model_copy(update=at_rest)
    assert drawn_in(79, Progress(held, ())).endswith("\n  paused")
    told_by_the_report = by_itself.model_copy(update=at_rest)
    assert "have failed" not in drawn_in(79, Progress(told_by_the_report, ()))


def test_a_lost_record_is_counted() -> None:
    """A member without a record is none that is built: it is not passed over."""
    lost = RUNNING.model_copy(update={"total": 302})

    assert "2 without a record" in drawn_in(120, Progress(lost, ()))


def test_every_category_says_what_to_do() -> None:
    assert set(TO_DO) == set(FailureCategory)


def test_failures_are_counted_by_sort() -> None:
    """Who is ready after an earlier failure is none of them."""
    mended = Member(environment_id="a.b", state=State.READY, failure=failure("aws"))
    quota, capacity = sorted_out([mended, *members(failure("capacity"), *[failure("quota")] * 5)])

    assert (quota.count, capacity.count) == (5, 1)
    assert quota.who == "lab-1.eu-west-1, lab-2.eu-west-1, lab-3.eu-west-1 and 2 more"


def counted(at: float, ready: int) -> Bulk:
    """Up to 20 of it are under way, and the others wait in line."""
    return RUNNING.model_copy(
        update={
            "counted_at": T0 + at,
            "states": {State.READY: ready, State.QUEUED: 300 - ready},
            "waiting": max(280 - ready, 0),
        }
    )


def test_the_pace_is_that_of_the_last_minutes() -> None:
    """Not that of hours ago, and none before there is one."""
    pace = Pace()
    pace.hear(counted(5, 0))
    assert (pace.a_minute(), pace.left(counted(5, 0))) == (None, None)
    pace.hear(counted(62, 20))
    assert pace.a_minute() == 20
    assert pace.left(counted(62, 20)) == 14 * 60

    for minute in range(2, 12):
        pace.hear(counted(minute * 60, 20 + minute))

    assert pace.a_minute() == pytest.approx(1)


def test_the_pace_of_a_request_is_not_that_of_the_bulk() -> None:
    """Of thousands that `down` finds in line nearly all end at once: those say nothing of how long
    the cleanups of the others take."""
    of_the_bulk, of_the_request = Pace(), Pace(T0 + 60)
    for pace in (of_the_bulk, of_the_request):
        pace.hear(counted(62, 240))
        pace.hear(counted(122, 260))

    assert of_the_bulk.a_minute() == 130
    assert of_the_request.a_minute() == 20


def test_what_is_paused_has_no_pace_once_nothing_of_it_is_under_way() -> None:
    """It would be that of a better time."""
    paused = RUNNING.model_copy(update={"paused_at": T0 + 90})
    states = {State.READY: 132, State.QUEUED: 168}
    held = paused.model_copy(update={"states": states})

    assert pace_in_words(Progress(paused, (), 24.0)) == "24 a minute"
    assert pace_in_words(Progress(held, (), 24.0)) == ""


def test_what_is_left_is_told_once_a_wave_is_through() -> None:
    """All of a small bulk are begun at once: the first of them to end would promise hours."""
    pace, first = Pace(), counted(60, 4)
    in_one_wave = first.model_copy(update={"waiting": 0})
    pace.hear(first)

    assert pace.a_minute() is not None
    assert pace.left(in_one_wave) is None
    assert pace.left(counted(60, 150)) is not None


def test_a_bulk_without_members_is_told_as_that() -> None:
    assert counts_in_words(Bulk(id="labs", created_at=T0, counted_at=T0)) == "no members"


def test_the_pace_begins_anew_where_members_begin_anew() -> None:
    pace = Pace()
    pace.hear(counted(62, 200))
    pace.hear(counted(90, 100))

    assert pace.a_minute() is None


def test_lines_are_few(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts are told now and then; a new sort of failure, and another state, at once."""
    monkeypatch.setattr(display, "_EVERY", 3600)
    lines = PlainLines()
    lines.show(Progress(counted(5, 0), ()))
    lines.show(Progress(counted(6, 10), ()))
    lines.show(Progress(counted(7, 20), FAILURES[:1]))
    lines.show(Progress(counted(8, 30), FAILURES[:1]))
    lines.show(Progress(counted(9, 300), FAILURES[:1]))

    told = capsys.readouterr().out.splitlines()
    assert [one.split("  ", 2)[2].split(":")[0] for one in told] == [
        "running, 0 of 300 at rest",
        "running, 20 of 300 at rest",
        "failed",
        "done, 300 of 300 at rest",
    ]
