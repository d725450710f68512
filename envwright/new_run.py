"""A run as it begins: how long it may take, and how thorough it is."""

import uuid
from typing import Final

from envwright.record import Record, Run, RunKind
from envwright.states import State

CLEANUP_DEADLINE: Final = 3600.0
"""Seconds that a cleanup may take: AWS lets go of the slowest resources within half an hour."""

CHANGE_DEADLINE: Final = 3600.0
"""Seconds that a change of instances may take."""


def new_run(
    kind: RunKind,
    reason: str,
    goal: State,
    now: float,
    limit: float,
    *,
    thorough: bool = False,
    force: bool = False,
) -> Run:
    """A run that begins now, in Unix seconds, and is given up after `limit` seconds."""
    return Run(
        id=new_id(),
        kind=kind,
        reason=reason,
        accepted_at=now,
        deadline_at=now + limit,
        goal=goal,
        thorough=thorough,
        force=force,
    )


def cleanup(reason: str, goal: State, seen: Record, now: float, *, force: bool = False) -> Run:
    """A cleanup run that a caller asks for.

    It is thorough where one before it failed, and where the record names only what has tags.
    """
    thorough = seen.state is State.CLEANUP_FAILED or seen.recovered is not None
    return new_run(
        RunKind.CLEANUP, reason, goal, now, CLEANUP_DEADLINE, thorough=thorough, force=force
    )


def compensation(now: float) -> Run:
    """The cleanup run that follows a failure."""
    return new_run(RunKind.CLEANUP, "failure", State.CLEANED, now, CLEANUP_DEADLINE)


def tried_again(run: Run, at: float) -> Run:
    """A cleanup run that has failed, as it is tried again from `at` on, in Unix seconds."""
    return run.model_copy(
        update={
            "thorough": True,
            "tries": run.tries + 1,
            "retry_at": at,
            "deadline_at": at + CLEANUP_DEADLINE,
        }
    )


def new_id() -> str:
    """An id that nothing has had: of a run, of a bulk, of an end."""
    return uuid.uuid4().hex[:12]
