"""The line: so many runs build at once, and the others are let in one after the other."""

import asyncio

import pytest

from envwright.names import Step, area_of
from envwright.priority import Priority
from envwright.record import RunKind
from envwright.runs import enqueued
from envwright.states import State
from tasks.due import Due
from tasks.store import Claimed, Refusal
from tests.clock import jump
from tests.desk import GRACE, HOUR, LEASE, WEB, Desk, Moment
from tests.specs import REGION, spec


async def test_what_there_is_no_room_for_waits_and_says_so_once(desk: Desk) -> None:
    """It stays queued, is neither due nor in a message, and does not count as tried."""
    desk.limit_to(1)
    await desk.arrive("first")
    run = desk.accept()

    for _ in range(2):
        assert await desk.ask("web", run.id) is Refusal.IN_LINE

    record = desk.record()
    assert (record.state, record.attempt) == (State.QUEUED, 0)
    assert desk.due() is None
    assert record.waits_in_line
    lines = [one.message for one in desk.told() if one.type == "line"]
    assert lines == ["1 runs are under way in eu-west-1: it waits in line."]
    assert await desk.let_in() == []


async def test_who_is_let_in_is_sent_for_and_due(desk: Desk) -> None:
    """With the first one's end there is room, and a message that is lost is sent again."""
    desk.limit_to(1)
    _, run = await desk.arrive("first", "web")
    desk.end("first")

    with Moment(desk) as then:
        admitted = await desk.line.admit(lambda _: 100, GRACE)

    assert admitted == [Due(WEB, run.id, RunKind.PROVISION, Step.NETWORK, 3)]
    assert then.is_when(desk.due(), GRACE)
    assert await desk.let_in() == []
    desk.make_due()
    assert [one.run_id for one in await desk.worker.take_due(100, GRACE)] == [run.id]
    assert isinstance(await desk.ask("web", run.id), Claimed)


async def test_the_limit_holds_over_all_workers(desk: Desk) -> None:
    """However many of them claim and let in at the same time, no more are under way."""
    desk.limit_to(3)
    names = [f"web-{n}" for n in range(20)]
    runs = [desk.accept(name) for name in names]
    other = Desk(desk.settings.redis_url, desk.keys.prefix, desk._worker_redis)
    other.limit_to(3)
    desks = [desk, other]

    answers = await asyncio.gather(
        *(
            desks[n % 2].ask(name, run.id)
            for n, (name, run) in enumerate(zip(names, runs, strict=True))
        )
    )
    claimed = [name for name, one in zip(names, answers, strict=True) if isinstance(one, Claimed)]
    assert len(claimed) == 3

    seen = set(claimed)
    while len(seen) < 20:
        for name in claimed:
            desk.end(name)
        let_in = await asyncio.gather(desk.let_in(), other.let_in())
        claimed = [name for some in let_in for name in some]
        assert 0 < len(claimed) <= 3
        assert not seen & set(claimed)
        seen |= set(claimed)
    other.close()


async def test_a_worker_that_dies_keeps_its_place(desk: Desk) -> None:
    """Its run is still under way, and whoever takes it over is not sent to the line."""
    desk.limit_to(1)
    first, _ = await desk.arrive("first", "web")
    desk.end_lease(f"first.{REGION}")

    assert await desk.let_in() == []
    assert isinstance(await desk.ask("first", first.id), Claimed)


@pytest.mark.parametrize("state", [State.READY, State.FAILED, State.CLEANING, State.DESTROYED])
async def test_whatever_its_end_a_run_makes_room(desk: Desk, state: State) -> None:
    desk.limit_to(1)
    await desk.arrive("first", "web")
    desk.end("first", state)

    assert await desk.let_in() == ["web"]


async def test_a_run_whose_place_another_took_makes_room(desk: Desk) -> None:
    """The environment is being taken down: that is no run that builds."""
    desk.limit_to(1)
    await desk.arrive("first", "web")
    desk.replace(f"first.{REGION}")

    assert await desk.let_in() == ["web"]


async def test_a_new_run_of_the_same_environment_has_not_been_let_in(desk: Desk) -> None:
    """Its place was that of the run before it: it asks again."""
    desk.limit_to(1)
    await desk.arrive("first", "web")
    first = f"first.{REGION}"
    desk.end("first", State.CLEANED)
    again = enqueued(spec("first"), desk.record(first), desk.store.now())
    assert desk.store.accept([again]) == [True]

    assert await desk.let_in() == ["web"]
    assert await desk.ask("first", again.run.id) is Refusal.IN_LINE


async def test_a_cleanup_never_waits(desk: Desk) -> None:
    """It frees what others may wait for. Of one that waited, the place in line is forgotten."""
    desk.limit_to(1)
    await desk.arrive("first", "web")

    run = desk.replace()

    assert isinstance(await desk.worker.claim(WEB, run.id, Step.INSTANCE, LEASE), Claimed)
    desk.end("first")
    assert await desk.let_in() == []


async def test_who_comes_does_not_go_before_those_who_wait(desk: Desk) -> None:
    """However many keep coming, nobody in line waits for ever; nor does a stray message of one
    that waits get it in before its turn."""
    desk.limit_to(1)
    _, _, stray = await desk.arrive("first", "web", "stray")
    desk.limit_to(2)

    assert await desk.ask("late", desk.accept("late").id) is Refusal.IN_LINE
    assert await desk.ask("stray", stray.id) is Refusal.IN_LINE

    assert await desk.let_in() == ["web"]
    desk.limit_to(9)
    assert await desk.let_in() == ["stray", "late"]


