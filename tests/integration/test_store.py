"""The scripts that move a record: each is a promise to everyone else who works on it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis
import redis.asyncio

from envwright.names import RECORD_FORMAT, Keys, Step
from envwright.record import (
    AT_REST,
    LOOKUP_FIELD,
    RESOURCE_FIELD,
    TRIED_AGAIN,
    Event,
    Record,
    ResourceRecord,
    ResourceState,
    Run,
    RunKind,
    State,
    record_from_fields,
)
from envwright.runs import accepted, enqueued, new_run
from envwright.settings import ClientSettings
from envwright.store import EVENTS_KEPT, PUBLISH_GRACE, Store
from tasks.scripts import CLOCK_STEP_FORGIVEN
from tasks.store import Claimed, Due, Hold, Refusal, WorkerStore, Written
from tests.clock import jump
from tests.specs import spec

WEB = "web.eu-west-1"
LEASE = 15.0
GRACE = 10.0


class Desk:
    """Redis as the test sees it: both stores on it, and what really stands in it."""

    def __init__(self, url: str, prefix: str, worker: redis.asyncio.Redis) -> None:
        self.keys = Keys(prefix)
        self.queue = prefix
        self.redis = redis.Redis.from_url(url, decode_responses=True)
        self.store = Store(ClientSettings(redis_url=url, key_prefix=prefix, queue=prefix))
        self.worker = WorkerStore(worker, self.keys, self.queue, "test-worker")

    def close(self) -> None:
        self.store.close()
        self.redis.close()

    def accept(self, name: str = "web") -> Run:
        """A run that builds an environment, on record."""
        wanted = enqueued(spec(name), None, self.store.now())
        assert self.store.accept([wanted]) == [True]
        return wanted.run

    def replace(self, environment_id: str = WEB) -> Run:
        """A run that takes the environment down, in the place of the one it had."""
        seen = self.record(environment_id)
        run = new_run(RunKind.CLEANUP, "destroy", State.DESTROYED, self.store.now(), 60)
        assert self.store.accept([accepted(environment_id, seen, run, Step.INSTANCE)]) == [True]
        return run

    async def claim(self, run: Run, name: str = "web") -> Hold:
        claimed = await self.worker.claim(f"{name}.eu-west-1", run.id, Step.NETWORK, LEASE)
        assert isinstance(claimed, Claimed)
        return Hold(f"{name}.eu-west-1", run.id, claimed.epoch)

    async def accept_and_claim(self, name: str = "web") -> Hold:
        return await self.claim(self.accept(name), name)

    def record(self, environment_id: str = WEB) -> Record:
        (record,) = self.store.read([environment_id])
        assert record is not None
        return record

    def field(self, name: str, environment_id: str = WEB) -> str | None:
        return self.redis.hget(self.keys.record(environment_id), name)

    def set_fields(self, environment_id: str = WEB, **fields: str | float) -> None:
        self.redis.hset(self.keys.record(environment_id), mapping=fields)

    def lease_until(self, environment_id: str = WEB) -> float:
        return float(self.field("lease_until", environment_id) or 0)

    def end_lease(self, environment_id: str = WEB) -> None:
        """Let the lease be over, as when its time has passed."""
        self.set_fields(environment_id, lease_until=self.store.now() - 1)

    def due(self, environment_id: str = WEB) -> float | None:
        return self.redis.zscore(self.keys.due, environment_id)

    def make_due(self, *environment_ids: str) -> None:
        past = self.store.now() - 1
        self.redis.zadd(self.keys.due, dict.fromkeys(environment_ids or (WEB,), past))

    def told(self, environment_id: str = WEB) -> list[Event]:
        return self.store.events(environment_id)

    def everything(self) -> dict[str, Any]:
        """All that is in Redis under the prefix, to see whether something was changed.

        Without the time of the last sweep, which each one writes.
        """
        read: dict[str, Callable[[str], Any]] = {
            "hash": self.redis.hgetall,
            "stream": self.redis.xrange,
            "zset": lambda key: self.redis.zrange(key, 0, -1, withscores=True),
            "list": lambda key: self.redis.lrange(key, 0, -1),
        }
        names = sorted({*self.redis.scan_iter(f"{self.keys.prefix}*")} - {self.keys.swept})
        return {name: read[self.redis.type(name)](name) for name in names}


@pytest.fixture
async def desk(redis_url: str, key_prefix: str) -> AsyncIterator[Desk]:
    worker = redis.asyncio.Redis.from_url(redis_url, decode_responses=True)
    one = Desk(redis_url, key_prefix, worker)
    yield one
    one.close()
    await worker.aclose()


class Moment:
    """How much time Redis' clock says has passed around what is done within."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def __enter__(self) -> "Moment":
        self._begun = self._desk.store.now()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended = self._desk.store.now()

    def is_when(self, unix_time: float | None, offset: float = 0.0) -> bool:
        """Whether this is the time in between, plus the offset in seconds."""
        assert unix_time is not None
        # Redis keeps the microseconds; some fields are written with three decimals.
        return self._begun - 0.001 <= unix_time - offset <= self._ended + 0.001


