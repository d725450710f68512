"""Draws environments as lines of text: in full with their steps, or one line each."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from envwright.cli.output import clean, counted, duration
from envwright.cli.timeline import Progress, RunStory, StepStory, Timeline
from envwright.names import Step
from envwright.record import Record, ResourceRecord, ResourceState, RunKind
from envwright.states import State

STATE_STYLES: Final[Mapping[State, str]] = {
    State.QUEUED: "dim",
    State.PROVISIONING: "cyan",
    State.READY: "green",
    State.CHANGING: "cyan",
    State.CHANGE_FAILED: "red",
    State.FAILED: "red",
    State.CLEANING: "yellow",
    State.CLEANED: "red",
    State.CLEANUP_FAILED: "red",
    State.DESTROYED: "green",
    State.RECOVERED: "yellow",
}

FRAMES_A_SECOND: Final = 10

_ANNOUNCED: Final = {
    RunKind.CLEANUP: "taking it down",
    RunKind.CHANGE: "changing its instances",
}

_TIMES_END: Final = 66
"""The column in which all times end, so that they can be compared at a glance."""

_NO_WORKER_AFTER: Final = 15.0
"""Seconds in the queue after which we say that perhaps no worker runs."""

Shown = tuple[Record, Timeline]
Keyed = list[tuple[str, ResourceRecord]]


@dataclass(frozen=True, slots=True)
class Marks:
    """The signs in front of a line."""

    done: str = "✓"
    failed: str = "✗"
    waiting: str = "·"
    spinner: str = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
    bar: str = "━╍─"
    """What is done, what is under way, and what is to come."""


def marks_for(console: Console) -> Marks:
    """Signs that the console's encoding can show."""
    return Marks("+", "x", "-", "|/-\\", "#=.") if console.options.ascii_only else Marks()


