"""A security group, without its rules."""

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
class SecurityGroup(Tagged):
    kind: ClassVar[str] = "security_group"
    aws_type: ClassVar[str] = "security-group"

    vpc: str
    name: str
    description: str

    @classmethod
    async def existing(cls, ec2: "EC2Client", ids: Sequence[str]) -> list[str]:
        answer = await ec2.describe_security_groups(
            Filters=[{"Name": "group-id", "Values": [*ids]}]
        )
        return [group["GroupId"] for group in answer["SecurityGroups"]]

    async def create(self, context: Context, count: int) -> list[str]:
        answer = await context.ec2.create_security_group(
            VpcId=context.id_of(self.vpc),
            GroupName=self.name,
            Description=self.description,
            TagSpecifications=[
                {
                    "ResourceType": "security-group",
                    "Tags": context.tags(self.key, f"{context.spec.name}-{self.name}"),
                }
            ],
        )
        return [answer["GroupId"]]

    @classmethod
    async def delete(cls, context: Context, doomed: Mapping[str, Sequence[str]]) -> None:
        await together(context.lease, *(_delete(context, one) for one in all_ids(doomed)))


async def _delete(context: Context, group_id: str) -> None:
    with tolerating(ErrorClass.NOT_FOUND):
        await context.ec2.delete_security_group(GroupId=group_id)
