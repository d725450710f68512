"""Who waits first: in the queue by the priority of messages, and at AWS by the flow."""

from typing import Any

import pytest

from config.settings import RUNS_PER_ACCOUNT
from envwright.priority import Priority
from envwright.requests import in_flow
from envwright.runs import enqueued
from envwright.states import State
from tasks.lease import Flow, Lease
from tasks.line import Line
from tests.desk import GRACE, WEB, Desk, Moment
from tests.integration.conftest import Begin
from tests.specs import spec
from worker.lease import LeaseKeeper


async def test_the_grace_grows_while_messages_of_any_priority_wait(desk: Desk) -> None:
    """What waits among the last is no more lost than what waits among the first."""
    desk.accept()
    desk.redis.lpush(f"{desk.queue}\x06\x169", "a message")
    desk.make_due()

    with Moment(desk) as then:
        await desk.worker.take_due(100, GRACE)

    assert then.is_when(desk.due(), 2 * GRACE)


@pytest.mark.parametrize(
    ("priority", "waits", "begun"),
    [(Priority.HIGH, 0, 0), (Priority.NORMAL, 3, 0), (Priority.LOW, 9, 6)],
)
async def test_what_was_begun_is_sent_before_what_is_not(
    desk: Desk, priority: Priority, waits: int, begun: int
) -> None:
    """Also by the sweeper, which goes by the state and not by the step."""
    run = desk.accept(priority=priority)
    desk.make_due()
    (due,) = await desk.worker.take_due(100, GRACE)
    assert due.priority == waits

    await desk.claim(run)
    desk.end_lease()
    desk.make_due()
    (due,) = await desk.worker.take_due(100, GRACE)
    assert due.priority == begun


@pytest.mark.parametrize(
    ("priority", "bulk", "flow"),
    [
        (Priority.HIGH, None, Flow("high", is_urgent=True)),
        (Priority.NORMAL, None, Flow("normal")),
        (Priority.LOW, "shops", Flow("shops")),
    ],
)
async def test_calls_to_aws_take_their_turns_by_the_same_flows(
    begin: Begin, monkeypatch: pytest.MonkeyPatch, priority: Priority, bulk: str | None, flow: Flow
) -> None:
    """A bulk of a thousand is one flow at AWS's request limits, too; its cleanups are in it."""
    seen = []
    holding = LeaseKeeper.holding

    def watched(keeper: LeaseKeeper, lease: Lease, until_deadline: float) -> Any:
        seen.append(lease.flow)
        return holding(keeper, lease, until_deadline)

    monkeypatch.setattr(LeaseKeeper, "holding", watched)
    async with begin(spec("other")) as env:
        wanted = in_flow(enqueued(spec("web"), None, env.client.now()), priority, bulk)
        assert env.client._store.accept([wanted]) == [True]
        await Line(env._redis, env.client.settings.keys, RUNS_PER_ACCOUNT).admit(lambda _: 1, GRACE)
        one = env.beside(WEB)
        await one.shorten_deadline(-1)

        await one.to_rest()

    assert one.record.state is State.CLEANED
    assert seen == [flow] * 4
