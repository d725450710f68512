"""The VPC: the network that all else stands in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from tasks.aws.errors import ErrorClass, tolerating
from tasks.context import ACCOUNT, Context
from tasks.resources.base import Tagged, all_ids

if TYPE_CHECKING:
    from types_aiobotocore_ec2.client import EC2Client


@dataclass(frozen=True, kw_only=True)
class Vpc(Tagged):
    kind: ClassVar[str] = "vpc"
    aws_type: ClassVar[str] = "vpc"

    cidr: str

    @classmethod
    async def existing(cls, ec2: "EC2Client", ids: Sequence[str]) -> list[str]:
        answer = await ec2.describe_vpcs(Filters=[{"Name": "vpc-id", "Values": [*ids]}])
        return [vpc["VpcId"] for vpc in answer["Vpcs"]]

    async def create(self, context: Context, count: int) -> list[str]:
        answer = await context.ec2.create_vpc(
            CidrBlock=self.cidr,
            TagSpecifications=[
                {"ResourceType": "vpc", "Tags": context.tags(self.key, context.spec.name)}
            ],
        )
        await context.remember(ACCOUNT, answer["Vpc"]["OwnerId"])
        return [answer["Vpc"]["VpcId"]]

    @classmethod
    async def delete(cls, context: Context, doomed: Mapping[str, Sequence[str]]) -> None:
        for vpc_id in all_ids(doomed):
            with tolerating(ErrorClass.NOT_FOUND):
                await context.ec2.delete_vpc(VpcId=vpc_id)