# --- accept ---


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


# --- claim ---


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
    desk.set_fields(format=RECORD_FORMAT + 1)


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


# --- note and advance ---


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


# --- renew ---


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


# --- take_due ---


async def test_what_is_not_yet_due_is_left_alone(desk: Desk) -> None:
    """A run that was just accepted has some seconds for its own message."""
    desk.accept()
    before = desk.everything()

    assert await desk.worker.take_due(100, GRACE) == []
    assert desk.everything() == before


async def test_what_is_due_is_handed_out_once_and_put_off(desk: Desk) -> None:
    """With all that its message needs; the next look at it is a grace away."""
    run = desk.accept()
    desk.make_due()

    with Moment(desk) as then:
        taken = await desk.worker.take_due(100, GRACE)

    assert taken == [Due(WEB, run.id, RunKind.PROVISION, Step.NETWORK)]
    assert then.is_when(desk.due(), GRACE)
    assert await desk.worker.take_due(100, GRACE) == []


async def test_a_cleanup_is_handed_out_as_one(desk: Desk) -> None:
    desk.accept()
    run = desk.replace()
    desk.make_due()

    assert await desk.worker.take_due(100, GRACE) == [
        Due(WEB, run.id, RunKind.CLEANUP, Step.INSTANCE)
    ]


async def test_what_somebody_works_on_is_due_when_the_lease_ends(desk: Desk) -> None:
    """A new run that was accepted meanwhile has put it earlier."""
    await desk.accept_and_claim()
    desk.replace()
    desk.make_due()

    assert await desk.worker.take_due(100, GRACE) == []
    assert desk.due() == desk.lease_until()


async def test_a_lease_that_ran_out_makes_its_run_due(desk: Desk) -> None:
    """So a worker that was killed is missed."""
    run = desk.accept()
    await desk.claim(run)
    desk.end_lease()
    desk.make_due()

    assert [one.run_id for one in await desk.worker.take_due(100, GRACE)] == [run.id]


@pytest.mark.parametrize("state", sorted(AT_REST - TRIED_AGAIN))
async def test_what_is_at_rest_is_forgotten(desk: Desk, state: State) -> None:
    desk.accept()
    desk.set_fields(state=state)
    desk.make_due()

    assert await desk.worker.take_due(100, GRACE) == []
    assert desk.due() is None


async def test_a_cleanup_that_failed_begins_anew_when_it_is_due(desk: Desk) -> None:
    """The same run, told in an event; until it is due nobody may claim it."""
    desk.accept()
    run = desk.replace()
    desk.set_fields(state=State.CLEANUP_FAILED)
    assert await desk.worker.claim(WEB, run.id, Step.INSTANCE, LEASE) is Refusal.DONE
    desk.make_due()

    (taken,) = await desk.worker.take_due(100, GRACE)

    assert (taken.run_id, taken.kind, taken.step) == (run.id, RunKind.CLEANUP, Step.INSTANCE)
    told = desk.told()[-1]
    assert (told.type, told.run, told.state) == ("state", run.id, State.CLEANING)
    assert desk.record().state is State.CLEANING
    assert isinstance(await desk.worker.claim(WEB, run.id, Step.INSTANCE, LEASE), Claimed)


async def test_what_has_no_record_is_forgotten(desk: Desk) -> None:
    desk.make_due("gone.eu-west-1")

    assert await desk.worker.take_due(100, GRACE) == []
    assert desk.due("gone.eu-west-1") is None


async def test_a_record_of_a_newer_format_is_left_to_newer_workers(desk: Desk) -> None:
    """Neither its fields nor the time at which they are to look at it changes, whatever becomes of
    the sweeps and the messages of workers that cannot read it."""
    run = desk.accept()
    foreign(desk)
    desk.redis.rename(desk.keys.due, newer := desk.keys.due_of(RECORD_FORMAT + 1))
    desk.redis.zadd(newer, {WEB: desk.store.now() - 1})
    before = desk.everything()

    assert await desk.worker.take_due(100, GRACE) == []
    assert await desk.worker.claim(WEB, run.id, Step.NETWORK, LEASE) is Refusal.FOREIGN
    assert desk.everything() == before


async def test_a_record_that_became_one_of_a_newer_format_is_in_nobodys_way(desk: Desk) -> None:
    """A newer caller may move a record on; it is due by the newer set from then on."""
    desk.accept()
    foreign(desk)
    desk.make_due()
    record = desk.redis.hgetall(desk.keys.record(WEB))

    assert await desk.worker.take_due(100, GRACE) == []
    assert desk.due() is None
    assert desk.redis.hgetall(desk.keys.record(WEB)) == record


