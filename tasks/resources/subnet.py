"""A subnet: a part of the VPC's addresses, in one zone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from tasks.aws.errors import ErrorClass, tolerating
from tasks.context import Context
from tasks.resources.base import Tagged, all_ids
from tasks.together import together

if TYPE_CHECKING:
    from types_aiobotocore_ec2.client import EC2Client


@dataclass(frozen=True, kw_only=True)
class Subnet(Tagged):
    kind: ClassVar[str] = "subnet"
    aws_type: ClassVar[str] = "subnet"

    vpc: str
    name: str
    cidr: str
    zone: str

    @classmethod
    async def existing(cls, ec2: "EC2Client", ids: Sequence[str]) -> list[str]:
        answer = await ec2.describe_subnets(Filters=[{"Name": "subnet-id", "Values": [*ids]}])
        return [subnet["SubnetId"] for subnet in answer["Subnets"]]

    async def create(self, context: Context, count: int) -> list[str]:
        answer = await context.ec2.create_subnet(
            VpcId=context.id_of(self.vpc),
            CidrBlock=self.cidr,
            AvailabilityZone=self.zone,
            TagSpecifications=[
                {
                    "ResourceType": "subnet",
                    "Tags": context.tags(self.key, f"{context.spec.name}-{self.name}"),
                }
            ],
        )
        return [answer["Subnet"]["SubnetId"]]

    @classmethod
    async def delete(cls, context: Context, doomed: Mapping[str, Sequence[str]]) -> None:
        await together(context.lease, *(_delete(context, one) for one in all_ids(doomed)))


async def _delete(context: Context, subnet_id: str) -> None:
    with tolerating(ErrorClass.NOT_FOUND):
        await context.ec2.delete_subnet(SubnetId=subnet_id)
