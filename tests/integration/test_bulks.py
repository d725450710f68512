"""A bulk: many environments asked for, counted, paused, retried and taken down as one thing."""

import time
from collections.abc import Iterator, Sequence
from typing import Any, Final

import pytest
import redis

from envwright.acceptance import CHUNK
from envwright.bulk import BulkState
from envwright.client import Client
from envwright.errors import SpecConflict, UnknownBulk
from envwright.failure import Failure, FailureCategory
from envwright.names import Step
from envwright.priority import Priority
from envwright.record import RunKind
from envwright.spec import EnvironmentSpec
from envwright.states import State
from tasks.store import Claimed, Refusal
from tests.clock import jump
from tests.desk import HOUR, Desk
from tests.records import queued
from tests.specs import REGION, spec

SECONDS: Final = 30.0
"""What a thousand may take: they take half a second where nothing else runs."""


def some(count: int, **changes: Any) -> Iterator[EnvironmentSpec]:
    return (spec(f"web-{n}", **changes) for n in range(count))


def failed(category: FailureCategory = FailureCategory.SPEC) -> str:
    return Failure(category=category, message="It failed.", step=Step.NETWORK).model_dump_json()


def test_a_bulk_is_accepted_without_a_message(client: Client, database: redis.Redis) -> None:
    """Each member is on record, in line and not due; the bulk says how many there are."""
    told: list[int] = []

    bulk = client.enqueue_bulk(
        some(3), name="shops", max_failures=7, told=lambda answers: told.append(len(answers))
    )

    assert (bulk.name, bulk.priority, bulk.max_failures) == ("shops", Priority.LOW, 7)
    assert (bulk.total, bulk.waiting, bulk.under_way, bulk.at_rest) == (3, 3, 0, 0)
    assert (bulk.state, bulk.states) == (BulkState.RUNNING, {State.QUEUED: 3})
    assert (bulk.started_at, bulk.finished_at) == (None, None)
    assert told == [3]
    assert queued(client, database) == 0
    assert database.zcard(client.settings.keys.due) == 0
    runs = [client.status(f"web-{n}").run for n in range(3)]
    assert [(run.bulk, run.priority, run.flow) for run in runs] == [
        (bulk.id, Priority.LOW, bulk.id)
    ] * 3
    assert [one.environment_id for one in client.bulk_members(bulk.id)] == [
        f"web-{n}.{REGION}" for n in range(3)
    ]
    assert [one.id for one in client.bulks()] == [bulk.id]


def test_what_is_refused_or_there_already_is_no_member(client: Client) -> None:
    """And keeps none of the others from being accepted; nor is it taken down with them."""
    client.enqueue(spec("web-0"))
    client.enqueue(spec("web-1", tags={"of": "somebody else"}))
    answers: list[Any] = []

    bulk = client.enqueue_bulk(some(3), told=answers.extend)

    assert (bulk.total, bulk.refused, bulk.existing) == (1, 1, 1)
    assert [one.accepted for one in (answers[0], answers[2])] == [False, True]
    assert isinstance(answers[1], SpecConflict)
    assert dict(client.bulk_refusals(bulk.id)) == {f"web-1.{REGION}": str(answers[1])}
    client.destroy_bulk(bulk.id)
    states = [client.status(f"web-{n}").state for n in range(3)]
    assert states == [State.QUEUED, State.QUEUED, State.CLEANING]


def test_who_becomes_a_member_later_is_counted_as_one_alone(desk: Desk, client: Client) -> None:
    """When the same bulk is asked for again, the first answer is no longer true."""
    desk.accept("web-0")
    desk.replace(f"web-0.{REGION}")
    desk.accept("web-1")
    bulk = client.enqueue_bulk(some(3))
    assert (bulk.total, bulk.refused, bulk.existing) == (1, 1, 1)
    for name in ("web-0", "web-1"):
        desk.end(name, State.DESTROYED)

    again = client.enqueue_bulk(some(3), bulk_id=bulk.id)

    assert (again.total, again.refused, again.existing) == (3, 0, 0)


