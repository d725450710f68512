"""What the live display makes of a record and its events."""

import pytest

from envwright.cli.timeline import Progress, Timeline
from envwright.cli.watch import since
from envwright.names import Step
from envwright.new_run import compensation
from envwright.record import Record, RunKind
from envwright.states import State
from tests.story import T0, at, drawn, event, painter, step


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
