"""The live display: what it makes of a record and its events, and how it is drawn."""

import io
from collections.abc import Callable, Sequence

import pytest
from rich.console import Console
from rich.text import Text

from envwright.cli.output import age, clean, duration
from envwright.cli.painter import Marks, Painter, marks_for
from envwright.cli.progress import LiveDisplay
from envwright.cli.timeline import Progress, Timeline
from envwright.cli.watch import Update, since
from envwright.names import Step
from envwright.record import Event, Record, ResourceRecord, ResourceState, RunKind, State
from envwright.runs import compensation
from envwright.testing import InMemoryClient
from tests.puppet import UNKNOWN_IMAGE
from tests.specs import spec_data

T0 = 1_795_000_000.0
"""When the runs of these tests were accepted, in Unix seconds."""


@pytest.fixture
def record() -> Record:
    """An environment whose first run was accepted at `T0`."""
    client = InMemoryClient()
    client.enqueue(spec_data("web"))
    accepted = client.status("web")
    run = accepted.run.model_copy(update={"id": "first", "accepted_at": T0})
    return accepted.model_copy(update={"run": run, "updated_at": T0})


def at(record: Record, state: State, step: Step, **fields: object) -> Record:
    return record.model_copy(update={"state": state, "step": step, "attempt": 1, **fields})


def event(after: float, kind: str, state: str = "", **fields: object) -> Event:
    """Something that happened this long after the first run was accepted."""
    values = {"at": T0 + after, "type": kind, "state": state, "run": "first", **fields}
    return Event.model_validate(values)


def step(after: float, name: Step, state: str, **fields: object) -> Event:
    return event(after, "step", state, step=name, **fields)


def resource(state: ResourceState, *ids: str) -> ResourceRecord:
    return ResourceRecord(state=state, ids=ids, at=T0)


def drawn(lines: Sequence[Text]) -> str:
    return "\n".join(line.plain.rstrip() for line in lines)


def painter(now: float, width: int = 79) -> Painter:
    return Painter(Marks(spinner="*"), width, T0 + now)


def test_a_step_that_runs_shows_its_resources_and_their_times(record: Record) -> None:
    """One line a step, all times in one column, and under the running step what it works on."""
    record = at(
        record,
        State.PROVISIONING,
        Step.SECURITY,
        resources={
            "network/vpc/main": resource(ResourceState.CREATED, "vpc-1"),
            "security/key_pair/web": resource(ResourceState.INTENDED),
            "security/security_group/web": resource(ResourceState.CREATED, "sg-1"),
        },
    )
    timeline = Timeline()
    timeline.hear(
        record,
        [
            event(0, "accepted", "queued"),
            step(1, Step.NETWORK, "started"),
            step(7.2, Step.NETWORK, "finished", seconds=6.2),
            step(7.2, Step.SECURITY, "started"),
            event(7.2, "resource", "intended", resource="security/security_group/web"),
            event(7.5, "resource", "created", resource="security/security_group/web"),
            event(7.5, "resource", "intended", resource="security/key_pair/web"),
        ],
    )

    assert drawn(painter(9).in_full(record, timeline, 24)) == (
        "web.eu-west-1  provisioning                                    9 s\n"
        "\n"
        "  ✓ network     1 resource                                   6.2 s\n"
        "  * security    1 made                                         1 s\n"
        "      * key pair web                        intended           1 s\n"
        "      ✓ security group web                  created          0.3 s  sg-1\n"
        "  · instance\n"
        "  · ready"
    )


