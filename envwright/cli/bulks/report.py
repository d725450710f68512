"""What became of a bulk: how many are as asked for, why the others are not, and what to do."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.text import Text

from envwright.bulk import FAILED_MEMBERS, Bulk, BulkState, Member
from envwright.cli.bulks.display import described
from envwright.cli.bulks.failures import TO_DO, Sort, sorted_out
from envwright.cli.exits import UsageError
from envwright.cli.output import JSON_VERSION, clean, counted, duration, plain, styled
from envwright.cli.painter import Marks
from envwright.cli.tables import columns, indented
from envwright.cli.waiting import BUILT, SETTLED, TAKEN_DOWN, Goal
from envwright.client import Client
from envwright.failure import FailureCategory
from envwright.states import HOLDS_NOTHING

_WORDS: Final[Mapping[Goal, str]] = {
    BUILT: "ready",
    SETTLED: "ready or taken down",
    TAKEN_DOWN: "taken down",
}
_SORTS_SHOWN: Final = 10
_REFUSALS_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Outcome:
    """A bulk, and whether its members are in a state of `goal`."""

    client: Client
    bulk: Bulk
    goal: Goal
    took: float | None = None
    """Seconds from the request on, where it has come to its end."""

    @property
    def good(self) -> int:
        return sum(count for state, count in self.bulk.states.items() if state in self.goal)

    @property
    def reached(self) -> bool:
        """Whether all members are as they were to be."""
        return self.good == self.bulk.total

    def document(self) -> dict[str, Any]:
        """The whole report: each member with its state, and why it failed."""
        return {
            "reached": self.reached,
            "took": None if self.took is None else round(self.took, 3),
            "bulk": described(self.bulk),
            "failures": [one.document() for one in sorted_out(self._failed())],
            "refused": [
                {"environment": name, "message": why}
                for name, why in self.client.bulk_refusals(self.bulk.id)
            ],
            "members": [
                {
                    "environment": one.environment_id,
                    "state": one.state,
                    "failure": plain(one.failure),
                }
                for one in self.client.bulk_members(self.bulk.id)
            ],
        }

    def print_on(self, out: Console, marks: Marks) -> None:
        """The report for a person."""
        out.print()
        out.print(self._headline(marks))
        self.explain_on(out, marks)

    def explain_on(self, out: Console, marks: Marks) -> None:
        """Who is no member, why members failed, and what to do next."""
        remarks = [*self._remarks()]
        if remarks:
            out.print()
        for sentence in remarks:
            out.print(indented(styled(sentence)))
        sorts = sorted_out(self._failed()) if self.bulk.failed else []
        _print_failures(sorts, out, marks)
        table = columns("", "")
        table.show_header, table.columns[0].no_wrap = False, True
        for command, purpose in self._offers(sorts):
            table.add_row(styled(command, "bold"), Text(purpose, "dim"))
        if table.row_count:
            out.print()
            out.print(indented(table))

    def _headline(self, marks: Marks) -> Text:
        bulk = self.bulk
        sign = (marks.done, "green") if self.reached else (marks.failed, "red")
        took = f", in {duration(self.took)}" if self.took is not None else ""
        is_all = self.reached and bulk.total > 1
        share = f"all {bulk.total}" if is_all else f"{self.good} of {bulk.total}"
        verb = "is" if bulk.total == 1 else "are"
        words = f" is {bulk.state}{took}: {share} {verb} {_WORDS[self.goal]}."
        if not bulk.total:
            words = f" is {bulk.state}: it has no members."
        return Text.assemble(sign, " ", (clean(bulk.name or bulk.id), "bold"), words)

    def _remarks(self) -> Iterator[str]:
        bulk = self.bulk
        if bulk.state is BulkState.PAUSED and bulk.paused_because:
            yield f"It paused by itself: {bulk.paused_because}"
        if bulk.sealed_at is None:
            yield (
                f"Not all of it was put on record yet. If that was interrupted, the same command "
                f"with --id {bulk.id} asks for the others."
            )
        if bulk.existing:
            were, stand = ("was", "it stands") if bulk.existing == 1 else ("were", "they stand")
            yield (
                f"{counted(bulk.existing, 'environment')} {were} there already, with the same "
                f"spec: no members of this bulk. `envwright list` shows how {stand}."
            )
        if bulk.refused:
            were = "was" if bulk.refused == 1 else "were"
            yield f"{counted(bulk.refused, 'spec')} {were} refused: no members of this bulk."
            for _, why in islice(self.client.bulk_refusals(bulk.id), _REFUSALS_SHOWN):
                yield f"  {why}"
            if bulk.refused > _REFUSALS_SHOWN:
                yield f"  and {bulk.refused - _REFUSALS_SHOWN} more"

    def _failed(self) -> Iterator[Member]:
        """The members that failed on the way to the goal."""
        members = self.client.bulk_members(self.bulk.id)
        return (one for one in members if one.state not in self.goal)

    def _offers(self, sorts: Sequence[Sort]) -> list[tuple[str, str]]:
        bulk = self.bulk
        offers = []
        if bulk.state is BulkState.PAUSED:
            offers.append((f"envwright bulks resume {bulk.id}", "let in those that wait in line"))
        if sorts and all(one.first.category is FailureCategory.SPEC for one in sorts):
            offers.append(("envwright bulk FILE --name NAME", "build them from corrected specs"))
        elif any(bulk.states.get(one) for one in FAILED_MEMBERS if one not in self.goal):
            offers.append(
                (
                    f"envwright bulks retry {bulk.id}",
                    "go on with those that failed, once that is mended",
                )
            )
        if not self.reached and bulk.state is not BulkState.DONE:
            offers.append((f"envwright bulks watch {bulk.id}", "see how it goes"))
        is_gone = sum(bulk.states.get(one, 0) for one in HOLDS_NOTHING) == bulk.total
        if self.goal is not TAKEN_DOWN and not is_gone:
            offers.append((f"envwright bulks down {bulk.id}", "take all of it down"))
        return offers


def _print_failures(sorts: Sequence[Sort], out: Console, marks: Marks) -> None:
    for one in sorts[:_SORTS_SHOWN]:
        out.print()
        head = Text.assemble("  ", (marks.failed, "red"), f" {one.count} failed: ")
        out.print(head.append(clean(one.title), "red"))
        for line in (one.who, one.first.message, TO_DO[one.first.category]):
            out.print(indented(indented(styled(line))))
    if len(sorts) > _SORTS_SHOWN:
        out.print()
        out.print(f"  and {counted(len(sorts) - _SORTS_SHOWN, 'sort')} more")


class ReportFile:
    """The file that the report goes to: looked at first, so that no bulk is begun in vain."""

    def __init__(self, path: str) -> None:
        """Raises `UsageError` for what cannot be written."""
        self._path = Path(path)
        try:
            with self._path.open("a"):
                pass
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            raise UsageError(f"{clean(path)} cannot be written: {why}.") from None

    def write(self, document: dict[str, Any]) -> None:
        whole = {"version": JSON_VERSION, "kind": "report", **document}
        self._path.write_text(json.dumps(whole, indent=2) + "\n", encoding="utf-8")