def test_after_a_crash_half_way_the_same_bulk_goes_on(client: Client) -> None:
    """The same id and specs make no second runs; until all are accepted, the bulk is open."""

    def breaking_off() -> Iterator[EnvironmentSpec]:
        yield from some(600)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        client.enqueue_bulk(breaking_off(), name="shops", bulk_id="mine")
    half = client.bulk("mine")
    assert (half.total, half.state) == (500, BulkState.OPEN)
    first = client.status("web-0").run.id

    states: list[BulkState] = []
    for _ in range(2):
        bulk = client.enqueue_bulk(
            some(600),
            name="another name",
            bulk_id="mine",
            told=lambda _: states.append(client.bulk("mine").state),
        )

    assert (bulk.total, bulk.existing, bulk.waiting) == (600, 0, 600)
    assert (bulk.state, bulk.name) == (BulkState.RUNNING, "shops")
    assert bulk.created_at == half.created_at
    assert client.status("web-0").run.id == first
    assert states == [BulkState.OPEN] * 4


def test_a_thousand_are_accepted_in_seconds_and_bounded_memory(
    client: Client, database: redis.Redis
) -> None:
    """However many there are: specs are taken up as they are written down, and Redis holds little
    of them beside their records."""
    taken = answered = ahead = 0

    def counted() -> Iterator[EnvironmentSpec]:
        nonlocal taken
        for taken, one in enumerate(some(1200), 1):  # noqa: B007 - read by the other function
            yield one

    def told(answers: Sequence[Any]) -> None:
        nonlocal answered, ahead
        ahead = max(ahead, taken - answered)
        answered += len(answers)

    begun = time.monotonic()
    bulk = client.enqueue_bulk(counted(), told=told)

    assert time.monotonic() - begun < SECONDS
    assert (bulk.total, bulk.waiting, answered) == (1200, 1200, 1200)
    assert ahead == CHUNK
    keys = client.settings.keys
    beside = [keys.bulk_members(bulk.id), keys.line(REGION, bulk.id), keys.bulk(bulk.id)]
    held = sum(database.memory_usage(key, samples=0) or 0 for key in beside)
    assert held / 1200 < 250


@pytest.mark.parametrize("bulk_id", ["low", "a b", "x" * 65, "a:b"])
def test_what_can_be_no_id_is_refused(client: Client, bulk_id: str) -> None:
    with pytest.raises(ValueError, match="cannot be the id of a bulk"):
        client.enqueue_bulk(some(1), bulk_id=bulk_id)
    assert list(client.bulks()) == []


@pytest.mark.parametrize("most", [-1, True, 2.5, "3"])
def test_failures_that_cannot_be_counted_are_refused(client: Client, most: Any) -> None:
    """Before anything is written: a bulk that cannot be read would hide all others."""
    with pytest.raises(ValueError, match="must be a whole number from 0 on"):
        client.enqueue_bulk(some(1), max_failures=most)
    assert list(client.bulks()) == []


def test_an_unknown_bulk_is_refused_by_everything(client: Client) -> None:
    for ask in (
        client.bulk,
        client.pause_bulk,
        client.resume_bulk,
        client.retry_bulk,
        client.destroy_bulk,
        lambda one: [*client.bulk_members(one)],
        lambda one: [*client.bulk_refusals(one)],
    ):
        with pytest.raises(UnknownBulk, match="There is no bulk nobody's"):
            ask("nobody's")


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
    """What runs and what waits is taken down; those that are protected are refused, and named."""
    desk.limit_to(1)
    bulk = client.enqueue_bulk(some(3))
    await desk.let_in()

    answer = client.destroy_bulk(bulk.id)

    assert (answer.accepted, answer.refused) == (3, {})
    assert client.bulk(bulk.id).states == {State.CLEANING: 3}
    assert client.bulk(bulk.id).paused_at is not None
    assert await desk.let_in() == []
    assert queued(client, database) == 3
    assert database.exists(desk.keys.line(REGION, bulk.id), desk.keys.areas) == 0
    for n in range(3):
        desk.end(f"web-{n}", State.DESTROYED)
    assert client.bulk(bulk.id).state is BulkState.DONE
