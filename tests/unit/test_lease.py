"""The lease: until when a worker may act, and what ends it sooner."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import pytest
from redis.exceptions import TimeoutError as RedisTimeoutError

from tasks.aws.errors import ErrorClass, Halted, Trouble
from tasks.lease import End, Lease, Look, clock
from tasks.store import Hold, WorkerStore, Written
from worker.lease import LeaseKeeper

HOLD = Hold("web.eu-west-1", "run", 1)
MARGIN = 5.0
FAR = 3600.0


def lease(seconds: float) -> Lease:
    return Lease(HOLD, clock() + seconds, MARGIN)


def test_while_it_lasts_anything_may_begin() -> None:
    one = lease(2 * MARGIN)

    one.check(changing=False)
    one.check(changing=True)

    assert one.end is None


def test_close_to_its_end_nothing_that_changes_anything_may_begin() -> None:
    """A look may; after a change was refused, nothing may: the step is over."""
    one = lease(MARGIN / 2)
    one.check(changing=False)

    with pytest.raises(Halted, match="the lease was lost"):
        one.check(changing=True)
    with pytest.raises(Halted):
        one.check(changing=False)


def test_after_its_end_nothing_may_begin() -> None:
    """As for a worker that was frozen, or whose machine was suspended."""
    one = lease(-1)

    with pytest.raises(Halted):
        one.check(changing=False)
    assert one.end is End.LOST


def test_a_look_ends_with_its_time() -> None:
    """Without a lease nobody would end it otherwise."""
    Look(60).check(changing=False)

    with pytest.raises(Halted, match="the deadline has passed"):
        Look(-1).check(changing=False)


def test_a_look_changes_nothing() -> None:
    with pytest.raises(RuntimeError, match="Only a run"):
        Look(60).check(changing=True)


def test_the_first_reason_to_halt_is_the_one_that_counts() -> None:
    """A deadline that passes while the worker stops does not make a failure of it."""
    one = lease(60)

    one.halt(End.STOPPING)
    one.halt(End.DEADLINE)

    assert one.end is End.STOPPING
    with pytest.raises(Halted, match="the worker is stopping"):
        one.check(changing=True)


async def test_a_pause_lasts_its_time() -> None:
    begun = clock()

    await lease(60).pause(0.05)

    assert clock() - begun >= 0.05


async def test_a_pause_ends_when_the_lease_does() -> None:
    """Whoever waits for AWS for minutes can be stopped at once."""
    one = lease(60)
    pausing = asyncio.create_task(one.pause(FAR))
    await asyncio.sleep(0)

    one.halt(End.REPLACED)

    with pytest.raises(Halted, match="another run has taken this one's place"):
        await asyncio.wait_for(pausing, 5)


class FakeStore:
    """Answers renewals as it is told to, and notes what it was asked."""

    def __init__(self, *answers: Written | Exception, refusal: Exception | None = None) -> None:
        self._answers = [*answers]
        self._refusal = refusal
        self.asked: list[list[Hold]] = []
        self.all_answered = asyncio.Event()
        self.is_told = False

    async def renew(self, holds: Sequence[Hold], lease: float) -> list[Written]:
        self.asked.append([*holds])
        answer = self._answers.pop(0)
        if not self._answers:
            self.all_answered.set()
        if isinstance(answer, Exception):
            raise answer
        return [answer] * len(holds)

    async def note(self, *_: Any) -> None:
        """It never ends, or is refused."""
        self.is_told = True
        if self._refusal is not None:
            raise self._refusal
        await asyncio.Event().wait()


def keeper_of(store: FakeStore) -> LeaseKeeper:
    return LeaseKeeper(cast(WorkerStore, store), 0.03)


async def kept(keeper: LeaseKeeper, store: FakeStore) -> None:
    """Let the keeper work until its store has given all its answers."""
    keeping: asyncio.Task[Any] = asyncio.create_task(keeper.keep())
    await asyncio.wait_for(store.all_answered.wait(), 10)
    await asyncio.sleep(0)  # for what it does with the last answer
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)


async def test_leases_are_renewed_together() -> None:
    """One call for all of them; each then lasts longer."""
    store = FakeStore(Written.RENEWED)
    keeper = keeper_of(store)
    one, other = lease(-1), Lease(Hold("other.eu-west-1", "run", 7), clock() - 1, 0)

    with keeper.holding(one, FAR), keeper.holding(other, FAR):
        await kept(keeper, store)

    assert sorted(map(str, store.asked[0])) == sorted(map(str, [one.hold, other.hold]))
    assert min(one.until, other.until) > clock() - 1


@pytest.mark.parametrize(
    ("answer", "end"), [(Written.LOST, End.LOST), (Written.REPLACED, End.REPLACED)]
)
async def test_a_step_whose_lease_is_gone_is_halted(answer: Written, end: End) -> None:
    store = FakeStore(answer)
    keeper = keeper_of(store)
    one = lease(60)

    with keeper.holding(one, FAR):
        await kept(keeper, store)

    assert one.end is end


async def test_a_renewal_that_failed_is_tried_again() -> None:
    """And the lease is not taken to be longer than it is."""
    store = FakeStore(RedisTimeoutError("frozen"), Written.RENEWED)
    keeper = keeper_of(store)
    one = lease(60)
    until = one.until

    with keeper.holding(one, FAR):
        await kept(keeper, store)

    assert len(store.asked) == 2
    assert one.end is None
    assert one.until != until


@pytest.mark.parametrize("refusal", [None, RedisTimeoutError("frozen"), ValueError("no answer")])
async def test_leases_are_renewed_while_troubles_are_told(refusal: Exception | None) -> None:
    """That takes a call for each: with a thousand steps that AWS throttles, longer than a lease.
    And whatever comes of it."""
    store = FakeStore(Written.RENEWED, Written.RENEWED, refusal=refusal)
    keeper = keeper_of(store)
    one = lease(FAR)
    one.troubles["call"] = Trouble("AWS throttles.", ErrorClass.THROTTLED)

    with keeper.holding(one, FAR):
        await kept(keeper, store)

    assert store.is_told
    assert len(store.asked) == 2


async def test_what_is_not_held_is_not_renewed() -> None:
    """A lease is given back with the last write of its step."""
    store = FakeStore(Written.RENEWED)
    keeper = keeper_of(store)
    done, held = lease(60), Lease(Hold("other.eu-west-1", "run", 7), clock() + 60, 0)
    with keeper.holding(done, FAR):
        pass

    with keeper.holding(held, FAR):
        await kept(keeper, store)

    assert store.asked == [[held.hold]]


async def test_a_stopping_worker_halts_all_steps_and_those_that_come_late() -> None:
    keeper = keeper_of(FakeStore(Written.RENEWED))
    running, late = lease(60), lease(60)

    with keeper.holding(running, FAR):
        keeper.stop()
    with keeper.holding(late, FAR):
        pass

    assert (running.end, late.end) == (End.STOPPING, End.STOPPING)


async def test_a_deadline_halts_the_step() -> None:
    """Also one that has passed before the step began."""
    keeper = keeper_of(FakeStore(Written.RENEWED))
    one = lease(60)

    with keeper.holding(one, -1.0), pytest.raises(Halted, match="the deadline has passed"):
        await one.pause(FAR)

    assert one.end is End.DEADLINE


async def test_a_step_that_ended_in_time_has_no_deadline_any_more() -> None:
    keeper = keeper_of(FakeStore(Written.RENEWED))
    one = lease(60)

    with keeper.holding(one, 0.01):
        pass
    await asyncio.sleep(0.03)

    assert one.end is None
