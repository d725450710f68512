"""The VPC: the network that all else stands in."""

from dataclasses import dataclass
from typing import ClassVar

from tasks.aws.listing import Listing
from tasks.context import ACCOUNT, Context
from tasks.resources.base import Tagged


@dataclass(frozen=True, kw_only=True)
class Vpc(Tagged):
    kind: ClassVar[str] = "vpc"
    aws_type: ClassVar[str] = "vpc"
    listing: ClassVar[Listing] = Listing(
        operation="describe_vpcs", items="Vpcs", id_field="VpcId", id_filter="vpc-id"
    )
    delete_operation: ClassVar[str] = "delete_vpc"

    cidr: str

    async def create(self, context: Context, count: int) -> list[str]:
        answer = await context.ec2.create_vpc(
            CidrBlock=self.cidr, TagSpecifications=self.tags(context)
        )
        await context.remember(ACCOUNT, answer["Vpc"]["OwnerId"])
        return [answer["Vpc"]["VpcId"]]
