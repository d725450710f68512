"""The door and AWS's request limits: when a turn is asked for, and what is told of throttling."""

from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tasks.aws.door import Door
from tasks.aws.errors import AwsError
from tasks.aws.wire import Wire
from tasks.lease import Permit
from tests.sdk import ANSWER, FAILED, SETTINGS, Client, Clock, PatientLease, refusal


class Pace:
    """Lets each call go after so many seconds, and writes down what it was asked and told."""

    def __init__(self, clock: Clock, seconds: float = 0.0) -> None:
        self.said: list[str] = []
        self._clock = clock
        self._seconds = seconds

    async def turn(
        self, action: str, parameters: Mapping[str, Any], permit: Permit, *, at_the_front: bool
    ) -> None:
        self.said.append(f"{action} {'again' if at_the_front else 'behind the others'}")
        self._clock.now += self._seconds

    async def throttled(self, action: str, parameters: Mapping[str, Any]) -> None:
        self.said.append(f"{action} was throttled")

    async def __aenter__(self) -> None:
        """Stands in for the connections of the client, too."""
        self.said.append("connection")

    async def __aexit__(self, *_: object) -> None:
        self.said.append("connection free")


def throttled(action: str) -> ClientError:
    return ClientError(refusal("RequestLimitExceeded", 503).response, action)


def door_with(pace: Pace, client: Client, lease: PatientLease) -> Door:
    return Door(client, lease, SETTINGS, wire=Wire(pace, pace))  # type: ignore[arg-type]


async def test_each_attempt_waits_for_its_turn_before_it_takes_a_connection(clock: Clock) -> None:
    """One that is stuck in line would keep connections from the calls that may go."""
    pace = Pace(clock)

    await door_with(pace, Client(FAILED, ANSWER), PatientLease(clock)).delete_vpc()

    attempt = ["DeleteVpc behind the others", "connection", "connection free"]
    assert pace.said == attempt * 2


async def test_a_throttled_call_comes_again_before_the_others(clock: Clock) -> None:
    """It tells so, and pauses for a second at most, since then it waits for its turn."""
    pace = Pace(clock)

    await door_with(
        pace, Client(*[throttled("DeleteVpc")] * 8, FAILED, FAILED, ANSWER), PatientLease(clock)
    ).delete_vpc()

    said = [one for one in pace.said if "connection" not in one]
    assert said == [
        "DeleteVpc behind the others",
        *["DeleteVpc was throttled", "DeleteVpc again"] * 8,
        *["DeleteVpc behind the others"] * 2,
    ]
    assert all(pause <= 1 for pause in clock.pauses[:8])
    assert len(set(clock.pauses)) == len(clock.pauses)


async def test_what_the_sdk_called_before_is_another_matter(clock: Clock) -> None:
    """That AssumeRole was one too many says nothing of the call itself."""
    pace = Pace(clock)

    await door_with(pace, Client(throttled("AssumeRole"), ANSWER), PatientLease(clock)).delete_vpc()

    assert "DeleteVpc was throttled" not in pace.said
    assert "DeleteVpc again" not in pace.said


async def test_patience_is_not_spent_on_turns(clock: Clock) -> None:
    """However long others of its account take: what it may be in use for is as long as ever."""
    pace, client = Pace(clock, seconds=1000), Client(refusal("DependencyViolation"))

    with pytest.raises(AwsError):
        await door_with(pace, client, PatientLease(clock)).delete_vpc()

    assert sum(clock.pauses) >= SETTINGS.conflict_timeout
    assert len(client.calls) > 5