@dataclass(frozen=True, slots=True)
class Painter:
    """Draws lines of at most `width` columns, as things stand at `now` on Redis' clock."""

    marks: Marks
    width: int
    now: float

    def in_full(self, record: Record, timeline: Timeline, height: int) -> list[Text]:
        """An environment with its steps, and what the running one works on.

        Resources are left out where `height` ends. When it is 0, all of them are, and so is why it
        failed: whoever prints these elsewhere needs them once.
        """
        lines = [*self._head(record, timeline), Text()]
        for run in timeline.runs:
            if run is not timeline.runs[0] and run.kind in _ANNOUNCED:
                lines += [Text(), self.line(Text(f"  {_ANNOUNCED[run.kind]}", "yellow"))]
            for story in run.worth_telling():
                lines += self._step(record, run, story)
                if story.progress is Progress.FAILED and height and story.message:
                    lines.append(self.line(Text(f"      {clean(story.message)}", "red")))
                if height and story.progress is Progress.RUNNING:
                    room = height - len(lines) - len(run.steps)
                    lines += self._resources(resources_of(record, run, story.step), run, room)
        return lines

    def in_brief(self, environments: Collection[Shown], height: int) -> list[Text]:
        """Many environments, a line each; what is worked on comes first where not all fit."""
        shown = list(environments)
        tallied = _tally([record for record, _ in environments], self.width)
        room = height - 1 - len(tallied)
        if len(shown) > room:
            shown = sorted(shown, key=lambda one: one[0].at_rest)[: max(room - 1, 1)]
        widest = max(cell_len(record.environment_id) for record, _ in shown)
        lines = [self._brief(record, timeline, widest) for record, timeline in shown]
        if len(shown) < len(environments):
            lines.append(Text(f"  and {len(environments) - len(shown)} more", "dim"))
        return [*lines, Text(), *tallied]

    def _head(self, record: Record, timeline: Timeline) -> list[Text]:
        seconds = timeline.seconds(record, self.now)
        head = Text.assemble((record.environment_id, "bold"), "  ")
        head.append(record.state, STATE_STYLES[record.state])
        lines = [self.line(head, ticking(seconds, record.at_rest))]
        if record.waits_in_line:
            lines.append(self.line(Text(_who_waits(record.run.bulk), "dim")))
        elif record.state is State.QUEUED and seconds > _NO_WORKER_AFTER:
            lines.append(self.line(Text("No worker has taken it yet: is one running?", "yellow")))
        return lines

    def _step(self, record: Record, run: RunStory, story: StepStory) -> list[Text]:
        sign, style = self._sign(story.progress)
        text = Text.assemble("  ", sign, " ", (set_cell_size(story.step, 12), style))
        text.append_text(_remark(record, run, story))
        span = story.span
        took = ticking(span.seconds(self.now), span.ended_at is not None) if span else ""
        lines = [self.line(text, took)]
        if story.progress is Progress.INTERRUPTED and story.message:
            lines.append(self.line(Text(f"      {clean(story.message)}", style)))
        if story.progress is Progress.RUNNING and record.trouble and record.run.id in run.run_ids:
            lines.append(self.line(Text(f"      waiting: {clean(record.trouble)}", "yellow")))
        return lines

    def _sign(self, progress: Progress) -> tuple[Text, str]:
        match progress:
            case Progress.FINISHED:
                return Text(self.marks.done, "green"), ""
            case Progress.KEPT:
                return Text(self.marks.done, "dim"), "dim"
            case Progress.FAILED:
                return Text(self.marks.failed, "red"), "red"
            case Progress.RUNNING:
                return self._spinner(), "bold"
            case Progress.INTERRUPTED:
                return Text(self.marks.waiting, "yellow"), "yellow"
            case Progress.PENDING:
                return Text(self.marks.waiting, "dim"), "dim"

    def _spinner(self) -> Text:
        frames = self.marks.spinner
        return Text(frames[int(self.now * FRAMES_A_SECOND) % len(frames)], "cyan")

    def _resources(self, keyed: Keyed, run: RunStory, room: int) -> list[Text]:
        shown = keyed
        if len(keyed) > room:
            # What still runs is worth more than what is done; the last line counts the others.
            by_need = sorted(keyed, key=lambda one: is_done(one[0], one[1], run))
            shown = sorted(by_need[: max(room - 1, 0)])
        lines = [self._resource(key, resource, run) for key, resource in shown]
        if len(shown) < len(keyed):
            lines.append(Text(f"      and {len(keyed) - len(shown)} more", "dim"))
        return lines

    def _resource(self, key: str, resource: ResourceRecord, run: RunStory) -> Text:
        done, span = is_done(key, resource, run), run.resources.get(key)
        touched = done or span is not None
        sign = self._spinner() if touched else Text(self.marks.waiting, "dim")
        if done:
            sign = Text(self.marks.done, "green")
        text = Text.assemble("      ", sign, " ")
        text.append(set_cell_size(title(key), 36), "" if touched else "dim")
        text.append(resource.state, "dim")
        took = ticking(span.seconds(self.now), done) if span else ""
        return self.line(text, took, clean(" ".join(resource.ids)))

    def _brief(self, record: Record, timeline: Timeline, widest: int) -> Text:
        style = STATE_STYLES[record.state]
        sign = self._spinner()
        if record.at_rest:
            good = record.state in (State.READY, State.DESTROYED)
            sign = Text(self.marks.done if good else self.marks.failed, style)
        elif record.state is State.QUEUED:
            sign = Text(self.marks.waiting, "dim")
        step = "" if record.at_rest or record.state is State.QUEUED else record.step
        seconds = ticking(timeline.seconds(record, self.now), record.at_rest)
        text = Text.assemble(
            ("  ", ""),
            sign,
            f" {set_cell_size(record.environment_id, widest + 2)}",
            (set_cell_size(record.state, 15), style),
            (set_cell_size(step, 9), "dim"),
            (seconds.rjust(12), "dim"),
        )
        if record.trouble:
            text.append(f"  waiting: {clean(record.trouble)}", "yellow")
        elif record.failure is not None:
            text.append(f"  {clean(record.failure.message)}", "red")
        text.truncate(self.width, overflow="ellipsis")
        return text

    def line(self, text: Text, took: str = "", after: str = "") -> Text:
        """A line with its time in the column of the times, and behind it what there is room for."""
        column = min(max(_TIMES_END, text.cell_len + cell_len(took) + 1), self.width)
        if not took:
            text.truncate(self.width, overflow="ellipsis")
            return text
        text.truncate(column - len(took) - 1, overflow="ellipsis", pad=True)
        text.append(f" {took}", "dim")
        if after and column + 2 + cell_len(after) <= self.width:
            text.append(f"  {after}", "dim")
        return text


