"""A bulk: many environments counted, paused, retried and taken down as one thing."""

import pytest
import redis

from envwright.bulk import BulkState
from envwright.client import Client
from envwright.failure import Failure, FailureCategory
from envwright.names import Step
from envwright.record import RunKind
from envwright.states import State
from tasks.store import Claimed, Refusal
from tests.clock import jump
from tests.desk import GRACE, HOUR, Desk, Moment
from tests.records import queued
from tests.specs import REGION, some, spec


def failed(category: FailureCategory = FailureCategory.SPEC) -> str:
    return Failure(category=category, message="It failed.", step=Step.NETWORK).model_dump_json()


async def test_it_is_counted_as_it_goes(desk: Desk, client: Client) -> None:
    """From the first that is let in to the last that comes to rest."""
    desk.limit_to(2)
    bulk = client.enqueue_bulk(some(4))
    assert await desk.let_in() == ["web-0", "web-1"]
    run = client.status("web-0").run
    found = await desk.ask("web-0", run.id)
    assert isinstance(found, Claimed)

    now = client.bulk(bulk.id)
    assert (now.waiting, now.under_way, now.at_rest) == (2, 2, 0)
    assert now.started_at is not None

    desk.end("web-0")
    desk.end("web-1", State.CLEANED, failure=failed())
    assert await desk.let_in() == ["web-2", "web-3"]
    desk.end("web-2", State.FAILED, failure=failed())
    desk.end("web-3", State.CLEANUP_FAILED, cleanup_failure=failed())
    desk.set_fields(f"web-3.{REGION}", updated_at=client.now())

    done = client.bulk(bulk.id)
    assert (done.state, done.failed, done.at_rest) == (BulkState.DONE, 3, 4)
    assert done.finished_at == pytest.approx(client.now(), abs=5)
    members = list(client.bulk_members(bulk.id))
    assert [one.state for one in members] == [
        State.READY,
        State.CLEANED,
        State.FAILED,
        State.CLEANUP_FAILED,
    ]
    assert [one.failure is not None for one in members] == [False, True, True, True]


async def test_it_says_when_a_worker_was_last_seen(desk: Desk, client: Client) -> None:
    """By the last sweep, whatever that found: nothing happens in a bulk without one."""
    bulk = client.enqueue_bulk([spec()])
    assert client.bulk(bulk.id).swept_at is None

    with Moment(desk) as then:
        await desk.worker.take_due(10, GRACE)

    assert then.is_when(client.bulk(bulk.id).swept_at)


async def test_a_paused_bulk_lets_nobody_in(desk: Desk, client: Client) -> None:
    """Not from the line, nor by a message that was sent before; what was begun goes on, and so do
    the runs of others."""
    desk.limit_to(2)
    bulk = client.enqueue_bulk(some(4))
    assert await desk.let_in() == ["web-0", "web-1"]
    begun, sent = (client.status(f"web-{n}").run for n in range(2))
    await desk.ask("web-0", begun.id)

    paused = client.pause_bulk(bulk.id)

    assert (paused.state, paused.paused_because) == (BulkState.PAUSED, None)
    desk.end_lease(f"web-0.{REGION}")
    again = await desk.ask("web-0", begun.id)
    assert isinstance(again, Claimed)
    back = await desk.ask("web-1", sent.id)
    assert back is Refusal.IN_LINE
    assert desk.told(f"web-1.{REGION}")[-1].message == "Its bulk is paused: it waits in line."
    assert await desk.let_in() == []
    await desk.arrive("other")
    assert desk.record(f"other.{REGION}").state is State.PROVISIONING

    client.resume_bulk(bulk.id)
    desk.limit_to(9)
    assert await desk.let_in() == ["web-2", "web-3", "web-1"]


async def test_who_goes_back_to_the_line_has_all_its_time_again(desk: Desk, client: Client) -> None:
    """As often as that happens: only what it waited is added, and each time once."""
    bulk = client.enqueue_bulk(some(1))
    limit = client.status("web-0").run.limit
    for _ in range(3):
        jump(desk.redis, desk.keys, HOUR)
        assert await desk.let_in() == ["web-0"]
        run = client.status("web-0").run
        assert run.limit == pytest.approx(limit)
        assert run.deadline_at == pytest.approx(client.now() + limit, abs=10)
        client.pause_bulk(bulk.id)
        answer = await desk.ask("web-0", run.id)
        assert answer is Refusal.IN_LINE
        client.resume_bulk(bulk.id)


