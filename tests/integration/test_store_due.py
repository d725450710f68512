"""The sweep: what is due is handed out once, whatever it is and wherever the clock jumps."""

import asyncio

import pytest
import redis.asyncio

from envwright.names import RECORD_FORMAT, Step, queue_list
from envwright.record import RunKind
from envwright.states import AT_REST, TRIED_AGAIN, State
from tasks.due import Due
from tasks.scripts import CLOCK_STEP_FORGIVEN
from tasks.store import Claimed, Refusal, WorkerStore, Written
from tests.clock import jump
from tests.desk import GRACE, HOUR, LEASE, WEB, Desk, Moment


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

    assert taken == [Due(WEB, run.id, RunKind.PROVISION, Step.NETWORK, 3)]
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


async def test_what_is_no_record_keeps_none_from_being_sent_for(desk: Desk) -> None:
    """Of another type than a record, under its key; also where the clock was set back."""
    run = desk.accept()
    desk.redis.set(desk.keys.record("spoilt.eu-west-1"), "garbage")
    desk.make_due(WEB, "spoilt.eu-west-1")
    desk.redis.set(desk.keys.swept, desk.store.now() + HOUR)

    assert [one.run_id for one in await desk.worker.take_due(100, GRACE)] == [run.id]
    assert desk.due("spoilt.eu-west-1") is None


async def test_a_step_that_its_run_has_not_keeps_none_from_being_sent_for(desk: Desk) -> None:
    """All that are due go together: one for which there is no message must not stop the others."""
    run = desk.accept()
    desk.accept("spoilt")
    desk.replace("spoilt.eu-west-1")
    desk.set_fields("spoilt.eu-west-1", step=Step.READY)
    desk.make_due(WEB, "spoilt.eu-west-1")

    due = await desk.worker.take_due(100, GRACE)
    await desk.worker.wake_up(due)

    assert [one.run_id for one in due] == [run.id]
    assert desk.redis.llen(queue_list(desk.queue, due[0].priority)) == 1


async def test_who_may_not_read_records_forgets_none(desk: Desk) -> None:
    """A Redis user without the rights is told so; what is due stays."""
    desk.accept()
    desk.make_due()
    user = desk.keys.prefix
    desk.redis.execute_command(
        "ACL", "SETUSER", user, "on", ">word", "~*", "+@all", "-hmget", "-hget"
    )
    url = desk.settings.redis_url.replace("redis://", f"redis://{user}:word@")

    async with redis.asyncio.Redis.from_url(url, decode_responses=True) as blind:
        with pytest.raises(redis.RedisError, match=r"can't run this|permission"):
            await WorkerStore(blind, desk.keys, desk.queue, "blind").take_due(100, GRACE)

    desk.redis.execute_command("ACL", "DELUSER", user)
    assert desk.due() is not None


async def test_a_message_that_names_no_environment_is_for_nobody(desk: Desk) -> None:
    """Not even an area: as with one whose record is gone, its message ends there."""
    answer = await desk.worker.claim("nonsense", "run", Step.NETWORK, LEASE)
    assert answer is Refusal.MISSING


async def test_a_record_of_a_newer_format_is_left_to_newer_workers(desk: Desk) -> None:
    """Neither its fields nor the time at which they are to look at it changes, whatever becomes of
    the sweeps and the messages of workers that cannot read it."""
    run = desk.accept()
    desk.make_newer()
    desk.redis.rename(desk.keys.due, newer := desk.keys.due_of(RECORD_FORMAT + 1))
    desk.redis.zadd(newer, {WEB: desk.store.now() - 1})
    before = desk.everything()

    assert await desk.worker.take_due(100, GRACE) == []
    assert await desk.worker.claim(WEB, run.id, Step.NETWORK, LEASE) is Refusal.FOREIGN
    assert desk.everything() == before


async def test_a_record_that_became_one_of_a_newer_format_is_in_nobodys_way(desk: Desk) -> None:
    """A newer caller may move a record on; it is due by the newer set from then on."""
    desk.accept()
    desk.make_newer()
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
