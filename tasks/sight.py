"""Look at instances for a caller: how they stand, and what one of them wrote to its console."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from envwright.sight import Console, SeenInstance, Sight
from tasks.aws.errors import AwsError, ErrorClass
from tasks.checks import statuses
from tasks.resources.instances import Instances

if TYPE_CHECKING:
    from types_aiobotocore_ec2.client import EC2Client

_GONE = Instances.listing.gone


async def look_at_instances(ec2: "EC2Client", groups: Mapping[str, Sequence[str]]) -> Sight:
    """How AWS has these instances, which are ids by group; those that it does not know as well."""
    group_of = {one: group for group, ids in groups.items() for one in ids}
    with_ended = replace(Instances.listing, gone=frozenset())
    found = {one["InstanceId"]: one for one in await with_ended.of_ids(ec2, [*group_of])}
    there = [one for one, said in found.items() if said["State"]["Name"] not in _GONE]
    checks = {one["InstanceId"]: one for one in await statuses(ec2, there)}
    seen = [
        _seen(one, group, found[one], checks.get(one))
        if one in found
        else SeenInstance(id=one, group=group)
        for one, group in group_of.items()
    ]
    return Sight(instances=tuple(sorted(seen, key=lambda one: (one.group, one.zone or "", one.id))))


async def read_console(ec2: "EC2Client", instance: str) -> Console:
    """What AWS has of the instance's console: the latest, where its type knows that."""
    try:
        answer = await ec2.get_console_output(InstanceId=instance, Latest=True)
    except AwsError as error:
        # Only what is built on Nitro can (EC2 User Guide, "Instance console output").
        if error.error_class is not ErrorClass.INVALID:
            raise
        answer = await ec2.get_console_output(InstanceId=instance)
    told: Mapping[str, Any] = answer
    at = told.get("Timestamp")
    # The SDK has decoded it.
    return Console(text=told.get("Output", ""), at=at and at.timestamp())


def _seen(one: str, group: str, said: Mapping[str, Any], checked: Any) -> SeenInstance:
    return SeenInstance(
        id=one,
        group=group,
        state=said["State"]["Name"],
        instance_check=checked and checked["InstanceStatus"]["Status"],
        system_check=checked and checked["SystemStatus"]["Status"],
        type=said["InstanceType"],
        zone=said["Placement"]["AvailabilityZone"],
        image=said["ImageId"],
        private_ip=said.get("PrivateIpAddress"),
        public_ip=said.get("PublicIpAddress"),
        launched_at=said["LaunchTime"].timestamp(),
    )
