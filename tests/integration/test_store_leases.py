"""The scripts by which a worker claims, writes and renews: who has no lease changes nothing."""

import asyncio
from collections.abc import Callable

import pytest

from envwright.names import Step
from envwright.record import RESOURCE_FIELD, Event, ResourceRecord, ResourceState
from envwright.record_fields import record_from_fields
from envwright.states import AT_REST, State
from tasks.store import Claimed, Refusal, Written
from tests.desk import LEASE, WEB, Desk, Moment


async def test_a_claim_gives_the_record_a_new_epoch_and_a_lease(desk: Desk) -> None:
    """Whoever claims is told the record as of now, and is due when the lease ends."""
    run = desk.accept()

    with Moment(desk) as then:
        claimed = await desk.worker.claim(WEB, run.id, Step.NETWORK, LEASE)

    assert isinstance(claimed, Claimed)
    assert desk.field("epoch") == str(claimed.epoch)
    assert then.is_when(claimed.now)
    record = record_from_fields(WEB, claimed.fields)
    assert record == desk.record()
    assert (record.state, record.attempt) == (State.PROVISIONING, 1)
    assert desk.field("lease_owner") == "test-worker"
    assert then.is_when(desk.lease_until(), LEASE)
    assert desk.due() == desk.lease_until()
    assert [(one.type, one.state, one.step) for one in desk.told()[1:]] == [
        ("state", State.PROVISIONING, None),
        ("step", "started", Step.NETWORK),
    ]


async def test_each_claim_has_a_higher_epoch(desk: Desk) -> None:
    """Also after a worker was lost: its successor's writes are told from its own."""
    run = desk.accept()
    first = await desk.claim(run)
    desk.end_lease()

    second = await desk.claim(run)

    assert second.epoch > first.epoch
    assert desk.record().attempt == 2


async def test_of_many_that_claim_at_once_one_gets_the_lease(desk: Desk) -> None:
    """A message that came many times is done once."""
    run = desk.accept()

    answers = await asyncio.gather(
        *(desk.worker.claim(WEB, run.id, Step.NETWORK, LEASE) for _ in range(20))
    )

    assert sum(isinstance(one, Claimed) for one in answers) == 1
    assert answers.count(Refusal.BUSY) == 19
    assert desk.record().attempt == 1


async def test_an_epoch_that_a_failover_has_lost_is_not_drawn_again(desk: Desk) -> None:
    """Its holder may live, in the same worker even, and must not write under its successor's."""
    run = desk.accept()
    copy = desk.redis.hgetall(desk.keys.record(WEB))
    lost = await desk.claim(run)
    desk.redis.delete(desk.keys.record(WEB))
    desk.redis.hset(desk.keys.record(WEB), mapping=copy)

    successor = await desk.claim(run)

    assert successor.epoch != lost.epoch
    assert await desk.worker.note(lost, {"state": "lost"}) is Written.LOST
    assert await desk.worker.advance(lost, {}, [], None) is Written.LOST
    assert await desk.worker.renew([lost, successor], LEASE) == [Written.LOST, Written.RENEWED]


async def test_an_epoch_grows_while_the_clock_goes_back(desk: Desk) -> None:
    """A record from an hour ahead is claimed with the next number, and not with an older one."""
    run = desk.accept()
    ahead = int((desk.store.now() + 3600) * 1_000_000)
    desk.set_fields(epoch=ahead)

    assert (await desk.claim(run)).epoch == ahead + 1


def missing(desk: Desk) -> None:
    desk.redis.delete(desk.keys.record(WEB))
    desk.make_due()


def foreign(desk: Desk) -> None:
    desk.make_newer()


def stale(desk: Desk) -> None:
    desk.replace()


def elsewhere(desk: Desk) -> None:
    desk.set_fields(step=Step.SECURITY)


def busy(desk: Desk) -> None:
    desk.set_fields(lease_until=desk.store.now() + 60)


@pytest.mark.parametrize("case", [missing, foreign, stale, elsewhere, busy])
async def test_a_claim_that_is_refused_changes_nothing(
    desk: Desk, case: Callable[[Desk], None]
) -> None:
    """And it says why. What has no record is not looked at again."""
    run = desk.accept()
    case(desk)
    before = desk.everything()
    if case is missing:
        del before[desk.keys.due]

    answer = await desk.worker.claim(WEB, run.id, Step.NETWORK, LEASE)

    assert answer is Refusal(case.__name__)
    assert desk.everything() == before


@pytest.mark.parametrize("state", sorted(AT_REST))
async def test_what_is_at_rest_is_not_claimed(desk: Desk, state: State) -> None:
    """Only a caller moves an environment out of these states."""
    run = desk.accept()
    desk.set_fields(state=state)
    before = desk.everything()

    assert await desk.worker.claim(WEB, run.id, Step.NETWORK, LEASE) is Refusal.DONE
    assert desk.everything() == before


async def test_a_note_writes_and_keeps_the_lease(desk: Desk) -> None:
    """Fields and events in one go; neither the lease nor what is due moves."""
    hold = await desk.accept_and_claim()
    lease, due = desk.lease_until(), desk.due()
    told = Event(type="resource", run=hold.run_id, resource="network/vpc/main")

    answer = await desk.worker.note(hold, {"lookup:zones": '["a"]'}, [told])

    assert answer is Written.WRITTEN
    assert desk.record().lookups == {"zones": ["a"]}
    assert desk.told()[-1].resource == "network/vpc/main"
    assert (desk.lease_until(), desk.due()) == (lease, due)


