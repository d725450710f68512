"""How instances end: all in one call, unless some are protected; and what they leave behind."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from envwright.failure import FailureCategory
from envwright.targets import group_of
from tasks.aws.errors import AwsError, ErrorClass, tolerating
from tasks.aws.listing import in_filters
from tasks.context import Context
from tasks.failures import StepError
from tasks.together import together

if TYPE_CHECKING:
    from types_aiobotocore_ec2.client import EC2Client
    from types_aiobotocore_ec2.type_defs import InstanceTypeDef

ENDING: Final = frozenset({"shutting-down", "terminated"})

_NOT_PERMITTED: Final = "OperationNotPermitted"


async def terminate(context: Context, ids: Sequence[str]) -> None:
    """Raises `StepError` where AWS refuses, since some of these are protected."""
    try:
        await context.ec2.terminate_instances(InstanceIds=[*ids])
    except AwsError as error:
        if error.code != _NOT_PERMITTED:
            raise
        name = context.record.environment_id
        protected = [one for one in ids if await _is_protected(context, one)]
        raise StepError(
            FailureCategory.BLOCKED,
            f"AWS protects {', '.join(protected or ids)} of {name} from termination. Lift that in "
            f"AWS and retry; or `envwright down --force {name}` lifts it, and takes all of {name} "
            f"down.",
        ) from error


async def _is_protected(context: Context, one: str) -> bool:
    answer = await context.ec2.describe_instance_attribute(
        InstanceId=one, Attribute="disableApiTermination"
    )
    return bool(answer["DisableApiTermination"].get("Value"))


async def lift_protection(context: Context, ids: Sequence[str]) -> None:
    """Let AWS terminate these: one call for each that is not ending already."""

    async def lift(one: str) -> None:
        with tolerating(ErrorClass.NOT_FOUND):
            await context.ec2.modify_instance_attribute(
                InstanceId=one, DisableApiTermination={"Value": False}
            )

    states = await states_of(context.ec2, ids)
    alive = [one for one in ids if states.get(one) not in ENDING]
    await together(context.lease, *map(lift, alive))


async def tell_of_kept_volumes(context: Context, doomed: Mapping[str, Sequence[str]]) -> None:
    """Put on record which volumes outlive these instances (ids by key).

    AWS is asked only where the spec wants some to, or where it is lost.
    """
    spec, region = context.record.spec, context.record.identity.region
    for key, ids in doomed.items():
        group = spec.instances.get(group_of(key, region)) if spec else None
        if ids and (spec is None or (group is not None and group.keeps_volumes)):
            kept = [
                mapping["Ebs"]["VolumeId"]
                for instance in await _described(context.ec2, ids)
                for mapping in instance.get("BlockDeviceMappings", ())
                if "Ebs" in mapping and not mapping["Ebs"].get("DeleteOnTermination")
            ]
            if kept:
                await context.tell_of_kept(key, kept)


async def states_of(ec2: "EC2Client", ids: Sequence[str]) -> dict[str, str]:
    """The states of those that AWS shows, by id."""
    return {one["InstanceId"]: one["State"]["Name"] for one in await _described(ec2, ids)}


async def _described(ec2: "EC2Client", ids: Sequence[str]) -> "list[InstanceTypeDef]":
    return [
        instance
        for some in in_filters(ids)
        for reservation in (
            await ec2.describe_instances(Filters=[{"Name": "instance-id", "Values": some}])
        )["Reservations"]
        for instance in reservation["Instances"]
    ]
