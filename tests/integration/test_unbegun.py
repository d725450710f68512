"""What waits in line unbegun ends in one write: there is nothing in AWS to be taken down."""

import asyncio

import pytest
import redis

from envwright.client import Client
from envwright.names import Step
from envwright.new_run import CLEANUP_DEADLINE
from envwright.record import RESOURCE_FIELD, ResourceRecord, ResourceState, RunKind
from envwright.states import State
from envwright.store import Store
from tasks.expiry import carry_out_ends
from tasks.network import VPC
from tasks.store import Claimed, Hold, Refusal, Written
from tests.clock import jump
from tests.cloud import Cloud
from tests.desk import GRACE, HOUR, Desk, Moment
from tests.everything import EVERYTHING
from tests.harness import Environment
from tests.integration.conftest import Begin
from tests.records import changing, queued
from tests.specs import REGION, some, spec


def bulk_of(env: Environment, **changes: str) -> str:
    """A bulk with one member, which waits in line; its id is that of the environment."""
    wanted = EVERYTHING | {"name": "member", **changes}
    env.client.enqueue_bulk([wanted])
    return f"member.{REGION}"


@pytest.mark.parametrize(("request_", "state"), [("destroy", "destroyed"), ("cancel", "cleaned")])
async def test_it_ends_without_a_worker_and_without_a_call(
    begin: Begin, cloud: Cloud, request_: str, state: str
) -> None:
    """At rest as soon as it was asked for, told in its events, and nobody looks at it again."""
    async with begin(EVERYTHING) as env:
        member = env.beside(bulk_of(env))
        first = member.record.run.id
        ticket = getattr(env.client, request_)(member.id)

        record = member.record
        assert (ticket.accepted, ticket.state, record.state) == (True, state, state)
        assert (record.run.id, record.run.kind) == (ticket.run_id, RunKind.CLEANUP)
        assert await member.due() == [env.id]
        told = env.client.events(member.id)[-1]
        assert (told.run, told.state) == (ticket.run_id, state)
        assert told.message == "Nothing of it had been begun."
        assert await env.worker.store.claim(member.id, first, Step.NETWORK, 60) is Refusal.STALE
        again = getattr(env.client, request_)(member.id)
        assert (again.accepted, again.run_id) == (False, ticket.run_id)
        assert cloud.journal == []


def test_of_a_bulk_that_waits_nobody_is_sent_for(
    desk: Desk, client: Client, database: redis.Redis
) -> None:
    """However many there are: a write for each, and no message; and they are counted as ended."""
    bulk = client.enqueue_bulk(some(600))

    answer = client.destroy_bulk(bulk.id)

    assert (answer.accepted, answer.refused) == (600, {})
    now = client.bulk(bulk.id)
    assert (now.states, now.waiting, now.under_way) == ({State.DESTROYED: 600}, 0, 0)
    assert now.finished_at is not None
    assert queued(client, database) == 0
    assert database.exists(desk.keys.due, desk.keys.expiries) == 0


async def test_an_end_that_comes_in_line_asks_no_worker(desk: Desk, client: Client) -> None:
    """Somebody has moved it to a time before it was let in."""
    client.enqueue_bulk([spec()])
    client.extend("web", by=HOUR)
    desk.bring_end(-1, warned=True)

    carry_out_ends(desk.store, 10)

    record = desk.record()
    assert (record.state, record.run.reason) == (State.DESTROYED, "expired")
    assert [one.type for one in desk.told()[-3:]] == ["expired", "accepted", "state"]
    assert (desk.due(), desk.look_at()) == (None, None)


@pytest.mark.parametrize("request_", ["destroy", "cancel"])
def test_what_ended_in_line_comes_to_no_end_again(
    desk: Desk, client: Client, request_: str
) -> None:
    """Nobody looks at the end that somebody had moved."""
    client.enqueue_bulk([spec(ttl="2h")])
    client.extend("web", by=HOUR)
    assert desk.look_at() is not None

    getattr(client, request_)("web")

    expiry = desk.record().expiry
    assert expiry is not None
    assert (expiry.at, desk.look_at()) == (None, None)


