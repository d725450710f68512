"""Instances of one group in one zone: they are launched together, by one call."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from tasks.aws.errors import AwsError, ErrorClass
from tasks.aws.listing import Listing, in_filters
from tasks.context import Context
from tasks.resources.base import Tagged, all_ids

if TYPE_CHECKING:
    from types_aiobotocore_ec2.client import EC2Client
    from types_aiobotocore_ec2.literals import InstanceTypeType, VolumeTypeType


@dataclass(frozen=True, kw_only=True)
class RootVolume:
    """The first disk of an instance; its size in GiB."""

    device_name: str
    encrypted: bool
    type: "VolumeTypeType"
    size: int


@dataclass(frozen=True, kw_only=True)
class Instances(Tagged):
    """`count` of them under one key, since one call gives all that it launches the same tags."""

    kind: ClassVar[str] = "instances"
    aws_type: ClassVar[str] = "instance"
    listing: ClassVar[Listing] = Listing(
        operation="describe_instances",
        items="Reservations",
        id_field="InstanceId",
        id_filter="instance-id",
        gone=frozenset({"shutting-down", "terminated"}),
    )
    by_token: ClassVar[bool] = True
    deleted_together: ClassVar[bool] = True

    group: str
    subnet: str
    public_address: bool
    security_groups: tuple[str, ...]
    image: str
    instance_type: "InstanceTypeType"
    key_name: str | None
    root_volume: RootVolume
    user_data: str | None = field(repr=False)
    own_tags: Mapping[str, str]

    async def create(self, context: Context, count: int) -> list[str]:
        name = f"{context.spec.name}-{self.group}"
        optional: Any = {}
        if self.key_name is not None:
            optional["KeyName"] = self.key_name
        if self.user_data is not None:
            # Plain: the SDK encodes it, as the EC2 API wants it.
            optional["UserData"] = self.user_data
        answer = await context.ec2.run_instances(
            ClientToken=context.token(self.key),
            MinCount=count,
            MaxCount=count,
            ImageId=self.image,
            InstanceType=self.instance_type,
            # A public address is asked for here, at the launch, since the subnet's own switch
            # would be one more call for each subnet.
            NetworkInterfaces=[
                {
                    "DeviceIndex": 0,
                    "SubnetId": context.id_of(self.subnet),
                    "AssociatePublicIpAddress": self.public_address,
                    "Groups": [context.id_of(key) for key in self.security_groups],
                    "DeleteOnTermination": True,
                }
            ],
            BlockDeviceMappings=[self._root_device()],
            MetadataOptions={"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
            TagSpecifications=[
                *self.tags(context, self.group, self.own_tags),
                {"ResourceType": "volume", "Tags": context.tags(None, name, self.own_tags)},
            ],
            **optional,
        )
        return [instance["InstanceId"] for instance in answer["Instances"]]

    def _root_device(self) -> Any:
        return {
            "DeviceName": self.root_volume.device_name,
            "Ebs": {
                "Encrypted": self.root_volume.encrypted,
                "VolumeType": self.root_volume.type,
                "VolumeSize": self.root_volume.size,
                "DeleteOnTermination": True,
            },
        }

    @classmethod
    async def delete(cls, context: Context, doomed: Mapping[str, Sequence[str]]) -> None:
        """Terminate them all in one call, and wait until they are: till then they hold on to
        their subnets and security groups."""
        ids = all_ids(doomed)
        try:
            await context.ec2.terminate_instances(InstanceIds=ids)
        except AwsError as error:
            if error.error_class is not ErrorClass.NOT_FOUND:
                raise
            # One unknown id makes AWS refuse the call for all of them.
            states = await _states(context.ec2, ids)
            if left := [one for one, state in states.items() if state != "terminated"]:
                await context.ec2.terminate_instances(InstanceIds=left)
        while await _may_still_run(context, ids):
            await context.lease.pause(context.settings.poll_every)


async def _may_still_run(context: Context, ids: Sequence[str]) -> bool:
    """Whether one is not terminated, or too new for its absence to mean anything."""
    states = await _states(context.ec2, ids)
    return any(
        states[one] != "terminated" if one in states else not context.is_settled() for one in ids
    )


async def _states(ec2: "EC2Client", ids: Sequence[str]) -> dict[str, str]:
    """The states of those that AWS shows, by id."""
    states: dict[str, str] = {}
    for some in in_filters(ids):
        answer = await ec2.describe_instances(Filters=[{"Name": "instance-id", "Values": some}])
        states |= {
            instance["InstanceId"]: instance["State"]["Name"]
            for reservation in answer["Reservations"]
            for instance in reservation["Instances"]
        }
    return states