def resources_of(record: Record, run: RunStory, step: Step) -> Keyed:
    """The resources that a step of this run works on; `ready` waits for the instances."""
    prefix = f"{Step.INSTANCE if step is Step.READY else step}/"
    return sorted(
        (key, resource)
        for key, resource in record.resources.items()
        if key.startswith(prefix)
        and (key in run.resources or resource.state is not ResourceState.GONE)
    )


def is_done(key: str, resource: ResourceRecord, run: RunStory) -> bool:
    """Whether the run has nothing left to do on this resource, for the step that it is at."""
    if run.kind is RunKind.CLEANUP:
        return resource.state is ResourceState.GONE
    if resource.state is ResourceState.CREATED:
        at_ready = run.steps[Step.READY].progress is not Progress.PENDING
        return not (at_ready and key.startswith(f"{Step.INSTANCE}/"))
    return resource.state is ResourceState.READY


def _who_waits(bulk: str | None) -> str:
    if bulk is None:
        return "It waits in line until there is room for it."
    return f"It waits in line: `envwright bulks show {bulk}` tells how its bulk stands."


def _remark(record: Record, run: RunStory, story: StepStory) -> Text:
    keyed = resources_of(record, run, story.step)
    match story.progress:
        case Progress.INTERRUPTED:
            return Text(story.progress, "yellow")
        case Progress.KEPT:
            return Text("done before", "dim")
        case Progress.RUNNING if keyed:
            done = sum(is_done(key, resource, run) for key, resource in keyed)
            # Only a cleanup and the wait for instances know from their start how many there are.
            is_counted = run.kind is RunKind.CLEANUP or story.step is Step.READY
            return Text(f"{done} of {len(keyed)}" if is_counted else f"{done} made", "dim")
        case Progress.FINISHED if run.kind is RunKind.CLEANUP:
            gone = f"{counted(len(keyed), 'resource')} gone"
            return Text(gone if keyed else "nothing was there", "dim")
        case Progress.FINISHED if keyed and story.step is not Step.READY:
            return Text(counted(len(keyed), "resource"), "dim")
        case _:
            return Text()


def title(key: str) -> str:
    _, _, rest = key.partition("/")
    kind, _, name = rest.partition("/")
    return clean(f"{kind.replace('_', ' ')} {name}")


def ticking(seconds: float, over: bool) -> str:
    """A time that runs is shown in whole seconds: tenths would flicker."""
    return duration(seconds) if over or seconds >= 9.95 else f"{int(seconds)} s"


def _tally(records: list[Record], width: int) -> list[Text]:
    counts = Counter(record.state for record in records)
    return tally([(str(state), counts[state], STATE_STYLES[state]) for state in State], width)


def tally(counts: Iterable[tuple[str, int, str]], width: int) -> list[Text]:
    """How many there are of what, each with its style, in lines of `width` columns.

    What there is none of is left out.
    """
    lines = [Text("  ")]
    for word, count, style in counts:
        if not count:
            continue
        told = f"{count} {word}"
        if len(lines[-1]) > 2 and len(lines[-1]) + 3 + len(told) > width:
            lines.append(Text("  "))
        lines[-1].append(" · " if len(lines[-1]) > 2 else "", "dim").append(told, style)
    return lines
