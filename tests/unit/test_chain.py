"""The chains: every step has its task, and each is followed by the right one."""

import inspect

import pytest

from envwright.messages import steps_of
from envwright.names import Step
from envwright.record import RunKind
from tasks import kinds
from tasks.chain import PLACES, TASK_MODULES, following
from worker.app import app

ORDERS = {
    RunKind.PROVISION: [Step.NETWORK, Step.SECURITY, Step.INSTANCE, Step.READY],
    RunKind.CLEANUP: [Step.INSTANCE, Step.SECURITY, Step.NETWORK],
    RunKind.CHANGE: [Step.INSTANCE, Step.READY],
}


@pytest.mark.parametrize("kind", ORDERS)
def test_the_steps_follow_each_other(kind: RunKind) -> None:
    """From the first to the last, after which there is none."""
    order = [step := steps_of(kind)[0]]
    while (after := following(kind, step)) is not None:
        order.append(step := after)

    assert order == ORDERS[kind]


def test_a_recovery_has_no_steps() -> None:
    """It only writes a record, and nobody is sent for it."""
    assert steps_of(RunKind.RECOVERY) == ()


def test_every_place_has_its_task() -> None:
    """A plain coroutine function that is handed a context, under the name that messages use."""
    for name in PLACES:
        work = app.tasks[name].run

        assert inspect.iscoroutinefunction(work)
        assert list(inspect.signature(work).parameters) == ["context"]


def test_ready_looks_at_the_kinds_of_every_step() -> None:
    """Doubles of a kind that it does not know would stay for ever."""
    made = {
        kind for module in TASK_MODULES for group in getattr(module, "KINDS", ()) for kind in group
    }

    assert made == {kind for group in kinds.KINDS for kind in group}
