"""Members of a step side by side: a failure stops the others without tearing at them."""

import asyncio
import inspect
from collections.abc import Coroutine
from typing import Any

import pytest

from tasks.aws.errors import Halted
from tasks.lease import End, Lease, clock
from tasks.store import Hold
from tasks.together import together


@pytest.fixture
def lease() -> Lease:
    return Lease(Hold("web.eu-west-1", "run", 1), clock() + 60, margin=1)


class Failed(Exception):
    """What a member fails with."""


async def failing() -> None:
    raise Failed


async def test_all_run_at_once(lease: Lease) -> None:
    """Each of them can wait for the others."""
    together_there = asyncio.Barrier(3)

    async def member() -> None:
        async with together_there:
            pass

    await together(lease, member(), member(), member())

    assert lease.end is None


async def test_what_is_under_way_is_not_cancelled(lease: Lease) -> None:
    """It is answered, and what came of it is put on record, before the failure is raised."""
    recorded = []

    async def under_way() -> None:
        await asyncio.sleep(0)
        recorded.append("made")

    with pytest.raises(Failed):
        await together(lease, failing(), under_way())

    assert recorded == ["made"]


async def test_what_waits_ends_at_once(lease: Lease) -> None:
    """And begins nothing more: the failure is the failing one's and not the others' halt."""

    async def waiting() -> None:
        await lease.pause(60)

    begun = clock()
    with pytest.raises(Failed):
        await together(lease, waiting(), failing(), waiting())

    assert clock() - begun < 30
    assert lease.end is End.FAILED
    with pytest.raises(Halted, match="another resource of the step failed"):
        lease.check(changing=False)


async def test_a_halt_is_told_when_nothing_failed(lease: Lease) -> None:
    """The worker stops: each member says so, and none of them failed."""

    async def waiting() -> None:
        await lease.pause(60)

    async def stopping() -> None:
        lease.halt(End.STOPPING)

    with pytest.raises(Halted, match="the worker is stopping"):
        await together(lease, waiting(), stopping())

    assert lease.end is End.STOPPING


@pytest.mark.parametrize("first", [True, False])
async def test_a_failure_is_told_before_a_halt(lease: Lease, first: bool) -> None:
    """Whichever member came first."""

    async def halted() -> None:
        raise Halted("Nothing further is begun.")

    members: list[Coroutine[Any, Any, None]] = [failing(), halted()]
    with pytest.raises(Failed):
        await together(lease, *(members if first else reversed(members)))


async def test_members_that_had_not_begun_when_all_is_cancelled_are_closed(lease: Lease) -> None:
    """Python warns of a coroutine that nobody awaits, and a warning fails the test that is next."""

    async def member() -> None:
        await asyncio.sleep(3600)

    waiting = member()
    running = asyncio.create_task(together(lease, waiting))
    await asyncio.sleep(0)  # it has made its members' tasks, and none of them has run
    running.cancel()
    await asyncio.wait([running])

    assert running.cancelled()
    assert inspect.getcoroutinestate(waiting) == inspect.CORO_CLOSED