async def test_writes_of_an_older_epoch_change_nothing(desk: Desk) -> None:
    """A worker that was frozen past its lease wakes up and cannot spoil its successor's work."""
    run = desk.accept()
    old = await desk.claim(run)
    desk.end_lease()
    await desk.claim(run)
    before = desk.everything()
    told = [Event(type="resource", run=run.id)]

    answers = [
        await desk.worker.note(old, {"state": "ready"}, told),
        await desk.worker.advance(old, {"state": "ready"}, told, None),
        *await desk.worker.renew([old], LEASE),
    ]

    assert answers == [Written.LOST] * 3
    assert desk.everything() == before


@pytest.mark.parametrize("delay", [0.0, 30.0])
async def test_advancing_gives_the_lease_back_and_is_due_after_the_delay(
    desk: Desk, delay: float
) -> None:
    """The next step can be claimed at once, and is looked at again if nobody does."""
    hold = await desk.accept_and_claim()
    told = Event(type="step", run=hold.run_id, state="finished")

    with Moment(desk) as then:
        answer = await desk.worker.advance(hold, {"step": "security"}, [told], delay)

    assert answer is Written.WRITTEN
    assert (desk.lease_until(), desk.field("lease_owner")) == (0, "")
    assert then.is_when(desk.due(), delay)
    assert desk.record().step is Step.SECURITY
    assert desk.told()[-1].state == "finished"
    claimed = await desk.worker.claim(WEB, hold.run_id, Step.SECURITY, LEASE)
    assert isinstance(claimed, Claimed)


async def test_what_ends_is_never_due_again(desk: Desk) -> None:
    """With the run's last write it leaves the set."""
    hold = await desk.accept_and_claim()

    await desk.worker.advance(hold, {"state": State.READY}, [], None)

    assert desk.due() is None
    assert desk.record().state is State.READY


async def test_a_replaced_run_is_still_told_what_it_made(desk: Desk) -> None:
    """What exists must be on record, or its cleanup would miss it; but the run has to end."""
    hold = await desk.accept_and_claim()
    successor = desk.replace()
    made = ResourceRecord(state=ResourceState.CREATED, ids=("vpc-1",), at=0)

    answer = await desk.worker.note(
        hold, {f"{RESOURCE_FIELD}network/vpc/main": made.model_dump_json()}
    )

    assert answer is Written.REPLACED
    assert desk.record().resources == {"network/vpc/main": made}
    assert desk.record().run == successor


async def test_a_replaced_run_cannot_end_its_successor(desk: Desk) -> None:
    """Its last write changes nothing but the lease, and the successor is due at once."""
    hold = await desk.accept_and_claim()
    successor = desk.replace()
    events = len(desk.told())

    with Moment(desk) as then:
        answer = await desk.worker.advance(
            hold, {"state": State.READY}, [Event(type="state", run=hold.run_id)], None
        )

    assert answer is Written.REPLACED
    assert (desk.record().state, desk.record().run) == (State.CLEANING, successor)
    assert len(desk.told()) == events
    assert desk.lease_until() == 0
    assert then.is_when(desk.due())


async def test_the_trouble_of_a_replaced_run_is_none_of_its_successor(desk: Desk) -> None:
    """It may have been told in the moment between the replacement and the worker's notice."""
    hold = await desk.accept_and_claim()
    desk.replace()
    assert await desk.worker.note(hold, {"trouble": "AWS throttles."}) is Written.REPLACED

    await desk.worker.advance(hold, {}, [], None)

    assert not desk.record().trouble


async def test_all_leases_of_a_worker_are_renewed_at_once(desk: Desk) -> None:
    """Each is answered for: renewed, replaced (and held until it ends), or lost."""
    kept = await desk.accept_and_claim("kept")
    replaced = await desk.accept_and_claim("replaced")
    desk.replace("replaced.eu-west-1")
    run = desk.accept("lost")
    lost = await desk.claim(run, "lost")
    desk.end_lease("lost.eu-west-1")
    await desk.claim(run, "lost")
    lost_until = desk.lease_until("lost.eu-west-1")

    with Moment(desk) as then:
        answers = await desk.worker.renew([replaced, lost, kept], 60.0)

    assert answers == [Written.REPLACED, Written.LOST, Written.RENEWED]
    for name in ("kept.eu-west-1", "replaced.eu-west-1"):
        assert then.is_when(desk.lease_until(name), 60.0)
        assert desk.due(name) == desk.lease_until(name)
    assert desk.lease_until("lost.eu-west-1") == lost_until


async def test_a_renewal_that_comes_too_late_gives_no_lease_back(desk: Desk) -> None:
    """A step ends while its renewal is on the way: the next step must find the lease free."""
    hold = await desk.accept_and_claim()
    await desk.worker.advance(hold, {}, [], 10.0)
    due = desk.due()

    assert await desk.worker.renew([hold], LEASE) == [Written.LOST]

    assert desk.lease_until() == 0
    assert desk.due() == due


async def test_a_note_that_comes_too_late_is_none_of_a_record_at_rest(desk: Desk) -> None:
    """A step ends while its trouble is on its way to be told: what is ready has none."""
    hold = await desk.accept_and_claim()
    await desk.worker.advance(hold, {"state": "ready"}, [], None)
    before = desk.everything()
    told = [Event(type="step", run=hold.run_id, state="retrying", message="AWS throttles.")]

    assert await desk.worker.note(hold, {"trouble": "AWS throttles."}, told) is Written.LOST

    assert desk.everything() == before
