"""Accepting a run, as a script: it is a promise to everyone else who works on the record."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from envwright.names import Step
from envwright.new_run import new_run
from envwright.record import (
    LOOKUP_FIELD,
    RESOURCE_FIELD,
    Event,
    ResourceRecord,
    ResourceState,
    RunKind,
)
from envwright.runs import accepted, enqueued
from envwright.states import State
from envwright.store import EVENTS_KEPT, PUBLISH_GRACE
from tests.desk import LEASE, WEB, Desk, Moment
from tests.specs import spec


async def test_accepting_a_run_writes_all_of_it(desk: Desk) -> None:
    """Record, event, what is due and the list of environments change together."""
    with Moment(desk) as then:
        run = desk.accept()

    record = desk.record()
    assert (record.state, record.step, record.run) == (State.QUEUED, Step.NETWORK, run)
    assert (record.format, record.spec) == (1, spec())
    assert record.uid
    assert [(one.type, one.run, one.state) for one in desk.told()] == [
        ("accepted", run.id, State.QUEUED)
    ]
    assert then.is_when(desk.due(), PUBLISH_GRACE)
    assert then.is_when(record.updated_at)
    assert then.is_when(desk.told()[0].at)
    assert desk.store.environment_ids() == [WEB]


async def test_of_two_producers_that_race_one_is_accepted(desk: Desk) -> None:
    """Many ask at once, each having seen that there is nothing: one run comes of it."""
    now = desk.store.now()
    wanted = [enqueued(spec(), None, now) for _ in range(16)]

    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda one: desk.store.accept([one])[0], wanted))

    (winner,) = [one for one, accepted in zip(wanted, answers, strict=True) if accepted]
    assert desk.record().run == winner.run
    assert len(desk.told()) == 1


@pytest.mark.parametrize("changed", [{"state": State.PROVISIONING}, {"run_id": "another"}])
async def test_a_run_on_what_has_changed_meanwhile_is_not_accepted(
    desk: Desk, changed: dict[str, str]
) -> None:
    """Whoever decided by an older state, or by an older run, has decided nothing."""
    desk.accept()
    seen = desk.record()
    desk.set_fields(**changed)
    before = desk.everything()
    late = new_run(RunKind.CLEANUP, "destroy", State.DESTROYED, desk.store.now(), 60)

    answers = desk.store.accept(
        [accepted(WEB, seen, late, Step.INSTANCE), enqueued(spec(), None, desk.store.now())]
    )

    assert answers == [False, False]
    assert desk.everything() == before


async def test_a_run_that_is_asked_for_twice_is_accepted_once(desk: Desk) -> None:
    """A request that is repeated since its answer was lost gets the same answer, and no more."""
    wanted = enqueued(spec(), None, desk.store.now())
    desk.store.accept([wanted])
    before = desk.everything()

    assert desk.store.accept([wanted]) == [True]
    assert desk.everything() == before


async def test_starting_anew_forgets_lookups_and_keeps_resources(desk: Desk) -> None:
    """Another image may be the newest by now; but a token that was used stays used."""
    desk.accept()
    resource = ResourceRecord(state=ResourceState.GONE, incarnation=3, at=0)
    desk.set_fields(
        state=State.CLEANED,
        **{
            f"{LOOKUP_FIELD}zones": '["eu-west-1c"]',
            f"{RESOURCE_FIELD}network/vpc/main": resource.model_dump_json(),
        },
    )

    desk.store.accept([enqueued(spec(), desk.record(), desk.store.now())])

    assert desk.record().lookups == {}
    assert desk.record().resources == {"network/vpc/main": resource}


async def test_times_are_those_of_redis(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with a clock that is a year wrong neither loses a lease nor keeps one."""
    with Moment(desk) as then:
        monkeypatch.setattr(time, "time", lambda: 1.0)
        hold = await desk.accept_and_claim()
        await desk.worker.renew([hold], LEASE)
        monkeypatch.undo()

    assert then.is_when(desk.record().run.accepted_at)
    assert then.is_when(desk.lease_until(), LEASE)
    assert then.is_when(desk.due(), LEASE)


async def test_the_history_does_not_grow_for_ever(desk: Desk) -> None:
    """The oldest events go when there are very many."""
    hold = await desk.accept_and_claim()
    told = [Event(type="resource", run=hold.run_id, state=str(n)) for n in range(EVENTS_KEPT + 500)]

    await desk.worker.note(hold, {}, told)

    kept = [one.state for one in desk.told()]
    assert kept[-1] == str(EVENTS_KEPT + 499)
    # Redis drops whole blocks of a stream, of 100 entries.
    assert EVENTS_KEPT <= len(kept) <= EVENTS_KEPT + 100
