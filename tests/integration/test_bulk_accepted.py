"""How a bulk is put on record: at once, in bounded memory, and again after a crash."""

import time
from collections.abc import Iterator, Sequence
from typing import Any, Final

import pytest
import redis

from envwright.acceptance import CHUNK
from envwright.bulk import BulkState
from envwright.client import Client
from envwright.errors import SpecConflict, SpecError, UnknownBulk, UnknownEnvironment
from envwright.priority import Priority
from envwright.spec import EnvironmentSpec
from envwright.states import State
from tests.desk import Desk
from tests.records import queued
from tests.specs import REGION, some, spec, spec_data

SECONDS: Final = 30.0
"""What a thousand may take: they take half a second where nothing else runs."""


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


def test_specs_may_be_plain_data(client: Client) -> None:
    """As `enqueue` takes them. One with a fault is refused before a bulk is on record."""
    bulk = client.enqueue_bulk([spec_data("web-0"), spec("web-1")])
    assert (bulk.total, bulk.state) == (2, BulkState.RUNNING)

    with pytest.raises(SpecError):
        client.enqueue_bulk([spec_data("web-2"), spec_data("web-3", region="mars")])
    assert [one.id for one in client.bulks()] == [bulk.id]
    with pytest.raises(UnknownEnvironment):
        client.status("web-2")


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
    assert states == [State.QUEUED, State.QUEUED, State.DESTROYED]


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
