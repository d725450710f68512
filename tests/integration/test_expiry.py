"""The end of an environment's time to live, against a real Redis: it comes once, and is told of."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from envwright.client import Client
from envwright.expiry import LAST_CALL
from envwright.names import Step
from envwright.record import Event, RunKind
from envwright.runs import expired
from envwright.states import HOLDS_NOTHING, State
from envwright.store import PUBLISH_GRACE
from tasks.expiry import LOOK_AGAIN, carry_out_ends
from tasks.store import Written
from tests.clock import jump
from tests.desk import GRACE, HOUR, WEB, Desk, Moment
from tests.specs import spec


def told(desk: Desk, *types: str) -> list[Event]:
    return [one for one in desk.told() if one.type in types]


def test_an_end_is_counted_from_when_the_environment_was_asked_for(desk: Desk) -> None:
    """It costs money from then on, whatever becomes of building it."""
    with Moment(desk) as then:
        desk.accept(ttl="2h")

    record = desk.record()
    assert record.expiry is not None
    assert then.is_when(record.expires_at, 2 * HOUR)
    assert desk.look_at() == record.expiry.warn_at == pytest.approx(record.expiry.at - 720)


def test_without_a_time_to_live_nobody_looks(desk: Desk) -> None:
    desk.accept()

    assert desk.record().expires_at is None
    assert desk.look_at() is None


def test_an_end_is_told_of_before_it_comes(desk: Desk) -> None:
    """Once, with the time and what puts it off; then it is looked at when it comes."""
    desk.accept(ttl="2h")
    desk.set_fields(state=State.READY)
    expiry = desk.bring_end(600, warned=False)

    assert carry_out_ends(desk.store, 10) == 1
    assert carry_out_ends(desk.store, 10) == 0

    (event,) = told(desk, "expiring")
    assert event.message is not None
    assert "It is destroyed at 20" in event.message
    assert f"`envwright extend {WEB} 2h` puts that off." in event.message
    assert desk.look_at() == desk.record().expires_at == expiry.at
    assert desk.record().state is State.READY


@pytest.mark.parametrize("state", sorted(set(State) - HOLDS_NOTHING - {State.CLEANING}))
async def test_an_end_that_has_come_begins_a_cleanup(desk: Desk, state: State) -> None:
    """Whatever the environment is doing, as if somebody had asked for it; workers are sent for."""
    desk.accept(ttl="2h")
    desk.set_fields(state=state)
    desk.redis.delete(desk.keys.due)
    desk.bring_end(-1, warned=True)

    with Moment(desk) as then:
        carry_out_ends(desk.store, 10)

    record = desk.record()
    assert (record.state, record.step) == (State.CLEANING, Step.INSTANCE)
    assert (record.run.kind, record.run.reason) == (RunKind.CLEANUP, "expired")
    assert record.run.goal is State.DESTROYED
    assert [one.type for one in desk.told()[-2:]] == ["expired", "accepted"]
    assert then.is_when(desk.due(), PUBLISH_GRACE)
    assert desk.look_at() is None
    desk.make_due()
    assert [one.run_id for one in await desk.worker.take_due(10, GRACE)] == [record.run.id]


async def test_an_end_takes_the_place_of_a_build_under_way(desk: Desk) -> None:
    """The worker that is at it learns so from its next write, as by a `destroy`."""
    hold = await desk.accept_and_claim()
    desk.bring_end(-1, warned=True)

    carry_out_ends(desk.store, 10)

    assert await desk.worker.advance(hold, {"state": "ready"}, [], None) is Written.REPLACED
    assert desk.record().state is State.CLEANING


@pytest.mark.parametrize("warned", [False, True])
def test_two_sweepers_do_it_once(desk: Desk, warned: bool) -> None:
    """Also where both have seen the same record: each of many workers sweeps."""
    names = [f"web-{number}" for number in range(20)]
    for name in names:
        desk.accept(name, ttl="2h")
        desk.bring_end(-1 if warned else 60, warned=warned, environment_id=f"{name}.eu-west-1")
    sweepers = [desk.another_store() for _ in range(4)]
    seen = [sweeper.read([f"{name}.eu-west-1" for name in names]) for sweeper in sweepers]

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda one: carry_out_ends(one, 10), sweepers))
        list(threads.map(lambda one: carry_out_ends(one, 10), sweepers))
    # One that had seen the records before, and was slow.
    late = [one for records in seen for one in records if one is not None]
    if warned:
        assert not any(desk.store.accept([expired(one, desk.store.now()) for one in late]))

    sort = "expired" if warned else "expiring"
    for name in names:
        history = desk.told(f"{name}.eu-west-1")
        assert [one.type for one in history].count(sort) == 1


def test_an_end_that_nobody_was_warned_of_is_put_off(desk: Desk) -> None:
    """All workers were away, or the clock jumped ahead: it is told first, and comes a bit later."""
    desk.accept(ttl="2h")
    desk.set_fields(state=State.READY)
    desk.bring_end(-HOUR, warned=False)

    with Moment(desk) as then:
        carry_out_ends(desk.store, 10)

    assert desk.record().state is State.READY
    assert [one.type for one in desk.told()[1:]] == ["expiring"]
    assert then.is_when(desk.look_at(), LAST_CALL)
    assert desk.look_at() == desk.record().expires_at


def test_an_end_that_was_warned_of_comes_however_late(desk: Desk) -> None:
    """All workers were away when it passed: the first that starts again carries it out."""
    desk.accept(ttl="2h")
    desk.bring_end(-100 * HOUR, warned=True)

    carry_out_ends(desk.store, 10)

    assert desk.record().run.reason == "expired"


async def test_a_clock_that_was_set_back_brings_no_end_early(desk: Desk) -> None:
    """Unlike what is due, it is not moved along: it is a time that people were told."""
    desk.accept(ttl="2h")
    expiry = desk.bring_end(600, warned=True)
    await desk.worker.take_due(100, GRACE)
    carry_out_ends(desk.store, 10)

    jump(desk.redis, desk.keys, -HOUR)
    await desk.worker.take_due(100, GRACE)
    carry_out_ends(desk.store, 10)

    assert expiry.at is not None
    assert desk.record().state is State.QUEUED
    assert desk.record().expires_at == pytest.approx(expiry.at + HOUR, abs=0.01)


async def test_an_end_is_not_forgotten_with_what_is_due(desk: Desk) -> None:
    """A worker forgets what it finds at rest in `due`, of version 0.1.0 too."""
    desk.accept(ttl="2h")
    desk.set_fields(state=State.READY)
    desk.make_due()

    assert await desk.worker.take_due(100, GRACE) == []

    assert desk.due() is None
    assert desk.look_at() is not None


def test_a_cleanup_under_way_is_waited_for(desk: Desk) -> None:
    """There is nothing to do, unless it fails and nobody tries it again."""
    desk.accept(ttl="2h")
    desk.bring_end(-1, warned=True)
    desk.set_fields(state=State.CLEANING)

    with Moment(desk) as then:
        carry_out_ends(desk.store, 10)

    assert then.is_when(desk.look_at(), LOOK_AGAIN)
    assert told(desk, "expired") == []

    desk.set_fields(state=State.CLEANUP_FAILED)
    desk.redis.zadd(desk.keys.expiries, {WEB: 0})
    carry_out_ends(desk.store, 10)

    record = desk.record()
    assert (record.run.reason, record.run.thorough) == ("expired", True)


@pytest.mark.parametrize("state", [State.CLEANING, State.CLEANUP_FAILED])
def test_of_what_is_being_taken_down_nobody_is_warned(desk: Desk, state: State) -> None:
    """Nobody could put its end off; it comes all the same, should the cleanup not succeed."""
    desk.accept(ttl="2h")
    expiry = desk.bring_end(600, warned=False)
    desk.set_fields(state=state)

    carry_out_ends(desk.store, 10)

    assert told(desk, "expiring") == []
    assert desk.look_at() == expiry.at


@pytest.mark.parametrize("state", [State.CLEANED, State.DESTROYED])
@pytest.mark.parametrize("warned", [False, True])
def test_what_is_gone_comes_to_no_end(desk: Desk, state: State, warned: bool) -> None:
    desk.accept(ttl="2h")
    desk.bring_end(-1, warned=warned)
    desk.set_fields(state=state)

    carry_out_ends(desk.store, 10)

    assert desk.record().state is state
    assert desk.look_at() is None
    assert told(desk, "expiring", "expired") == []


def test_what_cannot_be_read_is_in_nobodys_way(desk: Desk) -> None:
    """A record of a newer caller is left to newer workers; one that is lost is forgotten."""
    desk.accept(ttl="2h")
    desk.bring_end(-1, warned=True)
    desk.make_newer()
    desk.redis.zadd(desk.keys.expiries, {"gone.eu-west-1": 0})

    with Moment(desk) as then:
        assert carry_out_ends(desk.store, 1) == 0
        assert carry_out_ends(desk.store, 1) == 1

    assert then.is_when(desk.look_at(), LOOK_AGAIN)
    assert desk.look_at("gone.eu-west-1") is None


def test_the_same_spec_again_leaves_the_end_where_it_is(desk: Desk, client: Client) -> None:
    """Else a service that asks for the same every minute would keep it alive for ever."""
    desk.accept(ttl="2h")
    client.extend(WEB, by=HOUR)
    before = desk.record()

    assert not client.enqueue(spec(ttl="2h")).accepted
    assert desk.record() == before


@pytest.mark.parametrize(("state", "begins_anew"), [(State.FAILED, False), (State.CLEANED, True)])
def test_a_retry_moves_the_end_of_what_is_built_anew(
    desk: Desk, client: Client, state: State, begins_anew: bool
) -> None:
    """What was held has been there all the time, and its end stays."""
    desk.accept(ttl="2h")
    expiry = desk.bring_end(60, warned=False)
    desk.set_fields(state=state)

    with Moment(desk) as then:
        client.retry(WEB)

    record = desk.record()
    if begins_anew:
        assert then.is_when(record.expires_at, 2 * HOUR)
        assert record.expiry is not None
        assert desk.look_at() == record.expiry.warn_at
    else:
        assert record.expiry == expiry


def test_a_name_that_is_used_again_has_an_end_of_its_own(desk: Desk, client: Client) -> None:
    desk.accept(ttl="2h")
    desk.set_fields(state=State.DESTROYED)

    client.enqueue(spec())

    assert (desk.record().expires_at, desk.look_at()) == (None, None)
