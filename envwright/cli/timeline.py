"""What happened to an environment so far, step by step, told from its events."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from envwright.messages import steps_of
from envwright.names import Step
from envwright.record import Event, Record, ResourceState, RunKind
from envwright.states import State


class Progress(StrEnum):
    """How far one step of one run has come."""

    PENDING = "pending"
    RUNNING = "running"
    INTERRUPTED = "interrupted"
    FINISHED = "finished"
    FAILED = "failed"
    KEPT = "kept"


_BY_EVENT = {
    "started": Progress.RUNNING,
    "retrying": Progress.RUNNING,
    "interrupted": Progress.INTERRUPTED,
    "finished": Progress.FINISHED,
}

_ALL_DONE = frozenset({State.READY, State.CLEANED, State.DESTROYED})


@dataclass(slots=True)
class Span:
    """From when to when something went on, in Unix seconds by Redis' clock."""

    began_at: float
    ended_at: float | None = None

    def seconds(self, now: float) -> float:
        return max((self.ended_at or now) - self.began_at, 0)


@dataclass(slots=True)
class StepStory:
    """One step of one run."""

    step: Step
    progress: Progress = Progress.PENDING
    span: Span | None = None
    message: str | None = None

    def hear(self, event: Event) -> None:
        self.progress = _BY_EVENT.get(event.state or "", self.progress)
        self.message = event.message
        if self.span is None:
            self.span = Span(event.at - (event.seconds or 0))
        # A step that is begun again runs on from its first start: that is how long we waited.
        self.span.ended_at = event.at if self.progress is Progress.FINISHED else None

    def fail(self, at: float, message: str | None) -> None:
        self.progress = Progress.FAILED
        self.message = message
        if self.span is None:
            self.span = Span(at)
        self.span.ended_at = at


@dataclass(slots=True)
class RunStory:
    """One run: its steps, when its resources were worked on, and what it failed of."""

    run_ids: set[str]
    kind: RunKind
    began_at: float
    steps: dict[Step, StepStory] = field(init=False)
    resources: dict[str, Span] = field(default_factory=dict)
    failure: Event | None = None
    over: bool = False

    def __post_init__(self) -> None:
        self.steps = {step: StepStory(step) for step in steps_of(self.kind)}

    def hear(self, event: Event) -> None:
        step = self.steps.get(event.step) if event.step else None
        match event.type:
            case "step" if step is not None:
                step.hear(event)
            case "resource" if event.resource is not None:
                self._hear_of_resource(event.resource, event)
            case "state" if event.state == State.CLEANING and self.over:
                self._begin_anew()
            case "failure":
                self.failure = event
                self.over = True
                if step is not None:
                    step.fail(event.at, event.message)
            case _:
                pass

    def _begin_anew(self) -> None:
        """A cleanup that failed is tried again by itself."""
        self.failure, self.over = None, False
        self.steps = {step: StepStory(step) for step in self.steps}

    def worth_telling(self) -> list[StepStory]:
        """The steps of the run; when it is over, those that it never came to are left out."""
        stories = list(self.steps.values())
        if not self.over:
            return stories
        return [story for story in stories if story.progress is not Progress.PENDING]

    def give_way(self, at: float) -> None:
        """Another run took this one's place."""
        self.over = True
        for story in self.steps.values():
            if story.progress is Progress.RUNNING:
                story.progress, story.message = Progress.INTERRUPTED, None
            if story.span is not None and story.span.ended_at is None:
                story.span.ended_at = at

    def _hear_of_resource(self, key: str, event: Event) -> None:
        span = self.resources.setdefault(key, Span(event.at))
        moving = event.state in (ResourceState.INTENDED, ResourceState.DELETING)
        span.ended_at = None if moving else event.at

    def agree_with(self, record: Record) -> None:
        """Fill in what the events leave out: a retry begins at a later step than the first."""
        reached = None if record.state in _ALL_DONE else record.step
        for story in self.steps.values():
            if story.step is reached:
                break
            if story.progress is Progress.PENDING:
                story.progress = Progress.KEPT


@dataclass(slots=True)
class Timeline:
    """The runs of one environment that are being looked at, the latest last."""

    runs: list[RunStory] = field(default_factory=list)

    def hear(self, record: Record, events: Iterable[Event]) -> None:
        """Take in an update. The record is at least as new as the events are."""
        for event in events:
            self._run_of(event, record).hear(event)
        if not self.runs:
            self.runs.append(RunStory({record.run.id}, record.run.kind, record.run.accepted_at))
        if record.run.id in self.current.run_ids:
            self.current.agree_with(record)

    def _run_of(self, event: Event, record: Record) -> RunStory:
        """The run that an event tells of: one that was replaced may still have a last word."""
        for run in reversed(self.runs):
            if event.run in run.run_ids:
                return run
        if self.runs and event.type == "state" and event.state == State.FAILED:
            # A run that was cancelled and is held stands under a second id, and does nothing.
            self.current.run_ids.add(event.run)
            return self.current
        if self.runs:
            self.current.give_way(event.at)
        began_at = record.run.accepted_at if event.run == record.run.id else event.at
        self.runs.append(RunStory({event.run}, _kind_of(event, record), began_at))
        return self.current

    def seconds(self, record: Record, now: float) -> float:
        """How long the runs took together, or have taken until now."""
        return max((record.updated_at if record.at_rest else now) - self.runs[0].began_at, 0)

    @property
    def current(self) -> RunStory:
        return self.runs[-1]


def _kind_of(event: Event, record: Record) -> RunKind:
    if event.run == record.run.id:
        return record.run.kind
    if event.state == State.RECOVERED:
        return RunKind.RECOVERY
    if event.state == State.CHANGING:
        return RunKind.CHANGE
    return RunKind.CLEANUP if event.state == State.CLEANING else RunKind.PROVISION
