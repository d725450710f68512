"""The door to AWS and the lease: no call begins after it, and it knows what is waited for."""

from collections.abc import Awaitable, Callable

import pytest

from tasks.aws.door import Door
from tasks.aws.errors import ErrorClass, Halted
from tasks.lease import End, Lease
from tests.sdk import (
    ANSWER,
    SETTINGS,
    THROTTLED,
    Client,
    Clock,
    PatientLease,
    refusal,
)


async def test_no_call_begins_after_the_lease(clock: Clock) -> None:
    """Not the first, not a repetition; a worker that was frozen finds its lease gone."""
    client = Client(ANSWER)
    door = Door(client, PatientLease(clock, until=clock.now - 1), SETTINGS)

    for call in (door.create_vpc, door.describe_vpcs):
        with pytest.raises(Halted, match="the lease was lost"):
            await call()

    assert client.calls == []


async def test_only_reads_begin_in_the_last_seconds_of_the_lease(clock: Clock) -> None:
    """A change that was sent then might have its effect when another has the lease."""
    client = Client(ANSWER)

    await Door(client, PatientLease(clock, until=clock.now + 4), SETTINGS).describe_vpcs()
    with pytest.raises(Halted):
        await Door(client, PatientLease(clock, until=clock.now + 4), SETTINGS).delete_vpc()

    assert len(client.calls) == 1


async def test_a_repetition_ends_with_the_lease(clock: Clock) -> None:
    """A call that is throttled for ever does not outlive it."""
    client = Client(THROTTLED)

    with pytest.raises(Halted):
        await Door(client, PatientLease(clock, until=clock.now + 60), SETTINGS).create_vpc()

    assert len(client.calls) > 1
    assert clock.now < 1070


async def test_a_lease_that_was_halted_says_why(clock: Clock) -> None:
    """The first reason stays."""
    lease = PatientLease(clock)
    lease.halt(End.STOPPING)
    lease.halt(End.LOST)

    with pytest.raises(Halted, match="the worker is stopping"):
        await Door(Client(ANSWER), lease, SETTINGS).describe_vpcs()


async def test_the_lease_knows_what_is_waited_for(clock: Clock) -> None:
    """So that a run whose deadline passes can say what it was waiting on."""
    lease = PatientLease(clock)
    door = Door(Client(refusal("DependencyViolation")), lease, SETTINGS)
    lease.pause = _halting(lease)  # type: ignore[method-assign]

    with pytest.raises(Halted):
        await door.delete_vpc()

    assert "DependencyViolation: Because." in str(lease.trouble)


def _halting(lease: Lease) -> Callable[[float], Awaitable[None]]:
    async def pause(seconds: float) -> None:
        lease.halt(End.DEADLINE)
        lease.check(changing=False)

    return pause


async def test_an_answer_to_another_call_leaves_the_trouble(clock: Clock) -> None:
    """What is made beside it does not hide that a call is refused again and again."""
    lease = PatientLease(clock)
    jammed = Door(Client(THROTTLED), lease, SETTINGS)

    async def pause(seconds: float) -> None:
        await Door(Client(ANSWER), lease, SETTINGS).describe_vpcs()
        lease.halt(End.DEADLINE)
        lease.check(changing=False)

    lease.pause = pause  # type: ignore[method-assign]
    with pytest.raises(Halted):
        await jammed.delete_vpc()

    assert lease.trouble is not None
    assert lease.trouble.error_class is ErrorClass.THROTTLED


async def test_an_answer_ends_the_trouble(clock: Clock) -> None:
    """What was waited out is no trouble any more."""
    lease = PatientLease(clock)

    await Door(Client(THROTTLED, ANSWER), lease, SETTINGS).delete_vpc()

    assert lease.trouble is None
