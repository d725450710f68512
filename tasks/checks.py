"""Wait for instances: until they run, and have passed AWS's status checks."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Final

from envwright.failure import FailureCategory
from tasks.context import Context
from tasks.failures import StepError
from tasks.lease import clock

if TYPE_CHECKING:
    from types_aiobotocore_ec2.client import EC2Client
    from types_aiobotocore_ec2.type_defs import InstanceStatusTypeDef, InstanceTypeDef

_IDS_A_CALL: Final = 100

_COMING: Final = frozenset({"pending", "running"})
_RESTING: Final = frozenset({"stopping", "stopped"})


async def until_checks_passed(
    context: Context, ids: Sequence[str], *, may_rest: Collection[str] = ()
) -> None:
    """Wait by status, which costs a tenth of a full description; 100 ids a call.

    Those that `may_rest` passed their checks before: somebody may have stopped them since.
    Raises `StepError` for one that ends or stays as it is.
    """
    begun = clock()
    waiting = list(ids)
    while waiting:
        told = await statuses(context.ec2, waiting)
        resting = {
            one["InstanceId"]
            for one in told
            if _state(one) in _RESTING and one["InstanceId"] in may_rest
        }
        for one in told:
            if _state(one) not in _COMING and one["InstanceId"] not in resting:
                raise await _not_running(context, one)
        done = resting | {one["InstanceId"] for one in told if _passed(one)}
        waiting = [one for one in waiting if one not in done]
        if waiting and clock() - begun > context.settings.instance_timeout:
            raise StepError(
                FailureCategory.AWS,
                f"After {context.settings.instance_timeout:g} s these instances do not run or "
                f"have not passed their status checks: {', '.join(waiting)}. Look at their "
                f"console output (`envwright console`); `retry` waits again.",
            )
        if waiting:
            await context.lease.pause(context.settings.poll_every)


async def until_begun(context: Context, ids: Sequence[str]) -> None:
    """Wait until none of these is pending. Raises `StepError` for one that ends instead."""
    begun = clock()
    while True:
        found = await statuses(context.ec2, ids)
        for one in found:
            if _state(one) not in _COMING | _RESTING:
                raise await _not_running(context, one)
        running = {one["InstanceId"] for one in found if _state(one) != "pending"}
        waiting = [one for one in ids if one not in running]
        if not waiting:
            return
        if clock() - begun > context.settings.instance_timeout:
            raise StepError(
                FailureCategory.AWS,
                f"After {context.settings.instance_timeout:g} s these instances do not run: "
                f"{', '.join(waiting)}. `retry` waits again.",
            )
        await context.lease.pause(context.settings.poll_every)


async def describe(context: Context, ids: Sequence[str]) -> "list[InstanceTypeDef]":
    """All that AWS says of these instances."""
    found: list[InstanceTypeDef] = []
    for start in range(0, len(ids), _IDS_A_CALL):
        answer = await context.ec2.describe_instances(
            InstanceIds=list(ids[start : start + _IDS_A_CALL])
        )
        found += [one for reservation in answer["Reservations"] for one in reservation["Instances"]]
    return found


async def statuses(ec2: "EC2Client", ids: Sequence[str]) -> "list[InstanceStatusTypeDef]":
    """The states and the status checks of these instances, whatever state they are in."""
    found: list[InstanceStatusTypeDef] = []
    for start in range(0, len(ids), _IDS_A_CALL):
        answer = await ec2.describe_instance_status(
            InstanceIds=list(ids[start : start + _IDS_A_CALL]), IncludeAllInstances=True
        )
        found += answer["InstanceStatuses"]
    return found


def _state(status: "InstanceStatusTypeDef") -> str:
    return status["InstanceState"]["Name"]


def _passed(status: "InstanceStatusTypeDef") -> bool:
    return (
        _state(status) == "running"
        and status["InstanceStatus"]["Status"] == "ok"
        and status["SystemStatus"]["Status"] == "ok"
    )


async def _not_running(context: Context, status: "InstanceStatusTypeDef") -> StepError:
    reason = await _reason(context, status["InstanceId"])
    return StepError(
        FailureCategory.AWS,
        f"Instance {status['InstanceId']} is {_state(status)} instead of running: {reason}",
    )


async def _reason(context: Context, instance_id: str) -> str:
    for found in await describe(context, [instance_id]):
        if reason := found.get("StateReason", {}).get("Message"):
            return reason
    return "AWS gives no reason."
