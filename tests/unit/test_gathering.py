"""Calls that go together: their turn at AWS's request limits, and which of them go alone."""

import asyncio
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tasks.aws import gathering
from tasks.aws.actions import Effect
from tasks.aws.door import Door
from tasks.aws.gathering import Gathering
from tasks.aws.listing import Listing
from tasks.aws.pacing import Pace
from tasks.aws.sharing import ask_of
from tasks.aws.wire import Call, Wire
from tasks.kinds import TAGGED
from tasks.lease import LOOKING, End, Look, Permit
from tests.sdk import ANSWER, SETTINGS, THROTTLED, Client, Clock, PatientLease, refusal

IDS = ["i-1", "i-2", "i-3"]
TOLD = ANSWER | {"InstanceStatuses": [{"InstanceId": one} for one in IDS]}


class Turns(Pace):
    """Whose turns come when the test says so."""

    def __init__(self, *, come: bool = True) -> None:
        self.asked: list[tuple[Permit, bool]] = []
        self.given_up = 0
        self.awaited = asyncio.Event()
        self._come = come

    async def turn(self, *_: Any, at_the_front: bool = False) -> None:
        permit = next(one for one in _ if isinstance(one, Permit))
        self.asked.append((permit, at_the_front))
        self.awaited.set()
        turn = asyncio.get_running_loop().create_future()
        if self._come:
            turn.set_result(None)
        try:
            await permit.wait_for_turn(turn)
        except asyncio.CancelledError:
            self.given_up += 1
            raise

    async def throttled(self, *_: Any) -> None:
        """It is told, and nothing is made of it."""


def ask(permit: Permit, wire: Gathering, client: Client, one: str) -> "asyncio.Task[Any]":
    door = Door(client, permit, SETTINGS, wire=wire)
    call = door.describe_instance_status(InstanceIds=[one], IncludeAllInstances=True)
    return asyncio.ensure_future(call)


async def test_a_call_for_many_takes_one_turn_in_the_best_flow(clock: Clock) -> None:
    """Somebody may sit and wait for one of its answers."""
    turns, client = Turns(), Client(TOLD)
    wire = Gathering(Wire(pace=turns))
    permits = [PatientLease(clock), Look(60), PatientLease(clock)]

    await asyncio.gather(
        *(ask(permit, wire, client, one) for permit, one in zip(permits, IDS, strict=True))
    )

    ((permit, _),) = turns.asked
    assert permit.flow is LOOKING
    assert client.calls == [{"InstanceIds": IDS, "IncludeAllInstances": True}]


async def test_what_was_throttled_goes_first_when_it_is_made_again(clock: Clock) -> None:
    """As each of its callers would have gone."""
    throttled = ClientError(THROTTLED.response, "DescribeInstanceStatus")
    turns, client = Turns(), Client(throttled, TOLD)
    wire = Gathering(Wire(pace=turns))

    await asyncio.gather(*(ask(PatientLease(clock), wire, client, one) for one in IDS))

    assert [at_the_front for _, at_the_front in turns.asked] == [False, True]


async def test_each_caller_knows_how_long_the_call_of_all_waited(clock: Clock) -> None:
    """So that what it may have to wait for in AWS is no shorter for that."""

    class SlowTurns(Turns):
        async def turn(self, *_: Any, at_the_front: bool = False) -> None:
            await super().turn(*_, at_the_front=at_the_front)
            clock.now += 7.0

    method = Client(TOLD).describe_instance_status
    wire = Gathering(Wire(pace=SlowTurns()))
    calls = [
        Call("DescribeInstanceStatus", Effect.READ, method, {"InstanceIds": [one]}) for one in IDS
    ]

    await asyncio.gather(*(wire.send(call, PatientLease(clock)) for call in calls))

    assert [round(call.waited) for call in calls] == [7] * len(IDS)


async def test_nobodys_call_waits_for_no_turn(clock: Clock) -> None:
    """Of callers who left, one halted and the other killed, nothing is left waiting; who was
    halted can tell what he was waiting for."""
    turns, client = Turns(come=False), Client(TOLD)
    wire = Gathering(Wire(pace=turns))
    lease = PatientLease(clock)
    halted = ask(lease, wire, client, "i-1")
    killed = ask(PatientLease(clock), wire, client, "i-2")
    await turns.awaited.wait()

    lease.halt(End.DEADLINE)
    await asyncio.wait([halted], timeout=10)
    assert halted.done()
    assert lease.trouble is not None
    assert lease.trouble.message.startswith("DescribeInstanceStatus waited for its turn")
    assert turns.given_up == 0
    killed.cancel()
    await asyncio.wait([killed])
    await asyncio.sleep(0)

    assert turns.given_up == 1
    assert client.calls == []


@pytest.mark.parametrize(
    ("error", "goes_together"),
    [
        (THROTTLED, True),
        (refusal("ExpiredToken"), True),
        (refusal("InvalidInstanceID.NotFound"), False),
        (refusal("IncorrectState"), False),
    ],
    ids=lambda one: one.response["Error"]["Code"] if isinstance(one, Exception) else "",
)
async def test_who_was_refused_by_himself_repeats_by_himself(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, error: Exception, goes_together: bool
) -> None:
    """An id that AWS does not know yet would have others refused each time that it is asked for."""
    offered: list[object] = []

    def noting(call: Any) -> Any:
        offered.append(call)
        return ask_of(call)

    monkeypatch.setattr(gathering, "ask_of", noting)
    client = Client(error, error, error, TOLD)

    await ask(PatientLease(clock), Gathering(Wire()), client, "i-1")

    assert len(client.calls) == 4
    assert len(offered) == (4 if goes_together else 1)


async def test_nothing_is_kept_of_what_was_asked(clock: Clock) -> None:
    """A worker that has asked of a thousand networks remembers none of them."""
    wire = Gathering(Wire())

    for one in IDS:
        await ask(PatientLease(clock), wire, Client(TOLD), one)
    await asyncio.sleep(0)

    assert not wire._batchers


@pytest.mark.parametrize(
    "listing", [one.listing for one in TAGGED.values() if one.listing.id_filter]
)
def test_the_ids_of_every_kind_are_told_by_one_rule(listing: Listing) -> None:
    """What a filter for ids is called says which field has the id: no kind is an exception."""
    filters = [{"Name": listing.id_filter, "Values": ["one-1", "two-2"]}]
    call = Call(listing.operation, Effect.READ, Client(ANSWER).any, {listing.filters: filters})

    asked = ask_of(call)

    assert asked is not None
    assert (asked.field, asked.values) == (listing.id_field, ("one-1", "two-2"))
