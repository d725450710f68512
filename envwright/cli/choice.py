"""`retry --all`: choose what failed by its state and its error, and say how many that is."""

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import typer

from envwright.cli.exits import UsageError
from envwright.cli.output import clean, counted, print_json
from envwright.failure import ErrorClass, FailureCategory
from envwright.record import Record
from envwright.states import RETRYABLE, State

if TYPE_CHECKING:
    from envwright.client import Client

_NAMED: Final = 10
"""How many environments are named; the others are counted."""


@dataclass(frozen=True, slots=True)
class Sort:
    """What environments are counted by: where they stand, and why."""

    state: State
    category: str | None
    code: str | None
    error_class: str | None

    def __str__(self) -> str:
        told = self.code or self.error_class
        why = self.category or "no failure"
        return f"{self.state}, {why} ({told})" if told else f"{self.state}, {why}"


@dataclass(frozen=True, slots=True)
class Choice:
    """The environments that were chosen, and how many there are of each sort."""

    ids: Sequence[str]
    counts: Counter[Sort]

    def lines(self) -> list[str]:
        """Of each sort how many, and the names of some."""
        lines = [f"{count:6}  {clean(str(sort))}" for sort, count in self.counts.most_common()]
        more = len(self.ids) - _NAMED
        shown = ", ".join(self.ids[:_NAMED])
        return [*lines, f"{shown} and {more} more" if more > 0 else shown]


def choose(client: "Client", states: Sequence[str], error: str | None) -> Choice:
    """What can be retried and is meant. Raises `UsageError` for a state that nothing retries."""
    for state in states:
        if state not in RETRYABLE:
            raise UsageError(
                f"Nothing that is {clean(state)} can be retried: --state takes "
                f"{', '.join(RETRYABLE)}."
            )
    ids: list[str] = []
    counts: Counter[Sort] = Counter()
    for record in client.retryable([State(one) for one in states] or RETRYABLE, error):
        ids.append(record.environment_id)
        counts[_sort_of(record)] += 1
    return Choice(ids, counts)


def doubt(client: "Client", choice: Choice, error: str | None) -> str | None:
    """That nothing was chosen by an error which may be mistyped, since nobody has heard of it.

    It may be a code of AWS too, so only the records can tell.
    """
    known = {one.casefold() for one in (*FailureCategory, *ErrorClass)}
    if choice.ids or error is None or error.casefold() in known:
        return None
    failures = (record.last_failure for record in client.environments())
    if any(failure is not None and failure.is_of(error) for failure in failures):
        return None
    return (
        f"Nothing on record failed with {clean(error)}. --error takes a category "
        f"({', '.join(FailureCategory)}), a class of errors ({', '.join(ErrorClass)}), or a code "
        f"of AWS."
    )


def show(choice: Choice, as_json: bool) -> None:
    """What a retry would go on with; nothing is begun."""
    if as_json:
        sorts = [
            {
                "state": sort.state,
                "category": sort.category,
                "code": sort.code,
                "error_class": sort.error_class,
                "count": count,
            }
            for sort, count in choice.counts.most_common()
        ]
        print_json("dry_run", count=len(choice.ids), sorts=sorts, environments=[*choice.ids])
        return
    typer.echo(f"{counted(len(choice.ids), 'environment')} would be retried.")
    if choice.ids:
        typer.echo("\n".join(choice.lines()))


def really_retry(choice: Choice) -> bool:
    """Ask on a terminal whether all these shall be retried; elsewhere the command is enough."""
    if not choice.ids or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return True
    typer.echo("\n".join(choice.lines()), err=True)
    return typer.confirm(f"Retry {counted(len(choice.ids), 'environment')}?", err=True)


def _sort_of(record: Record) -> Sort:
    failure = record.last_failure
    if failure is None:
        return Sort(record.state, None, None, None)
    return Sort(record.state, str(failure.category), failure.code, failure.error_class)
