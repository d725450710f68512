"""What commands ask for: say what became of the request, and see it through."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import typer

from envwright.change import Operation
from envwright.cli import exits
from envwright.cli.output import clean, counted, left_over, print_json
from envwright.cli.waiting import BUILT, TAKEN_DOWN, Awaited, Goal, wait_for
from envwright.client import Client
from envwright.errors import NotAllowed
from envwright.record import Record
from envwright.requests import Answer as Said
from envwright.requests import Refusal, Ticket
from envwright.states import AT_REST, CHANGEABLE, HOLDS_NOTHING, State
from envwright.targets import resolved

MANY: Final = 20
"""Of more requests than these, what was accepted is counted, and not told one by one."""

Answer = tuple[str, Said]
"""An environment's id, and what the client said to the request."""


@dataclass(frozen=True, slots=True)
class How:
    """How a request is to be seen through; `timeout` in seconds, None for as long as it takes."""

    wait: bool
    timeout: float | None
    as_json: bool


def attempt(request: Callable[[str], Ticket], environment_id: str) -> Answer:
    """Make one of several requests: that it is not allowed shall not stop the others."""
    try:
        return environment_id, request(environment_id)
    except NotAllowed as error:
        return environment_id, error


def carry_out(
    client: Client,
    answers: Sequence[Answer],
    goal: Goal | None,
    how: How,
) -> int:
    """Tell what was accepted, wait for it where asked to, and answer with the exit code.

    Without a goal, it is what each accepted run leads to.
    """
    _announce(answers, how)
    awaited = [
        Awaited(one.environment_id, one.run_id, goal or _goal_of(one), is_ours=_is_begun(one))
        for _, one in answers
        if isinstance(one, Ticket)
    ]
    refused = [_document(one) for one in answers if isinstance(one[1], Refusal)]
    if how.wait and (awaited or how.as_json):
        failed = [{"reached": False, **one} for one in refused]
        code = wait_for(client, awaited, timeout=how.timeout, as_json=how.as_json, refused=failed)
    else:
        hopeless = (
            isinstance(one, Ticket) and not _is_moving(one) and one.state not in (goal or ())
            for _, one in answers
        )
        code = exits.FAILED if any(hopeless) else exits.OK
    return exits.FAILED if refused else code


def really_take_down(records: Sequence[Record]) -> bool:
    """Ask on a terminal whether these shall be taken down; elsewhere the command is enough."""
    standing = [record for record in records if record.state not in HOLDS_NOTHING]
    if not standing or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return True
    for record in standing:
        held = counted(len(left_over(record)), "resource")
        typer.echo(f"{record.environment_id} is {record.state}, with {held}.", err=True)
    them = "it" if len(standing) == 1 else f"these {len(standing)}"
    return typer.confirm(f"Take {them} down?", err=True)


def really_change(record: Record, operation: Operation, targets: Sequence[str]) -> bool:
    """Ask on a terminal whether these instances shall be changed, where they can be.

    Raises `UnknownInstance` for what there is not.
    """
    if record.state not in CHANGEABLE:
        return True  # That is for the client to refuse, or to find done already.
    ids = resolved(record, operation, targets).ids
    if not ids or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return True
    typer.echo(f"{record.environment_id}: {', '.join(ids)}", err=True)
    return typer.confirm(f"{operation.capitalize()} {counted(len(ids), 'instance')}?", err=True)


def _goal_of(ticket: Ticket) -> Goal:
    return TAKEN_DOWN if ticket.state is State.CLEANING else BUILT


def _is_begun(ticket: Ticket) -> bool:
    return ticket.accepted and ticket.state not in AT_REST


def _is_moving(ticket: Ticket) -> bool:
    return ticket.accepted or ticket.state not in AT_REST


def _announce(answers: Sequence[Answer], how: How) -> None:
    if how.as_json:
        print_json("accepted", lines=True, environments=[_document(one) for one in answers])
        return
    if not how.wait and len(answers) > MANY:
        begun = sum(isinstance(one, Ticket) and one.accepted for _, one in answers)
        typer.echo(f"{counted(begun, 'job')} on record: `envwright list` shows how they stand.")
    for environment_id, answer in answers:
        if isinstance(answer, Refusal):
            exits.tell(answer, as_json=False)
        elif len(answers) > MANY:
            continue
        elif sentence := _sentence(environment_id, answer, how.wait):
            typer.echo(clean(sentence))


def _sentence(environment_id: str, ticket: Ticket, wait: bool) -> str:
    if ticket.accepted and ticket.state in HOLDS_NOTHING:
        return "" if wait else f"{environment_id} is {ticket.state}: nothing of it had been begun."
    if ticket.accepted and ticket.state in AT_REST:
        return "" if wait else f"{environment_id} is cancelled: what was made is held."
    if ticket.accepted:
        return "" if wait else f"{environment_id} is {ticket.state}: {_watch(environment_id)}"
    if ticket.state in AT_REST:
        return f"{environment_id} is {ticket.state} already: nothing was started."
    begun = f"{environment_id} is {ticket.state} already: no second run was started."
    return begun if wait else f"{begun} {_watch(environment_id)}"


def _watch(environment_id: str) -> str:
    return f"`envwright watch {environment_id}` shows how it goes."


def _document(answer: Answer) -> dict[str, Any]:
    environment_id, said = answer
    if isinstance(said, Refusal):
        error = {"type": type(said).__name__, "message": str(said)}
        return {"environment": environment_id, "accepted": False, "error": error}
    return {
        "environment": environment_id,
        "accepted": said.accepted,
        "run": said.run_id,
        "state": said.state,
    }