async def test_it_pauses_by_itself_when_too_many_have_failed(desk: Desk, client: Client) -> None:
    """Failures that somebody cancelled do not count. Resumed, it counts anew."""
    desk.limit_to(3)
    bulk = client.enqueue_bulk(some(9), max_failures=1)
    assert await desk.let_in() == ["web-0", "web-1", "web-2"]
    desk.end("web-0", State.CLEANED, failure=failed(FailureCategory.CANCELLED))
    desk.end("web-1", State.FAILED, failure=failed())
    assert await desk.let_in() == ["web-3", "web-4"]
    assert client.bulk(bulk.id).failures == 1

    desk.end("web-2", State.CLEANED, failure=failed())
    assert await desk.let_in() == []

    paused = client.bulk(bulk.id)
    assert (paused.state, paused.failures) == (BulkState.PAUSED, 2)
    assert paused.paused_because == (
        "more than 1 of its members failed since it was begun or resumed."
    )
    resumed = client.resume_bulk(bulk.id)
    assert (resumed.state, resumed.failures) == (BulkState.RUNNING, 0)
    assert await desk.let_in() == ["web-5"]


async def test_what_was_let_in_is_held_back_too_when_too_many_have_failed(
    desk: Desk, client: Client
) -> None:
    """A bulk that fits in as a whole has nobody in line: those whose messages wait go back."""
    bulk = client.enqueue_bulk(some(2), max_failures=0)
    assert await desk.let_in() == ["web-0", "web-1"]
    desk.end("web-0", State.FAILED, failure=failed())
    assert await desk.let_in() == []

    run = client.status("web-1").run
    answer = await desk.ask("web-1", run.id)

    assert answer is Refusal.IN_LINE
    assert client.bulk(bulk.id).state is BulkState.PAUSED


async def test_a_retry_puts_the_failed_in_line_again(desk: Desk, client: Client) -> None:
    """They begin when there is room. One whose cleanup failed is cleaned up, at once."""
    bulk = client.enqueue_bulk(some(4))
    await desk.let_in()
    desk.end("web-0")
    desk.end("web-1", State.FAILED, failure=failed())
    desk.end("web-2", State.CLEANED, failure=failed())
    desk.end("web-3", State.CLEANUP_FAILED, failure=failed())
    client.pause_bulk(bulk.id)

    answer = client.retry_bulk(bulk.id)

    assert (answer.accepted, answer.refused) == (3, {})
    now = client.bulk(bulk.id)
    assert now.state is BulkState.RUNNING
    assert now.states == {State.READY: 1, State.QUEUED: 2, State.CLEANING: 1}
    assert (now.total, now.waiting) == (4, 2)
    assert client.status("web-3").run.kind is RunKind.CLEANUP
    assert await desk.let_in() == ["web-1", "web-2"]
    assert client.status("web-1").run.bulk == bulk.id
    members = [one.environment_id for one in client.bulk_members(bulk.id)]
    assert members == [f"web-{n}.{REGION}" for n in range(4)]


async def test_taken_down_nothing_of_it_is_begun_any_more(
    desk: Desk, client: Client, database: redis.Redis
) -> None:
    """What was let in is taken down by a worker; what waits has ended already, and no message is
    sent for it."""
    desk.limit_to(2)
    bulk = client.enqueue_bulk(some(4))
    await desk.let_in()
    begun, sent = (client.status(f"web-{n}").run for n in range(2))
    await desk.ask("web-0", begun.id)

    answer = client.destroy_bulk(bulk.id)

    assert (answer.accepted, answer.refused) == (4, {})
    assert client.bulk(bulk.id).states == {State.CLEANING: 2, State.DESTROYED: 2}
    assert client.bulk(bulk.id).paused_at is not None
    assert await desk.let_in() == []
    assert await desk.ask("web-1", sent.id) is Refusal.STALE
    assert queued(client, database) == 2
    assert [one.waits_in_line for one in client.environments()] == [False] * 4
    assert database.exists(desk.keys.line(REGION, bulk.id), desk.keys.areas) == 0
    for n in range(2):
        desk.end(f"web-{n}", State.DESTROYED)
    now = client.bulk(bulk.id)
    assert (now.state, now.failures, now.at_rest) == (BulkState.DONE, 0, 4)
