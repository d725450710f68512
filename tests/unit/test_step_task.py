"""The base class of the step tasks, between Celery's tracer and the step."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from celery.app.trace import trace_task
from celery.exceptions import Ignore

from envwright.failure import Failure, FailureCategory
from envwright.names import Step, provision_task
from worker import runtime, task
from worker.app import app
from worker.loop import LoopThread
from worker.step import Outcome
from worker.task import StepFailed

TASK = app.tasks[provision_task(Step.NETWORK)]
IDS = ("web.eu-west-1", "run")
FAILURE = Failure(category=FailureCategory.SPEC, message="It failed.", step=Step.NETWORK)


@pytest.fixture
def ends_with(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Let a step end so, whatever it is."""
    loop = LoopThread()
    loop.start()
    monkeypatch.setattr(runtime, "_current", SimpleNamespace(loop=loop))

    def ends(outcome: Outcome) -> None:
        async def run_step(*_: object) -> Outcome:
            return outcome

        monkeypatch.setattr(task, "run_step", run_step)

    yield ends
    loop.stop()


@pytest.mark.parametrize(
    ("outcome", "error"),
    [
        (Outcome(is_done=True), None),
        (Outcome(), Ignore),
        (Outcome(failure=FAILURE), StepFailed),
    ],
)
def test_celery_sends_no_further_message(
    ends_with: Any, monkeypatch: pytest.MonkeyPatch, outcome: Outcome, error: type[Exception] | None
) -> None:
    """The step's last write has sent it; a second one would cost a claim, and be refused."""
    ends_with(outcome)
    sent: list[Any] = []
    monkeypatch.setattr(app.amqp, "send_task_message", lambda *args, **_: sent.append(args))
    signature = app.signature(provision_task(Step.SECURITY), args=IDS, immutable=True)
    request = {"id": "1", "chain": [dict(signature)], "delivery_info": {"priority": 0}}

    ended = trace_task(TASK, "1", list(IDS), {}, request, app=app)

    assert sent == []
    assert (type(ended.info.retval) if ended.info else None) is error