def test_a_failure_is_followed_by_its_cleanup(record: Record) -> None:
    """Both are seen: where building failed and why, and how all is taken down."""
    cleanup = compensation(T0 + 5).model_copy(update={"id": "second"})
    record = at(
        record,
        State.CLEANING,
        Step.SECURITY,
        run=cleanup,
        failure=UNKNOWN_IMAGE,
        resources={
            "network/vpc/main": resource(ResourceState.CREATED, "vpc-1"),
            "security/security_group/web": resource(ResourceState.DELETING, "sg-1"),
        },
    )
    timeline = Timeline()
    timeline.hear(
        record,
        [
            event(0, "accepted", "queued"),
            step(0, Step.NETWORK, "started"),
            step(1, Step.NETWORK, "finished"),
            step(1, Step.INSTANCE, "started"),
            event(5, "failure", step=Step.INSTANCE, message=UNKNOWN_IMAGE.message),
            event(5, "state", "failed"),
            event(5, "state", "cleaning", run="second"),
            step(6, Step.INSTANCE, "started", run="second"),
            step(8, Step.INSTANCE, "finished", run="second"),
            step(8, Step.SECURITY, "started", run="second"),
            event(8, "resource", "deleting", run="second", resource="security/security_group/web"),
        ],
    )

    assert drawn(painter(10).in_full(record, timeline, 24)) == (
        "web.eu-west-1  cleaning                                       10 s\n"
        "\n"
        "  ✓ network     1 resource                                   1.0 s\n"
        "  ✗ instance                                                 4.0 s\n"
        "      EC2 knows no image ami-0123456789abcdef0 in eu-west-1: check the id and …\n"
        "\n"
        "  taking it down\n"
        "  ✓ instance    nothing was there                            2.0 s\n"
        "  * security    0 of 1                                         2 s\n"
        "      * security group web                  deleting           2 s  sg-1\n"
        "  · network"
    )


def test_a_cancelled_run_that_is_held_is_one_story(record: Record) -> None:
    """It ends under a second id, and what its worker still records belongs to it too."""
    held = record.run.model_copy(update={"id": "second", "reason": "cancel"})
    record = at(record, State.FAILED, Step.NETWORK, run=held)
    timeline = Timeline()
    timeline.hear(
        record,
        [
            event(0, "accepted", "queued"),
            step(0, Step.NETWORK, "started"),
            event(5, "failure", step=Step.NETWORK, message="The run was cancelled."),
            event(5, "state", "failed", run="second"),
            event(6, "resource", "created", resource="network/vpc/main"),
        ],
    )

    assert len(timeline.runs) == 1
    assert timeline.current.steps[Step.NETWORK].progress is Progress.FAILED
    assert "network/vpc/main" in timeline.current.resources


def test_a_cleanup_that_is_tried_again_begins_anew(record: Record) -> None:
    """It is the same run; what the first try failed of is no news any more."""
    cleanup = compensation(T0).model_copy(update={"id": "first", "tries": 1})
    record = at(record, State.CLEANING, Step.INSTANCE, run=cleanup)
    timeline = Timeline()
    timeline.hear(
        record,
        [
            event(0, "accepted", "cleaning"),
            step(0, Step.INSTANCE, "started"),
            step(1, Step.INSTANCE, "finished"),
            step(1, Step.SECURITY, "started"),
            event(5, "failure", step=Step.SECURITY, message="The group is in use."),
            event(5, "state", "cleanup_failed"),
            event(65, "state", "cleaning"),
            step(66, Step.INSTANCE, "started"),
        ],
    )

    (run,) = timeline.runs
    assert (run.failure, run.over) == (None, False)
    progress = [story.progress for story in run.steps.values()]
    assert progress == [Progress.RUNNING, Progress.PENDING, Progress.PENDING]


def test_a_retry_shows_what_was_done_before_it(record: Record) -> None:
    """The steps before the one that it goes on at are kept, and have no time of this run."""
    timeline = Timeline()
    record = at(record, State.PROVISIONING, Step.INSTANCE)
    timeline.hear(record, [event(0, "accepted", "queued"), step(0, Step.INSTANCE, "started")])

    progress = [story.progress for story in timeline.current.steps.values()]
    assert progress == [Progress.KEPT, Progress.KEPT, Progress.RUNNING, Progress.PENDING]
    assert "  ✓ security    done before\n" in drawn(painter(1).in_full(record, timeline, 24))


