"""The runs that callers ask for: what is written into a record to make it do something new."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from envwright.errors import NotAllowed
from envwright.names import RECORD_FORMAT, Step
from envwright.record import FRESH_STEP, LEGAL_MOVES, Event, Record, Run, RunKind, State
from envwright.spec import EnvironmentSpec

CLEANUP_DEADLINE: Final = 3600.0
"""Seconds that a cleanup may take: AWS lets go of the slowest resources within half an hour."""


@dataclass(frozen=True, slots=True)
class AcceptedRun:
    """A run to be written: the record as the caller saw it, and what it shall become."""

    environment_id: str
    run: Run
    first: Step
    seen: Record | None
    fields: Mapping[str, str]
    event: Event
    starts_anew: bool
    """Whether what was looked up for an earlier run is forgotten."""


def new_run(
    kind: RunKind, reason: str, goal: State, now: float, limit: float, *, thorough: bool = False
) -> Run:
    """A run that begins now, in Unix seconds, and is given up after `limit` seconds."""
    return Run(
        id=uuid.uuid4().hex[:12],
        kind=kind,
        reason=reason,
        accepted_at=now,
        deadline_at=now + limit,
        goal=goal,
        thorough=thorough,
    )


def cleanup(reason: str, goal: State, seen: Record, now: float) -> Run:
    """A cleanup run that a caller asks for; a thorough one where one before it failed."""
    failed = seen.state is State.CLEANUP_FAILED
    return new_run(RunKind.CLEANUP, reason, goal, now, CLEANUP_DEADLINE, thorough=failed)


def compensation(now: float) -> Run:
    """The cleanup run that follows a failure."""
    return new_run(RunKind.CLEANUP, "failure", State.CLEANED, now, CLEANUP_DEADLINE)


def enqueued(spec: EnvironmentSpec, seen: Record | None, now: float) -> AcceptedRun:
    """The run that builds an environment of which AWS holds nothing."""
    fields = {"spec": spec.canonical_json()}
    if seen is None:
        fields |= {
            "format": str(RECORD_FORMAT),
            "uid": uuid.uuid4().hex[:12],
            "created_at": f"{now:.3f}",
        }
    run = new_run(RunKind.PROVISION, "enqueue", State.READY, now, spec.deadline)
    return accepted(spec.environment_id, seen, run, Step.NETWORK, fields, starts_anew=True)


def accepted(
    environment_id: str,
    seen: Record | None,
    run: Run,
    first: Step,
    fields: Mapping[str, str] | None = None,
    starts_anew: bool = False,
) -> AcceptedRun:
    """A run on an environment, from this step on.

    Raises `NotAllowed` where the state that was seen does not permit it.
    """
    state = State.QUEUED if run.kind is RunKind.PROVISION else State.CLEANING
    if seen is not None and state not in LEGAL_MOVES[seen.state]:
        raise NotAllowed(f"{environment_id} is {seen.state}: it cannot become {state}.")
    moved = {
        "state": str(state),
        "step": str(first),
        "run": run.model_dump_json(),
        "run_id": run.id,
        **FRESH_STEP,
        "wakeups": "0",
        "cleanup_failure": "",
        "trouble": "",
        "outputs": "",
    }
    if run.kind is RunKind.PROVISION:
        moved["failure"] = ""
    event = Event(type="accepted", run=run.id, state=state, message=f"{run.kind} ({run.reason})")
    return AcceptedRun(
        environment_id, run, first, seen, {**(fields or {}), **moved}, event, starts_anew
    )
