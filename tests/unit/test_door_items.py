"""A call on several items that AWS answers with those that it refused."""

import pytest

from tasks.aws.door import Door
from tasks.aws.errors import AwsError, ErrorClass
from tests.sdk import ANSWER, SETTINGS, Client, Clock, PatientLease

GONE = ("fl-1", "InvalidFlowLogId.NotFound", "It does not exist")
HELD = ("fl-2", "OperationNotPermitted", "A service manages it")
BUSY = ("fl-3", "IncorrectState", "It is pending")


def answer(*refused: tuple[str, str, str]) -> dict:
    return ANSWER | {
        "Unsuccessful": [
            {"ResourceId": one, "Error": {"Code": code, "Message": message}}
            for one, code, message in refused
        ]
    }


async def test_a_refused_item_is_an_error(clock: Clock) -> None:
    """Of a call that counts as successful in HTTP; it is named with AWS's words on it."""
    door = Door(Client(answer(GONE, HELD)), PatientLease(clock), SETTINGS)

    with pytest.raises(AwsError, match=r"OperationNotPermitted: fl-2: A service man") as caught:
        await door.delete_flow_logs(FlowLogIds=["fl-1", "fl-2"])

    assert caught.value.action == "DeleteFlowLogs"


async def test_what_is_gone_is_told_where_nothing_else_is_wrong(clock: Clock) -> None:
    """So that a delete may take it for done."""
    door = Door(Client(answer(GONE)), PatientLease(clock), SETTINGS)

    with pytest.raises(AwsError) as caught:
        await door.delete_flow_logs(FlowLogIds=["fl-1"])

    assert caught.value.error_class is ErrorClass.NOT_FOUND


async def test_an_item_is_repeated_as_its_error_asks_for(clock: Clock) -> None:
    """Like the error of a whole call: what is in another state now is tried again."""
    client = Client(answer(BUSY), answer())
    door = Door(client, PatientLease(clock), SETTINGS)

    await door.delete_flow_logs(FlowLogIds=["fl-3"])

    assert len(client.calls) == 2