def test_a_step_that_is_begun_again_counts_from_its_first_start(record: Record) -> None:
    """Its time is how long one waited for it, over every attempt."""
    timeline = Timeline()
    record = at(record, State.PROVISIONING, Step.NETWORK)
    timeline.hear(
        record,
        [
            step(0, Step.NETWORK, "started"),
            step(3, Step.NETWORK, "interrupted", message="the worker is stopping"),
        ],
    )
    assert "· network     interrupted" in drawn(painter(4).in_full(record, timeline, 24))
    assert "the worker is stopping" in drawn(painter(4).in_full(record, timeline, 24))

    timeline.hear(
        record,
        [
            step(5, Step.NETWORK, "started"),
            step(9, Step.NETWORK, "finished", seconds=4),
        ],
    )

    story = timeline.current.steps[Step.NETWORK]
    assert story.progress is Progress.FINISHED
    assert story.span is not None
    assert story.span.seconds(T0 + 100) == pytest.approx(9)


def test_instances_are_waited_for_under_the_ready_step(record: Record) -> None:
    """They exist since the step before; whether they pass their checks is this one's matter."""
    key = "instance/instances/web"
    for state, line in (
        (ResourceState.CREATED, "      * instances web                       created"),
        (ResourceState.READY, "      ✓ instances web                       ready"),
    ):
        timeline = Timeline()
        waiting = at(
            record, State.PROVISIONING, Step.READY, resources={key: resource(state, "i-1")}
        )
        timeline.hear(
            waiting,
            [
                step(1, Step.INSTANCE, "started"),
                event(1, "resource", "intended", resource=key),
                event(2, "resource", "created", resource=key),
                step(2, Step.INSTANCE, "finished"),
                step(2, Step.READY, "started"),
            ],
        )
        assert line in drawn(painter(30).in_full(waiting, timeline, 24))


def test_a_step_that_waits_says_for_what(record: Record) -> None:
    """It runs on, and the sentence goes away with the trouble."""
    record = at(record, State.PROVISIONING, Step.NETWORK, trouble="AWS refused CreateVpc.")
    timeline = Timeline()
    retrying = step(2, Step.NETWORK, "retrying", message="AWS refused CreateVpc.")
    timeline.hear(record, [step(0, Step.NETWORK, "started"), retrying])
    over = record.model_copy(update={"trouble": None})

    for shown, is_told in ((record, True), (over, False)):
        lines = drawn(painter(3).in_full(shown, timeline, 24))
        assert "  * network" in lines
        assert ("      waiting: AWS refused CreateVpc." in lines) is is_told
        assert ("waiting: AWS" in drawn(painter(3).in_brief([(shown, timeline)], 24))) is is_told


def test_a_queue_that_nobody_reads_is_noticed(record: Record) -> None:
    timeline = Timeline()
    timeline.hear(record, [event(0, "accepted", "queued")])

    assert "is one running?" not in drawn(painter(5).in_full(record, timeline, 24))
    assert "is one running?" in drawn(painter(20).in_full(record, timeline, 24))


def test_a_small_window_shows_what_still_runs(record: Record) -> None:
    """Resources that are done make room, and are counted instead; steps are always shown."""
    resources = {
        f"network/subnet/s{number}": resource(ResourceState.CREATED) for number in range(9)
    }
    resources["network/subnet/slow"] = resource(ResourceState.INTENDED)
    record = at(record, State.PROVISIONING, Step.NETWORK, resources=resources)
    timeline = Timeline()
    timeline.hear(
        record,
        [
            step(0, Step.NETWORK, "started"),
            *(event(0, "resource", "intended", resource=key) for key in resources),
        ],
    )

    lines = painter(1).in_full(record, timeline, 12)

    assert len(lines) <= 12
    assert "* subnet slow" in drawn(lines)
    assert "and 6 more" in drawn(lines)
    assert "· ready" in drawn(lines)


@pytest.mark.parametrize("width", [40, 79, 119])
def test_no_line_is_wider_than_the_window(record: Record, width: int) -> None:
    """Otherwise the terminal would wrap it, and the display would leave traces of itself."""
    key = f"network/subnet/{'long-' * 20}name"
    record = at(
        record,
        State.PROVISIONING,
        Step.NETWORK,
        failure=UNKNOWN_IMAGE,
        resources={key: resource(ResourceState.CREATED, *(f"subnet-{n}" for n in range(9)))},
    )
    timeline = Timeline()
    timeline.hear(
        record,
        [
            step(0, Step.NETWORK, "started"),
            event(0, "resource", "created", resource=key),
        ],
    )
    lines = painter(1, width).in_full(record, timeline, 24)
    lines += painter(1, width).in_brief([(record, timeline)], 24)

    assert max(line.cell_len for line in lines) <= width


