"""A security group, without its rules."""

from dataclasses import dataclass
from typing import ClassVar

from tasks.aws.listing import Listing
from tasks.context import Context
from tasks.resources.base import Tagged


@dataclass(frozen=True, kw_only=True)
class SecurityGroup(Tagged):
    kind: ClassVar[str] = "security_group"
    aws_type: ClassVar[str] = "security-group"
    listing: ClassVar[Listing] = Listing(
        operation="describe_security_groups",
        items="SecurityGroups",
        id_field="GroupId",
        id_filter="group-id",
    )
    delete_operation: ClassVar[str] = "delete_security_group"

    vpc: str
    name: str
    name_in_vpc: str
    description: str

    async def create(self, context: Context, count: int) -> list[str]:
        answer = await context.ec2.create_security_group(
            VpcId=context.id_of(self.vpc),
            GroupName=self.name_in_vpc,
            Description=self.description,
            TagSpecifications=self.tags(context, self.name),
        )
        return [answer["GroupId"]]