async def graces(desk: Desk, times: int) -> list[float]:
    """For how many graces a run is put off, each time that it is taken."""
    found = []
    for _ in range(times):
        desk.make_due()
        with Moment(desk) as then:
            await desk.worker.take_due(100, GRACE)
        (factor,) = [n for n in range(1, 200) if then.is_when(desk.due(), n * GRACE)]
        found.append(factor)
    return found


async def test_the_grace_grows_while_the_queue_is_not_empty(desk: Desk) -> None:
    """What waits in a long queue is not sent again and again; there is an end to the growth."""
    desk.accept()
    desk.redis.lpush(desk.queue, "a message")

    assert await graces(desk, 8) == [2, 4, 8, 16, 32, 64, 64, 64]


async def test_the_grace_stays_while_the_queue_is_empty(desk: Desk) -> None:
    """A message that is not in the queue and not with a worker was lost."""
    desk.accept()

    assert await graces(desk, 4) == [1, 1, 1, 1]


async def test_a_claim_resets_the_grace(desk: Desk) -> None:
    """The next step's message has done nothing to be distrusted."""
    run = desk.accept()
    desk.redis.lpush(desk.queue, "a message")
    await graces(desk, 3)
    await desk.claim(run)
    desk.end_lease()

    assert await graces(desk, 1) == [2]


async def test_a_sweep_takes_no_more_than_it_can_send(desk: Desk) -> None:
    names = [f"web-{n}" for n in range(5)]
    for name in names:
        desk.accept(name)
    desk.make_due(*(f"{name}.eu-west-1" for name in names))

    assert len(await desk.worker.take_due(2, GRACE)) == 2
    assert len(await desk.worker.take_due(100, GRACE)) == 3


async def test_two_sweepers_never_take_the_same(desk: Desk) -> None:
    """Every worker sweeps; each run that is due is sent by one of them."""
    names = [f"web-{n}" for n in range(40)]
    for name in names:
        desk.accept(name)
    ids = [f"{name}.eu-west-1" for name in names]
    desk.make_due(*ids)

    sweeps = await asyncio.gather(*(desk.worker.take_due(7, GRACE) for _ in range(10)))

    assert sorted(one.environment_id for some in sweeps for one in some) == sorted(ids)


# --- a clock that jumps ---

HOUR = 3600.0


async def test_a_clock_that_was_set_back_holds_nothing_up(desk: Desk) -> None:
    """What waits, and every lease, is as far ahead afterwards as it was before."""
    waiting, worked_on = "waiting.eu-west-1", "worked-on.eu-west-1"
    desk.accept("waiting")
    await desk.accept_and_claim("worked-on")
    await desk.worker.take_due(100, GRACE)
    before = desk.due(waiting), desk.due(worked_on), desk.lease_until(worked_on)

    jump(desk.redis, desk.keys, -HOUR)
    assert await desk.worker.take_due(100, GRACE) == []

    after = desk.due(waiting), desk.due(worked_on), desk.lease_until(worked_on)
    assert after == pytest.approx(before, abs=1.0)


async def test_a_lease_that_was_given_back_stays_so_when_the_clock_is_set_back(desk: Desk) -> None:
    hold = await desk.accept_and_claim()
    await desk.worker.advance(hold, {}, [], GRACE)
    await desk.worker.take_due(100, GRACE)

    jump(desk.redis, desk.keys, -HOUR)
    await desk.worker.take_due(100, GRACE)

    assert desk.lease_until() == 0


async def test_a_lease_whose_holder_lives_is_renewed_after_the_clock_was_set_back(
    desk: Desk,
) -> None:
    """Whether the renewal comes before the next sweep, which then ends it too soon, or after it."""
    hold = await desk.accept_and_claim()
    await desk.worker.take_due(100, GRACE)
    jump(desk.redis, desk.keys, -HOUR)

    for _ in range(2):
        with Moment(desk) as then:
            assert await desk.worker.renew([hold], LEASE) == [Written.RENEWED]
        assert then.is_when(desk.lease_until(), LEASE)
        await desk.worker.take_due(100, GRACE)


async def test_a_clock_that_jumped_ahead_ends_leases(desk: Desk) -> None:
    """The run is handed to somebody else, and the holder that lives learns it at its renewal."""
    run = desk.accept()
    hold = await desk.claim(run)
    await desk.worker.take_due(100, GRACE)

    jump(desk.redis, desk.keys, HOUR)

    assert [one.run_id for one in await desk.worker.take_due(100, GRACE)] == [run.id]
    second = await desk.claim(run)
    assert second.epoch > hold.epoch
    assert await desk.worker.renew([hold], LEASE) == [Written.LOST]
    assert await desk.worker.note(hold, {"state": "lost"}) is Written.LOST


async def test_a_small_step_back_moves_nothing(desk: Desk) -> None:
    """Clocks are corrected by little all the time."""
    desk.accept()
    await desk.worker.take_due(100, GRACE)
    jump(desk.redis, desk.keys, -CLOCK_STEP_FORGIVEN / 2)
    due = desk.due()

    await desk.worker.take_due(100, GRACE)

    assert desk.due() == due