def test_ids_are_shown_where_there_is_room(record: Record) -> None:
    record = at(
        record,
        State.PROVISIONING,
        Step.NETWORK,
        resources={"network/vpc/main": resource(ResourceState.CREATED, "vpc-1")},
    )
    timeline = Timeline()
    timeline.hear(
        record,
        [
            step(0, Step.NETWORK, "started"),
            event(0, "resource", "created", resource="network/vpc/main"),
        ],
    )

    assert "vpc-1" in drawn(painter(1, 119).in_full(record, timeline, 24))
    assert "vpc-1" not in drawn(painter(1, 70).in_full(record, timeline, 24))


def test_several_environments_are_a_line_each(record: Record) -> None:
    """With what is worked on before what is at rest, where not all of them fit."""
    shown = []
    for number in range(10):
        state = State.READY if number < 8 else State.PROVISIONING
        one = at(record, state, Step.NETWORK, environment_id=f"web-{number}.eu-west-1")
        timeline = Timeline()
        timeline.hear(one, [])
        shown.append((one, timeline))

    every, few = (drawn(painter(3).in_brief(shown, height)) for height in (24, 8))

    assert every.count("web-") == 10
    assert every.endswith("2 provisioning · 8 ready")
    assert "* web-8.eu-west-1  provisioning   network           3 s" in few
    assert "and 5 more" in few
    assert len(few.splitlines()) <= 8


def test_a_run_that_was_replaced_may_have_a_last_word(record: Record) -> None:
    """Its late events belong to it, and not to the run in its place."""
    cleanup = compensation(T0 + 2).model_copy(update={"id": "second", "reason": "destroy"})
    record = at(record, State.CLEANING, Step.INSTANCE, run=cleanup)
    timeline = Timeline()
    timeline.hear(
        record,
        [
            step(0, Step.NETWORK, "started"),
            event(2, "accepted", "cleaning", run="second"),
            event(3, "resource", "created", resource="network/vpc/main"),
            step(4, Step.INSTANCE, "started", run="second"),
        ],
    )

    assert [run.kind for run in timeline.runs] == [RunKind.PROVISION, RunKind.CLEANUP]
    assert "network/vpc/main" in timeline.runs[0].resources
    assert timeline.runs[0].steps[Step.NETWORK].progress is Progress.INTERRUPTED


def test_history_begins_with_the_run_that_is_asked_about() -> None:
    """But a cleanup that nobody asked for begins with the failure that it follows."""
    old = event(0, "accepted", "queued", run="old")
    first = event(10, "accepted", "queued")
    failed = event(12, "failure")
    asked_for = event(13, "accepted", "cleaning", run="second")
    by_itself = event(13, "state", "cleaning", run="second")

    assert since("first", [old, first, failed]) == [first, failed]
    assert since("second", [old, first, failed, asked_for]) == [asked_for]
    assert since("second", [old, first, failed, by_itself]) == [first, failed, by_itself]
    assert since("third", [old]) == []
    assert since(None, [old]) == [old]


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


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (-1, "0.0 s"),
        (4.24, "4.2 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (200, "3 min 20 s"),
        (7500, "2 h 05 min"),
    ],
)
def test_durations_are_told_as_people_tell_them(seconds: float, told: str) -> None:
    assert duration(seconds) == told


@pytest.mark.parametrize(
    ("seconds", "told"), [(-3, "0 s"), (40, "40 s"), (720, "12 min"), (18000, "5 h"), (3e5, "3 d")]
)
def test_ages_are_told_in_their_largest_unit(seconds: float, told: str) -> None:
    assert age(seconds) == told


def test_cleaned_text_is_one_line_without_control_characters() -> None:
    assert clean("a\nb\tc\x1b[2J\x9b\u202ed") == "a b c[2Jd"
