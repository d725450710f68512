"""How environments ended: in sentences, with what is left and what to do next."""

from collections.abc import Collection, Mapping
from typing import Final

from rich.console import Console, RenderableType
from rich.text import Text

from envwright.cli.output import counted, duration, left_over, styled
from envwright.cli.output_tables import instances
from envwright.cli.painter import Marks
from envwright.cli.tables import WISH_IS_LOST, columns, indented, leftovers, tried_again, why
from envwright.cli.waiting import Goal
from envwright.failure import Failure, FailureCategory
from envwright.record import Record, ResourceState
from envwright.states import HOLDS_NOTHING, State

_INSTANCES_SHOWN: Final = 20

_TO_BE_MENDED: Final = frozenset(
    {
        FailureCategory.PERMISSION,
        FailureCategory.QUOTA,
        FailureCategory.CAPACITY,
        FailureCategory.CONFLICT,
        FailureCategory.BLOCKED,
    }
)
"""Where the spec is right, and a person has to change something in AWS."""


class Report:
    """Prints how environments ended."""

    def __init__(self, console: Console, marks: Marks) -> None:
        self._console = console
        self._marks = marks

    def ended(self, record: Record, goal: Goal, *, is_news: bool) -> None:
        """One environment at rest: did it reach its goal, and if not, why.

        `is_news` says that its run ended just now.
        """
        if record.state not in goal:
            self._missed(record)
            return
        self._reached(record, is_news)
        if record.state is State.FAILED:
            self._section(Text(_remains(record)))
            self._next_steps(record)
        if record.outputs is not None and record.outputs.instances:
            self._section(instances(record.outputs, _INSTANCES_SHOWN))

    def several(self, records: Collection[Record], goals: Mapping[str, Goal]) -> None:
        """Environments at rest: each that did not reach its goal, and how many did."""
        missed = [record for record in records if record.state not in goals[record.environment_id]]
        for record in missed:
            self._console.print()
            self._missed(record)
        good = len(records) - len(missed)
        self._console.print()
        self._console.print(
            Text(f"{good} of {len(records)} are as asked for.", "red" if missed else "green")
        )

    def failed(self, record: Record) -> None:
        """Why it failed, what is left of it in AWS, and what to do next."""
        if record.failure is not None:
            self._headline(False, record, f" {_how_it_failed(record.failure)}.")
            self._console.print(indented(why(record.failure)))
        if record.cleanup_failure is not None:
            step = record.cleanup_failure.step
            self._headline(False, record, f" could not be taken down: it failed at {step}.")
            self._console.print(indented(why(record.cleanup_failure)))
        self._section(Text(_remains(record)))
        if record.state is State.CLEANUP_FAILED:
            self._console.print(indented(leftovers(record)))
            if at := tried_again(record):
                self._section(Text(f"It is tried again by itself at {at}."))
        self._next_steps(record)

    def _missed(self, record: Record) -> None:
        if record.failure is not None or record.cleanup_failure is not None:
            self.failed(record)
        elif record.state is State.RECOVERED:
            self._headline(False, record, f" was recovered {WISH_IS_LOST}.")
            self._next_steps(record)
        else:
            self._headline(False, record, f" is {record.state}: another request saw to that.")

    def _reached(self, record: Record, is_news: bool) -> None:
        took = f", in {duration(record.updated_at - record.run.accepted_at)}" if is_news else ""
        words = f" is ready{took}."
        if record.state in HOLDS_NOTHING:
            words = f" is taken down{took}: AWS holds nothing of it."
        if record.state is State.FAILED:
            words = " is cancelled."
        self._headline(True, record, words)

    def _headline(self, good: bool, record: Record, words: str) -> None:
        sign = (self._marks.done, "green") if good else (self._marks.failed, "red")
        self._console.print(Text.assemble(sign, " ", (record.environment_id, "bold"), words))

    def _section(self, renderable: RenderableType) -> None:
        self._console.print()
        self._console.print(indented(renderable))

    def _next_steps(self, record: Record) -> None:
        table = columns("", "")
        table.show_header = False
        for command, purpose in _offers(record):
            table.add_row(styled(command, "bold"), Text(purpose, "dim"))
        self._section(table)


def _how_it_failed(failure: Failure) -> str:
    if failure.category is FailureCategory.CANCELLED:
        return "was cancelled"
    return f"failed at {failure.step}"


def _remains(record: Record) -> str:
    if record.state in HOLDS_NOTHING:
        return "All that had been made was taken down: AWS holds nothing of it."
    if record.state is State.CLEANUP_FAILED:
        return "This is left of it in AWS:"
    if record.state is State.FAILED:
        return _what_is_held(record)
    if record.state is State.CHANGE_FAILED:
        return "The rest of it goes on as it is; `envwright status` shows its instances."
    return "It is being taken down."


def _what_is_held(record: Record) -> str:
    left = left_over(record).values()
    begun = sum(one.state is ResourceState.INTENDED and not one.ids for one in left)
    made = len(left) - begun
    told = "Nothing was made."
    if made:
        told = f"What was made is held for inspection: {counted(made, 'resource')}."
    if begun:
        more = " more" if made else ""
        told = f"{told} Of {begun}{more} only the intent is on record: it may have been made."
    return told


def _offers(record: Record) -> list[tuple[str, str]]:
    name = record.environment_id
    failure = record.cleanup_failure or record.failure
    category = failure.category if failure else None
    mended = ", once that is mended" if category in _TO_BE_MENDED else ""
    again = f"envwright retry {name}"
    if category is FailureCategory.SPEC and record.state is State.CLEANED:
        offers = [("envwright up FILE", "build it from the corrected spec")]
    elif category is FailureCategory.SPEC and record.state is State.FAILED:
        offers = [
            (f"envwright down {name}", "take it down, then `envwright up` the corrected spec"),
            (again, "go on with this spec, once what it names is mended"),
        ]
    else:
        offers = {
            State.CLEANED: [(again, f"build it anew, from the same spec{mended}")],
            State.FAILED: [
                (again, f"go on at the step that failed{mended}"),
                (f"envwright down {name}", "take it down"),
            ],
            State.CHANGE_FAILED: [
                (again, f"go on with the change{mended}"),
                (f"envwright down {name}", "take it down"),
            ],
            State.RECOVERED: [(f"envwright down {name}", "take it down")],
            State.CLEANUP_FAILED: [(again, f"go on taking it down{mended}")],
        }.get(record.state, [])
    return [*offers, (f"envwright events {name}", "see what happened")]
