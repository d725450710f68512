"""A subnet: a part of the VPC's addresses, in one zone."""

from dataclasses import dataclass
from typing import ClassVar

from tasks.aws.listing import Listing
from tasks.context import Context
from tasks.resources.base import Tagged


@dataclass(frozen=True, kw_only=True)
class Subnet(Tagged):
    kind: ClassVar[str] = "subnet"
    aws_type: ClassVar[str] = "subnet"
    listing: ClassVar[Listing] = Listing(
        operation="describe_subnets", items="Subnets", id_field="SubnetId", id_filter="subnet-id"
    )
    delete_operation: ClassVar[str] = "delete_subnet"

    vpc: str
    name: str
    cidr: str
    zone: str

    async def create(self, context: Context, count: int) -> list[str]:
        answer = await context.ec2.create_subnet(
            VpcId=context.id_of(self.vpc),
            CidrBlock=self.cidr,
            AvailabilityZone=self.zone,
            TagSpecifications=self.tags(context, self.name),
        )
        return [answer["Subnet"]["SubnetId"]]
