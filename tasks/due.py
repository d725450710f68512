"""What the scripts hand out, for somebody to be woken up for it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from envwright.messages import message_priority, steps_of
from envwright.names import Step
from envwright.priority import Priority
from envwright.record import RunKind
from envwright.states import State

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Due:
    """A run that somebody must be woken up for."""

    environment_id: str
    run_id: str
    kind: RunKind
    step: Step
    priority: int = 0
    """That of its message (see `envwright.messages.message_priority`)."""


def due_of(taken: Sequence[Sequence[str]]) -> list[Due]:
    """What a script has taken, as far as this version can read it."""
    return [due for entry in taken if (due := _due(*entry)) is not None]


def _due(environment_id: str, run_id: str, step: str, run: str, state: str) -> Due | None:
    try:
        said = json.loads(run)
        kind, priority = RunKind(said["kind"]), Priority(said.get("priority", Priority.NORMAL))
        order = message_priority(kind, priority, begun=state != State.QUEUED)
        if step not in steps_of(kind):
            raise ValueError(f"A {kind} has no step {step}.")
        return Due(environment_id, run_id, kind, Step(step), order)
    except (ValueError, KeyError, TypeError) as error:
        # Of a newer format, or spoilt: it must not keep the others from being woken up.
        logger.error("run_not_readable", environment=environment_id, error=str(error))
        return None
