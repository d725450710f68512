"""The chains: forward through the steps to provision, and back through them to clean up.

A change of instances goes through the last two.

Importing this module registers every task; `envwright.messages` sends them by name.
"""

from typing import Final

from envwright.messages import steps_of, task_name
from envwright.names import Step
from envwright.record import RunKind
from tasks import change, cleanup, instance, network, ready, security, submit

TASK_MODULES: Final = (network, security, instance, ready, change, cleanup, submit)

PLACES: Final[dict[str, tuple[RunKind, Step]]] = {
    task_name(kind, step): (kind, step) for kind in RunKind for step in steps_of(kind)
}
"""Which run and step a task is, by its name."""


def following(kind: RunKind, step: Step) -> Step | None:
    """The step after this one in such a run; None after the last."""
    steps = steps_of(kind)
    after = steps.index(step) + 1
    return steps[after] if after < len(steps) else None
