"""A time to live is counted from when the environment is let in, where it waits in line."""

import pytest

from envwright.client import Client
from envwright.priority import Priority
from envwright.record import Record
from envwright.states import State
from tasks.expiry import carry_out_ends
from tasks.store import Claimed, Refusal
from tests.clock import jump
from tests.desk import HOUR, WEB, Desk, Moment
from tests.specs import REGION, spec


def looked_at(desk: Desk, record: Record) -> bool:
    """Whether somebody looks at the end that this record has: for the warning, which is first."""
    assert record.expiry is not None
    return desk.look_at() == pytest.approx(record.expiry.warn_at, abs=0.001)


async def test_a_member_that_waits_for_hours_lives_as_long_as_any(
    desk: Desk, client: Client
) -> None:
    """In line it has no end; let in, it has one from then on, and is warned of it in time."""
    client.enqueue_bulk([spec(ttl="2h")])
    waits = client.status("web")
    assert (waits.expires_at, waits.life_to_begin, desk.look_at()) == (None, 2 * HOUR, None)
    jump(desk.redis, desk.keys, 5 * HOUR)
    carry_out_ends(desk.store, 10)

    with Moment(desk) as then:
        assert await desk.let_in() == ["web"]

    record = client.status("web")
    assert then.is_when(record.expires_at, 2 * HOUR)
    assert record.expiry is not None
    assert then.is_when(record.expiry.warn_at, 2 * HOUR - 720)
    assert looked_at(desk, record)
    assert record.life_to_begin is None
    assert isinstance(await desk.ask("web", record.run.id), Claimed)
    begun = client.status("web")
    assert begun.expires_at == pytest.approx(record.expires_at, abs=0.001)
    assert begun.expiry is not None
    assert begun.expiry.counted_from is None


async def test_a_single_run_that_finds_no_room_lives_from_when_it_finds_some(desk: Desk) -> None:
    desk.limit_to(1)
    await desk.arrive("first")
    run = desk.accept(ttl="2h")
    assert looked_at(desk, desk.record())
    assert await desk.ask("web", run.id) is Refusal.IN_LINE
    assert (desk.record().expires_at, desk.look_at()) == (None, None)
    jump(desk.redis, desk.keys, 5 * HOUR)
    desk.end("first")

    with Moment(desk) as then:
        assert await desk.let_in() == ["web"]

    assert then.is_when(desk.record().expires_at, 2 * HOUR)


async def test_a_single_run_that_never_waits_keeps_its_end(desk: Desk) -> None:
    """It is counted from when it was asked for, as people were told."""
    run = desk.accept(ttl="2h")
    before = desk.record()

    await desk.claim(run)

    assert desk.record().expires_at == pytest.approx(before.expires_at, abs=0.001)
    assert looked_at(desk, before)


async def test_who_goes_back_to_the_line_has_all_its_life_again(desk: Desk, client: Client) -> None:
    """Its bulk was paused before a worker had begun it, and resumed hours later."""
    bulk = client.enqueue_bulk([spec(ttl="2h")])
    assert await desk.let_in() == ["web"]
    for _ in range(2):
        client.pause_bulk(bulk.id)
        assert await desk.ask("web", client.status("web").run.id) is Refusal.IN_LINE
        assert desk.look_at() is None
        jump(desk.redis, desk.keys, 5 * HOUR)
        client.resume_bulk(bulk.id)
        with Moment(desk) as then:
            assert await desk.let_in() == ["web"]
        assert then.is_when(client.status("web").expires_at, 2 * HOUR)
        assert looked_at(desk, client.status("web"))


async def test_what_was_begun_once_has_lived_since(desk: Desk, client: Client) -> None:
    """It failed and is held, and waits in line for its retry: it costs money there."""
    bulk = client.enqueue_bulk([spec(ttl="2h", on_failure="hold")])
    await desk.let_in()
    await desk.ask("web", client.status("web").run.id)
    desk.end("web", State.FAILED)
    before = client.status("web")
    assert before.expires_at is not None

    client.retry_bulk(bulk.id)

    assert client.status("web").waits_in_line
    assert client.status("web").expires_at == before.expires_at
    assert looked_at(desk, before)
    assert await desk.let_in() == ["web"]
    assert client.status("web").expires_at == before.expires_at


async def test_an_end_that_somebody_moved_holds_in_line_too(desk: Desk, client: Client) -> None:
    """It is a time that he was told; and what it comes to before its begin, it comes to there."""
    client.enqueue_bulk([spec(ttl="2h")])
    until = client.extend("web", by=HOUR).expires_at
    assert until == client.status("web").expires_at

    await desk.let_in()

    assert client.status("web").expires_at == until


async def test_an_extension_in_line_never_shortens_its_life(desk: Desk, client: Client) -> None:
    """It has all of it before it still, and that comes on top; without an end it gets none."""
    client.enqueue_bulk([spec(ttl="2h"), spec("other", ttl="2h")])

    with Moment(desk) as then:
        until = client.extend("web", by=HOUR).expires_at
    forever = client.extend("other", never=True)

    assert then.is_when(until, 3 * HOUR)
    assert (forever.expires_at, forever.life_to_begin) == (None, None)
    assert await desk.let_in() == ["web", "other"]
    assert client.status("other").expires_at is None
    assert desk.look_at(f"other.{REGION}") is None


async def test_held_before_its_begin_it_has_an_end_and_a_retry_gives_it_all_again(
    desk: Desk, client: Client
) -> None:
    """Cancelled in line, it is out of it: its end is counted from then."""
    bulk = client.enqueue_bulk([spec(ttl="2h", on_failure="hold")])
    jump(desk.redis, desk.keys, 5 * HOUR)

    with Moment(desk) as then:
        client.cancel("web")
    assert then.is_when(client.status("web").expires_at, 2 * HOUR)
    assert looked_at(desk, client.status("web"))

    client.retry_bulk(bulk.id)
    assert (client.status("web").expires_at, desk.look_at()) == (None, None)
    assert await desk.let_in() == ["web"]
    assert client.status("web").expires_at is not None


async def test_a_worker_that_knows_no_ends_takes_none_away(desk: Desk) -> None:
    """One of version 0.1.0 has begun it without letting it in: the next one sees to its end."""
    run = desk.accept(ttl="2h", priority=Priority.LOW, bulk="a")
    desk.set_fields(state=State.PROVISIONING)

    with Moment(desk) as then:
        assert isinstance(await desk.ask("web", run.id), Claimed)

    assert then.is_when(desk.record().expires_at, 2 * HOUR)
    assert looked_at(desk, desk.record())


@pytest.mark.parametrize("text", ["null", "7", '{"id": null, "counted_from": 1, "at": null}'])
async def test_an_end_that_cannot_be_read_holds_nobody_up(desk: Desk, text: str) -> None:
    """In line, or on its way there."""
    desk.accept(priority=Priority.LOW, bulk="a", ttl="2h")
    desk.set_fields(f"web.{REGION}", expiry=text)

    assert await desk.let_in() == ["web"]
    assert desk.redis.hget(desk.keys.record(WEB), "expiry") == text
