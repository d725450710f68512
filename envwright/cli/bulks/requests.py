"""Ask for a bulk, or something of one, and see it through."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import typer

from envwright.bulk import Bulk, BulkAnswer
from envwright.bulk_requests import Told
from envwright.cli import exits
from envwright.cli.bulks.display import described, display_for
from envwright.cli.bulks.intake import Specs
from envwright.cli.bulks.painter import counts_in_words
from envwright.cli.bulks.report import Outcome, ReportFile
from envwright.cli.bulks.watch import BulkWatch, titled
from envwright.cli.output import busy, capitalized, console, counted, joined, print_json, say
from envwright.cli.painter import marks_for
from envwright.cli.requests import How
from envwright.cli.waiting import BUILT, SETTLED, Goal
from envwright.client import Client
from envwright.errors import AmbiguousName, StoreUnavailable, UnknownBulk
from envwright.moments import moment
from envwright.new_run import new_id
from envwright.priority import Priority
from envwright.requests import Answer
from envwright.states import HOLDS_NOTHING, State

_REFUSALS_TOLD: Final = 20


def found(client: Client, name: str) -> Bulk:
    """A bulk by its id or its name. Raises `UnknownBulk`, and `AmbiguousName`.

    Of several with one name, those that came to no members do not count: there is nothing to ask of
    them.
    """
    try:
        return client.bulk(name)
    except UnknownBulk:
        called_so = [*client.bulks(name)]
        if not called_so:
            raise
    called_so = [one for one in called_so if one.total or not one.sealed_at] or called_so
    if len(called_so) > 1:
        ids = joined(f"{one.id} of {moment(one.created_at)}" for one in called_so)
        raise AmbiguousName(f"Several bulks are named {name}; give the id of one: {ids}.")
    return called_so[0]


def show_dry_run(specs: Specs, as_json: bool) -> None:
    """How many environments would be asked for."""
    if as_json:
        print_json("dry_run", count=len(specs), environments=[one.environment_id for one in specs])
        return
    say(f"All specs are valid: {counted(len(specs), 'environment')} would be asked for.")


def ask_for(
    client: Client,
    specs: Specs,
    *,
    name: str | None,
    priority: Priority,
    max_failures: int | None,
    bulk_id: str | None,
) -> Bulk:
    """Put a whole bulk on record.

    Raises `UsageError` for a `bulk_id` that is none, `StoreUnavailable`, and `Interrupted` on
    Ctrl-C: then both say how the rest of it is asked for.
    """
    wanted = bulk_id or new_id()
    with _asking(len(specs)) as asked:
        try:
            return client.enqueue_bulk(
                specs,
                name=name,
                priority=priority,
                max_failures=max_failures,
                bulk_id=wanted,
                told=asked,
            )
        except ValueError as error:
            raise exits.UsageError(str(error)) from None
        except StoreUnavailable as error:
            half_way = _half_way(wanted, asked.count, len(specs))
            raise StoreUnavailable(f"{error}\n{half_way}") from error
        except KeyboardInterrupt:
            raise exits.Interrupted(_half_way(wanted, asked.count, len(specs))) from None


def _half_way(bulk_id: str, asked: int, total: int) -> str:
    if asked:
        on_record = f"At least {asked} of {total} are on record, as the bulk {bulk_id}, and are"
    else:
        on_record = f"Some of {total} may be on record, as the bulk {bulk_id}, and then are"
    return (
        f"{on_record} carried out.\n"
        f"The same command with --id {bulk_id} asks for the others; `envwright bulks down "
        f"{bulk_id}` takes it down."
    )


def announce(bulk: Bulk, how: How) -> None:
    """Say what is on record."""
    if how.as_json:
        print_json("accepted", lines=True, bulk=described(bulk))
        return
    others = [
        f"{count} {what}"
        for count, what in ((bulk.existing, "there already"), (bulk.refused, "refused"))
        if count
    ]
    members = joined([counted(bulk.total, "environment"), *others])
    where = "" if how.wait else f": `envwright bulks watch {bulk.id}` shows how it goes"
    say(f"{capitalized(titled(bulk))} is on record, with {members}{where}.")


def see_through(
    client: Client,
    bulk: Bulk,
    goal: Goal | None,
    how: How,
    *,
    since: float | None = None,
    report: ReportFile | None = None,
) -> int:
    """Show how a bulk goes until nobody works on it any more, report, and say the exit code.

    Without a goal, it is that all are ready, or that some were taken down. `since` is when it was
    asked for, in Unix seconds. Raises `WaitTimeout`, `StoreUnavailable`,
    and `Interrupted` on Ctrl-C; the bulk goes on.
    """
    display = display_for(client, how.as_json)
    watch = BulkWatch(
        client, bulk.id, timeout=how.timeout, on_outage=display.show_outage, since=since
    )
    try:
        with display:
            for progress in watch:
                bulk = progress.bulk
                display.show(progress)
    except KeyboardInterrupt:
        raise exits.Interrupted(_how_to_go_on(bulk)) from None
    ended_at = bulk.finished_at
    took = max(ended_at - since, 0) if since is not None and ended_at is not None else None
    outcome = Outcome(client, bulk, goal or goal_of(bulk), took)
    if how.as_json:
        print_json("report", lines=True, **outcome.document())
    else:
        out = console()
        outcome.print_on(out, marks_for(out))
    if report is not None:
        report.write(outcome.document())
    return exits.OK if outcome.reached else exits.FAILED


def goal_of(bulk: Bulk) -> Goal:
    """What a bulk is to come to; where some were taken down, somebody wanted that."""
    return SETTLED if bulk.states.get(State.DESTROYED) else BUILT


def ask_all(bulk: Bulk, members: int, ask: Callable[[Told], BulkAnswer]) -> BulkAnswer:
    """Ask something of so many members, and say how far that is: ten thousand take a while.

    Raises `StoreUnavailable`, and `Interrupted` on Ctrl-C: both say how far it came.
    """
    with _asking(members) as asked:
        try:
            return ask(asked)
        except StoreUnavailable as error:
            raise StoreUnavailable(f"{error}\n{_some_asked(bulk, asked.count)}") from error
        except KeyboardInterrupt:
            raise exits.Interrupted(_some_asked(bulk, asked.count)) from None


def _some_asked(bulk: Bulk, asked: int) -> str:
    return (
        f"At least {counted(asked, 'run')} of {titled(bulk)} {'is' if asked == 1 else 'are'} on "
        f"record, and carried out.\n"
        f"The same command asks for the others; `envwright bulks show {bulk.id}` shows how it "
        f"stands."
    )


class _Asked:
    """Counts what was asked for, and says how far that is."""

    def __init__(self, total: int, show: Callable[[str], None]) -> None:
        self.count = 0
        self._total = total
        self._show = show

    def __call__(self, answers: Sequence[Answer]) -> None:
        self.count += len(answers)
        self._show(f"Asking for them: {self.count} of {self._total}.")


@contextmanager
def _asking(total: int) -> Iterator[_Asked]:
    with busy() as show:
        asked = _Asked(total, show)
        if total:
            asked(())
        yield asked


def follow_up(
    client: Client, bulk: Bulk, answer: BulkAnswer, goal: Goal, how: How, *, since: float
) -> int:
    """Say what a request to all members came to, and see it through as `see_through` does."""
    _tell_answer(bulk, answer, how)
    code = see_through(client, bulk, goal, how, since=since) if how.wait else exits.OK
    return exits.FAILED if answer.refused else code


def _tell_answer(bulk: Bulk, answer: BulkAnswer, how: How) -> None:
    if how.as_json:
        refused = [{"environment": one, "message": why} for one, why in answer.refused.items()]
        print_json(
            "accepted", lines=True, bulk=described(bulk), begun=answer.accepted, refused=refused
        )
        return
    begun = f"{counted(answer.accepted, 'run')} of {titled(bulk)} on record"
    where = "" if how.wait else f": `envwright bulks watch {bulk.id}` shows how it goes"
    nothing = f"Nothing was begun for {titled(bulk)}"
    say(f"{begun}{where}." if answer.accepted else f"{nothing}.")
    for why in [*answer.refused.values()][:_REFUSALS_TOLD]:
        say(f"Error: {why}", err=True)
    if (more := len(answer.refused) - _REFUSALS_TOLD) > 0:
        say(f"Error: {more} more were refused.", err=True)


def really_take_down(bulk: Bulk) -> bool:
    """Ask on a terminal whether all of it shall be taken down; elsewhere the command is enough."""
    standing = sum(count for state, count in bulk.states.items() if state not in HOLDS_NOTHING)
    if not standing or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return True
    say(f"{capitalized(titled(bulk))} has {counted(bulk.total, 'environment')}:", err=True)
    say(counts_in_words(bulk), err=True)
    return typer.confirm(f"Take {standing} down?" if standing > 1 else "Take it down?", err=True)


def _how_to_go_on(bulk: Bulk) -> str:
    return (
        f"Stopped watching {titled(bulk)}; it goes on.\n"
        f"`envwright bulks watch {bulk.id}` shows it again, `envwright bulks pause {bulk.id}` lets "
        f"no more of it in, `envwright bulks down {bulk.id}` takes it down."
    )
