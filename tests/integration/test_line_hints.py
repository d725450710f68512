"""What stands in a line is a hint: what is stale or spoilt there holds nobody else up."""

import pytest

from envwright.names import RECORD_FORMAT
from envwright.priority import Priority
from envwright.runs import cancelled, enqueued
from envwright.states import State
from tasks.store import Claimed, Refusal
from tests.desk import Desk
from tests.specs import REGION, spec


async def test_one_that_is_held_while_it_waits_is_not_let_in(desk: Desk) -> None:
    """Cancelled with `on_failure: hold`, there is nothing to take down and nothing to build."""
    desk.limit_to(1)
    await desk.arrive("first")
    run = desk.accept(on_failure="hold")
    assert await desk.ask("web", run.id) is Refusal.IN_LINE
    assert desk.store.accept([cancelled(desk.record(), desk.store.now())]) == [True]
    desk.end("first")

    assert await desk.let_in() == []
    assert desk.record().state is State.FAILED


async def test_a_member_that_is_held_goes_into_no_line(desk: Desk) -> None:
    """Cancelled once it was let in: its run is the same but for its id, and begins nothing."""
    desk.accept("web", Priority.LOW, "a", on_failure="hold")
    assert await desk.let_in() == ["web"]

    assert desk.store.accept([cancelled(desk.record(), desk.store.now())]) == [True]

    assert desk.field("line") == ""
    assert not desk.redis.exists(desk.keys.line(REGION, "a"))


async def test_the_place_of_an_older_run_is_not_that_of_a_newer_one(desk: Desk) -> None:
    """A member was taken down while it waited, and asked for again as a single job: its message
    comes, and the bulk's turn lets nobody in."""
    desk.accept("web", Priority.LOW, "a")
    desk.replace()
    desk.end("web", State.DESTROYED)
    again = enqueued(spec("web"), desk.record(), desk.store.now())
    assert desk.store.accept([again]) == [True]

    assert await desk.let_in() == []
    assert desk.due() is not None


async def test_many_stale_entries_do_not_stop_redis(desk: Desk) -> None:
    """One script looks at so many of them, and the next sweep goes on; then the line is gone."""
    desk.limit_to(1)
    desk.accept("one", Priority.LOW, "a")
    line = desk.keys.line(REGION, "a")
    desk.redis.lpush(line, *(f"gone-{n}.{REGION}" for n in range(1500)))

    assert await desk.let_in() == []
    assert 0 < desk.redis.llen(line) < 1500
    assert await desk.let_in() == ["one"]
    desk.end("one")
    assert await desk.let_in() == []
    assert desk.redis.exists(line, desk.keys.flows(REGION)) == 0


async def test_stale_entries_cost_their_bulk_no_turn(desk: Desk) -> None:
    """Members that were taken down in line do not hold up those behind them for a round each."""
    for name in ("a-1", "a-2", "a-3", "b-1", "b-2"):
        desk.accept(name, Priority.LOW, name[0])
    for name in ("a-1", "a-2"):
        desk.replace(f"{name}.{REGION}")

    assert await desk.let_in() == ["a-3", "b-1", "b-2"]


@pytest.mark.parametrize("text", ["{nonsense", "7"])
async def test_a_run_that_cannot_be_read_is_let_in(desk: Desk, text: str) -> None:
    """It is its step that says what is wrong, as it is without a line."""
    run = desk.accept()
    desk.set_fields(run=text)

    assert isinstance(await desk.ask("web", run.id), Claimed)


@pytest.mark.parametrize(
    "text", ['{"accepted_at": 1}', '{"accepted_at": 1, "deadline_at": null}', "null", "[]"]
)
async def test_a_run_without_its_times_holds_nobody_up(desk: Desk, text: str) -> None:
    """It waited in line, so its deadline is to be moved, and there is none."""
    desk.accept("spoilt", Priority.LOW, "a")
    desk.accept("web", Priority.LOW, "a")
    desk.set_fields(f"spoilt.{REGION}", run=text)

    await desk.let_in()

    assert not desk.record().waits_in_line
    assert desk.due() is not None


@pytest.mark.parametrize("text", ["null", "7", "{nonsense"])
async def test_a_failure_that_cannot_be_read_makes_room_all_the_same(desk: Desk, text: str) -> None:
    desk.limit_to(1)
    desk.accept("spoilt", Priority.LOW, "a")
    desk.accept("web", Priority.LOW, "a")
    assert await desk.let_in() == ["spoilt"]

    desk.end("spoilt", State.FAILED, failure=text)

    assert await desk.let_in() == ["web"]


@pytest.mark.parametrize("is_let_in", [False, True])
async def test_what_is_no_record_at_all_holds_nobody_up(desk: Desk, is_let_in: bool) -> None:
    """Of another type than a record, under its key: in line, or under way."""
    desk.limit_to(1)
    desk.accept("spoilt", Priority.LOW, "a")
    desk.accept("web", Priority.LOW, "a")
    if is_let_in:
        await desk.let_in()
    desk.redis.delete(key := desk.keys.record(f"spoilt.{REGION}"))
    desk.redis.set(key, "garbage")

    assert await desk.let_in() == ["web"]


async def test_a_record_of_a_newer_format_is_not_let_in(desk: Desk) -> None:
    """These workers could not send it on: it would take a place for ever."""
    desk.limit_to(1)
    desk.accept("newer", Priority.LOW, "a")
    desk.accept("web", Priority.LOW, "a")
    desk.set_fields(f"newer.{REGION}", format=RECORD_FORMAT + 1)

    assert await desk.let_in() == ["web"]
    assert desk.due(f"newer.{REGION}") is None
