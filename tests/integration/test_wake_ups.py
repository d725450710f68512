"""The messages that workers send themselves: Celery's own, and one write with what they follow."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from celery import Celery

from envwright.messages import producer, send_run, steps_of
from envwright.names import MESSAGE_PRIORITIES, Step, queue_list
from envwright.record import RunKind
from envwright.states import State
from tasks.due import Due
from tasks.store import Claimed, Hold, Written
from tests.desk import GRACE, LEASE, WEB, Desk
from tests.integration.conftest import Begin
from tests.specs import spec

STEPS = [(kind, step) for kind in RunKind for step in steps_of(kind)]


@pytest.fixture
def celery(desk: Desk) -> Iterator[Celery]:
    with producer(desk.settings) as app:
        yield app


def messages(desk: Desk, priority: int = 0) -> list[dict[str, Any]]:
    """Those that wait with this priority, the newest first, with their bodies decoded."""
    found = [json.loads(one) for one in desk.redis.lrange(queue_list(desk.queue, priority), 0, -1)]
    return [one | {"body": json.loads(base64.b64decode(one["body"]))} for one in found]


def without_what_is_drawn(message: dict[str, Any]) -> Any:
    """A message as it would be if each id were the same, and nobody had sent it."""
    drawn = {"id", "task_id", "root_id", "correlation_id", "delivery_tag", "reply_to", "origin"}

    def mask(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                key: type(one).__name__ if key in drawn else mask(one) for key, one in value.items()
            }
        return [mask(one) for one in value] if isinstance(value, list) else value

    return mask(message)


@pytest.mark.parametrize("priority", MESSAGE_PRIORITIES)
async def test_a_message_of_a_worker_is_one_of_celery(
    desk: Desk, celery: Celery, priority: int
) -> None:
    """In the same list, with all that Celery and kombu put into theirs: so a worker of another
    version, and whatever else knows Celery, reads it."""
    for kind, step in STEPS:
        send_run(celery, WEB, "run", kind, step, priority)
        await desk.worker.wake_up([Due(WEB, "run", kind, step, priority)])

        ours, theirs, *_ = messages(desk, priority)
        assert without_what_is_drawn(ours) == without_what_is_drawn(theirs)


async def test_each_message_has_ids_of_its_own(desk: Desk) -> None:
    """By its tag the broker knows what is acknowledged, and Celery its tasks by theirs."""
    await desk.worker.wake_up([Due(WEB, "run", RunKind.PROVISION, Step.NETWORK)] * 2)

    ids = [
        one
        for message in messages(desk)
        for one in (
            message["headers"]["id"],
            message["properties"]["delivery_tag"],
            *(signature["options"]["task_id"] for signature in message["body"][2]["chain"]),
        )
    ]
    assert len(set(ids)) == len(ids) == 2 * 5


async def test_the_first_one_sent_is_the_first_one_read(desk: Desk) -> None:
    """Workers read at the list's other end."""
    runs = [Due(WEB, f"run-{n}", RunKind.PROVISION, Step.NETWORK) for n in range(3)]

    await desk.worker.wake_up(runs)

    oldest_first = [one["body"][0][1] for one in reversed(messages(desk))]
    assert oldest_first == ["run-0", "run-1", "run-2"]


async def test_a_message_goes_with_the_write_or_not_at_all(desk: Desk) -> None:
    """Who lost its run to another one sends nothing; else the message is there with the record."""
    run = desk.accept()
    old = await desk.claim(run)
    desk.end_lease()
    hold = await desk.claim(run)
    then = Due(WEB, run.id, RunKind.PROVISION, Step.SECURITY, 0)

    assert await desk.worker.advance(old, {}, [], GRACE, then) is Written.LOST
    assert messages(desk) == []
    assert await desk.worker.advance(hold, {"step": "security"}, [], GRACE, then) is Written.WRITTEN
    (message,) = messages(desk)
    assert message["headers"]["task"] == "envwright.provision.security"
    assert message["body"][0] == [WEB, run.id]

    claimed = await desk.worker.claim(WEB, run.id, Step.SECURITY, LEASE)
    assert isinstance(claimed, Claimed)
    desk.replace()
    hold = Hold(WEB, run.id, claimed.epoch)
    assert await desk.worker.advance(hold, {}, [], GRACE, then) is Written.REPLACED
    assert messages(desk) == [message]


async def test_a_step_sends_the_next_one(begin: Begin, desk: Desk) -> None:
    """As what was begun, so that it ends before others begin; there is none behind the last."""
    async with begin(spec()) as env:
        assert (await env.to_rest()).state is State.READY

        assert [one["headers"]["task"] for one in messages(desk)] == [
            "envwright.provision.ready",
            "envwright.provision.instance",
            "envwright.provision.security",
        ]


async def test_a_run_that_fails_sends_for_its_cleanup(begin: Begin, desk: Desk) -> None:
    """In the write that says that it failed."""
    async with begin(spec()) as env:
        await env.shorten_deadline(-1)
        outcome = await env.run(Step.NETWORK)

        assert outcome.failure is not None
        (message,) = messages(desk)
        assert message["headers"]["task"] == "envwright.cleanup.instance"
        assert message["body"][0] == [env.id, env.record.run.id]
        assert env.record.state is State.CLEANING