async def test_the_deadline_counts_from_when_it_is_let_in(desk: Desk) -> None:
    """However long it waits; the time that it says it had stays the same."""
    desk.limit_to(1)
    _, run = await desk.arrive("first", "web")
    jump(desk.redis, desk.keys, 2 * HOUR)
    desk.end("first")

    with Moment(desk) as then:
        assert await desk.let_in() == ["web"]

    assert not desk.record().waits_in_line
    moved = desk.record().run
    assert then.is_when(moved.admitted_at)
    assert then.is_when(moved.deadline_at, run.limit)
    assert moved.limit == pytest.approx(run.limit)
    assert moved.accepted_at == pytest.approx(run.accepted_at - 2 * HOUR, abs=0.001)
    assert (
        moved.model_copy(
            update={
                "accepted_at": run.accepted_at,
                "deadline_at": run.deadline_at,
                "admitted_at": None,
            }
        )
        == run
    )


async def test_who_never_waited_keeps_its_deadline(desk: Desk) -> None:
    run = desk.accept()
    await desk.claim(run)

    assert desk.record().run == run


async def test_singles_go_first_by_priority_and_bulks_take_turns(desk: Desk) -> None:
    """An operator's single job is behind no bulk, and no bulk behind a bigger one."""
    desk.limit_to(1)
    await desk.arrive("first")
    for name in ("a-1", "a-2", "a-3"):
        desk.accept(name, Priority.LOW, "a")
    for name in ("b-1", "b-2"):
        desk.accept(name, Priority.LOW, "b")
    await desk.arrive("low", priority=Priority.LOW)
    await desk.arrive("normal-1", "normal-2")
    await desk.arrive("high", priority=Priority.HIGH)
    desk.end("first")
    desk.limit_to(100)

    order = await desk.let_in()

    assert order == ["high", "normal-1", "normal-2", "low", "a-1", "b-1", "a-2", "b-2", "a-3"]


async def test_what_is_in_line_is_not_due(desk: Desk) -> None:
    """Also where the environment's last run has left it there: nobody is sent for it."""
    desk.make_due()
    desk.accept("web", Priority.LOW, "a")

    assert desk.due() is None


async def test_turns_go_on_where_the_last_sweep_ended(desk: Desk) -> None:
    """A bulk is not first again with each sweep, nor last again with each member that it gets."""
    for name in ("a-1", "b-1", "b-2", "a-2"):
        desk.accept(name, Priority.LOW, name[0])

    sweeps = [await desk.line.admit(lambda _: 1, GRACE) for _ in range(4)]

    order = [[one.environment_id[:3] for one in some] for some in sweeps]
    assert order == [["a-1"], ["b-1"], ["a-2"], ["b-2"]]


async def test_a_higher_priority_finds_room_while_lower_ones_fill_their_share(desk: Desk) -> None:
    """By its first message, and at once: a bulk that has just begun has nobody who ends soon."""
    desk.limit_to(10)
    for n in range(12):
        desk.accept(f"bulk-{n}", Priority.LOW, "a")
    assert len(await desk.let_in()) == 8

    low, normal, another = [
        await desk.ask(name, desk.accept(name, priority).id)
        for name, priority in (
            ("low", Priority.LOW),
            ("normal", Priority.NORMAL),
            ("another", Priority.NORMAL),
        )
    ]
    high, beyond = [
        await desk.ask(name, desk.accept(name, Priority.HIGH).id) for name in ("high", "beyond")
    ]

    assert isinstance(normal, Claimed)
    assert isinstance(high, Claimed)
    assert (low, another, beyond) == (Refusal.IN_LINE,) * 3
    assert await desk.let_in() == []
    desk.end("bulk-0")
    assert await desk.let_in() == ["beyond"]
    desk.end("bulk-1")
    desk.end("bulk-2")
    assert await desk.let_in() == ["another"]


async def test_areas_do_not_wait_for_each_other(desk: Desk) -> None:
    """AWS counts calls by account and region, so each has a limit and a line of its own."""
    desk.limit_to(1)
    role = {"role_arn": "arn:aws:iam::123456789012:role/builder"}
    await desk.arrive("first", "web")
    elsewhere = desk.accept("away", account=role)
    assert area_of(f"away.{REGION}.123456789012") == f"{REGION}.123456789012"

    found = await desk.worker.claim(
        f"away.{REGION}.123456789012", elsewhere.id, Step.NETWORK, LEASE
    )

    assert isinstance(found, Claimed)
    assert await desk.let_in() == []


async def test_a_clock_that_was_set_back_holds_nobody_up(desk: Desk) -> None:
    """A line goes by turns and not by time."""
    desk.limit_to(1)
    await desk.arrive("first", "web")
    jump(desk.redis, desk.keys, -HOUR)
    desk.end("first")

    assert await desk.let_in() == ["web"]


async def test_where_nobody_builds_nothing_is_left_to_look_at(desk: Desk) -> None:
    """Idle environments cost a sweep nothing, however many there are."""
    await desk.arrive("web")
    assert desk.redis.smembers(desk.keys.areas) == {REGION}
    assert await desk.let_in() == []
    assert desk.redis.exists(desk.keys.areas, desk.keys.under_way(REGION)) == 2

    desk.end("web")
    assert await desk.let_in() == []

    assert desk.redis.exists(desk.keys.areas, desk.keys.under_way(REGION)) == 0
    assert not desk.redis.exists(desk.keys.bulk("normal"))