@pytest.mark.parametrize(
    ("left", "state"),
    [(ResourceState.INTENDED, State.CLEANING), (ResourceState.GONE, State.DESTROYED)],
)
async def test_what_an_earlier_run_left_is_taken_down_by_a_worker(
    desk: Desk, client: Client, left: ResourceState, state: State
) -> None:
    """A member that was held, and waits for its retry, may have something in AWS."""
    bulk = client.enqueue_bulk([spec(on_failure="hold")])
    belief = ResourceRecord(state=left, at=1.0).model_dump_json()
    desk.set_fields(state=State.FAILED, **{f"{RESOURCE_FIELD}{VPC}": belief})
    client.retry_bulk(bulk.id)
    assert desk.record().waits_in_line

    assert client.destroy("web").state is state
    assert (desk.due() is not None) == (state is State.CLEANING)


async def test_who_is_let_in_meanwhile_is_taken_down_by_a_worker(
    desk: Desk, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look at the record and the write, a worker has begun it: a cleanup follows."""
    client.enqueue_bulk([spec()])
    run, loop = desk.record().run, asyncio.get_running_loop()
    claims: list[Claimed | Refusal] = []

    async def begun() -> None:
        await desk.let_in()
        claims.append(await desk.ask("web", run.id))

    def begin() -> None:
        asyncio.run_coroutine_threadsafe(begun(), loop).result(10)

    monkeypatch.setattr(Store, "accept", changing(begin))

    ticket = await asyncio.to_thread(client.destroy, "web")

    assert isinstance(claims[0], Claimed)
    assert ticket.state is State.CLEANING
    assert desk.record().run.id == ticket.run_id
    assert [one.state for one in desk.told() if one.type == "state"] == [State.PROVISIONING]


async def test_a_worker_and_a_destroy_at_once_have_one_winner(desk: Desk, client: Client) -> None:
    """Whichever it is: what was begun gets a cleanup run, and what ended cannot be claimed."""
    names = [f"web-{n}" for n in range(60)]
    client.enqueue_bulk(some(60))
    runs = [desk.record(f"{name}.{REGION}").run for name in names]

    destroying = asyncio.gather(*(asyncio.to_thread(client.destroy, name) for name in names))
    claims = {}
    while not destroying.done():
        for one in await desk.line.admit(lambda _: 2, GRACE):
            name = one.environment_id.split(".")[0]
            claims[name] = await desk.ask(name, one.run_id)
    tickets = await destroying

    assert len(claims) > 0
    for name, run, ticket in zip(names, runs, tickets, strict=True):
        record = desk.record(f"{name}.{REGION}")
        assert (record.state, record.run.id) == (ticket.state, ticket.run_id)
        assert isinstance(claims.get(name), Claimed) <= (ticket.state is State.CLEANING)
        assert (desk.due(record.environment_id) is None) == (ticket.state is State.DESTROYED)
        assert await desk.ask(name, run.id) in (Refusal.STALE, Refusal.BUSY)


async def test_a_claim_that_a_failover_has_lost_is_made_up_for(desk: Desk, client: Client) -> None:
    """The record that came back still had it in line, and it was ended there; but the worker lives
    that has begun it, and what it has made is taken down."""
    client.enqueue_bulk([spec()])
    key = desk.keys.record("web.eu-west-1")
    copy = desk.redis.hgetall(key)
    await desk.let_in()
    claimed = await desk.ask("web", copy["run_id"])
    assert isinstance(claimed, Claimed)
    desk.redis.delete(key)
    desk.redis.hset(key, mapping=copy)
    ended = client.destroy("web")
    assert ended.state is State.DESTROYED
    jump(desk.redis, desk.keys, 5 * HOUR)

    hold = Hold("web.eu-west-1", copy["run_id"], claimed.epoch)
    with Moment(desk) as then:
        assert await desk.worker.advance(hold, {"state": "ready"}, [], None) is Written.LOST

    record = desk.record()
    assert then.is_when(record.run.deadline_at, CLEANUP_DEADLINE)
    assert (record.state, record.step, record.run.id) == (
        State.CLEANING,
        Step.INSTANCE,
        ended.run_id,
    )
    assert [one.run_id for one in await desk.worker.take_due(10, GRACE)] == [ended.run_id]
    again = await desk.worker.claim("web.eu-west-1", ended.run_id, Step.INSTANCE, 60)
    assert isinstance(again, Claimed)
