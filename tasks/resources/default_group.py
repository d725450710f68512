"""The VPC's default security group, without the rules that AWS gives it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from tasks.aws.errors import ErrorClass, tolerating
from tasks.context import Context
from tasks.resources.base import Resource, all_ids

if TYPE_CHECKING:
    from types_aiobotocore_ec2.type_defs import SecurityGroupTypeDef


@dataclass(frozen=True, kw_only=True)
class DefaultGroup(Resource):
    """Stripped, so that whatever is launched into it reaches nothing and nothing reaches it.

    Known to the record by the group's id. AWS makes the group with the VPC, and deletes it with it
    (Amazon VPC User Guide, "Default security groups for your VPCs").
    """

    kind: ClassVar[str] = "default_group"

    vpc: str

    @classmethod
    async def find(
        cls, context: Context, wanted: Sequence[Self], tagged: Mapping[str, Sequence[str]]
    ) -> dict[str, list[str]]:
        return {
            one.key: [group["GroupId"]]
            for one in wanted
            for vpc_id in context.ids_of(one.vpc)
            for group in await _default_groups(context, vpc_id)
            if not group["IpPermissions"] and not group["IpPermissionsEgress"]
        }

    async def create(self, context: Context, count: int) -> list[str]:
        vpc_id = context.id_of(self.vpc)
        while not (groups := await _default_groups(context, vpc_id)):
            await context.lease.pause(context.settings.poll_every)
        group = groups[0]
        with tolerating(ErrorClass.ABSENT):
            if group["IpPermissions"]:
                await context.ec2.revoke_security_group_ingress(
                    GroupId=group["GroupId"], IpPermissions=group["IpPermissions"]
                )
        with tolerating(ErrorClass.ABSENT):
            if group["IpPermissionsEgress"]:
                await context.ec2.revoke_security_group_egress(
                    GroupId=group["GroupId"], IpPermissions=group["IpPermissionsEgress"]
                )
        return [group["GroupId"]]

    @classmethod
    async def delete(cls, context: Context, doomed: Mapping[str, Sequence[str]]) -> None:
        """Give the group AWS's own rules back: from its members, and to anywhere."""
        for group_id in all_ids(doomed):
            with tolerating(ErrorClass.EXISTS):
                await context.ec2.authorize_security_group_ingress(
                    GroupId=group_id,
                    IpPermissions=[
                        {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group_id}]}
                    ],
                )
            with tolerating(ErrorClass.EXISTS):
                await context.ec2.authorize_security_group_egress(
                    GroupId=group_id,
                    IpPermissions=[{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}],
                )

    @classmethod
    def goes_with_another(cls, context: Context, key: str) -> bool:
        return True


async def _default_groups(context: Context, vpc_id: str) -> "list[SecurityGroupTypeDef]":
    """The VPC's default group, which AWS makes with the VPC and may show a moment later."""
    answer = await context.ec2.describe_security_groups(
        Filters=[
            {"Name": "vpc-id", "Values": [vpc_id]},
            {"Name": "group-name", "Values": ["default"]},
        ]
    )
    return answer["SecurityGroups"]
