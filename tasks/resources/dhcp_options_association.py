"""Which DHCP options a VPC has: an association without an id or tags of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, Self

from tasks.aws.errors import ErrorClass, tolerating
from tasks.aws.listing import in_filters
from tasks.context import Context
from tasks.joint import joined, parts
from tasks.resources.base import Resource, all_ids

_NONE_OF_OURS: Final = "default"
"""The name by which AWS takes its own options, or none, back (EC2 API: AssociateDhcpOptions)."""


@dataclass(frozen=True, kw_only=True)
class DhcpOptionsAssociation(Resource):
    """Known to the record as `<options id>@<vpc id>`. A VPC has one, and one more replaces it."""

    kind: ClassVar[str] = "dhcp_options_association"

    options: str
    vpc: str

    @classmethod
    async def find(
        cls, context: Context, wanted: Sequence[Self], tagged: Mapping[str, Sequence[str]]
    ) -> dict[str, list[str]]:
        has = await _options_of(
            context, [one for each in wanted for one in context.ids_of(each.vpc)]
        )
        return {
            association.key: [joined(has[vpc_id], vpc_id)]
            for association in wanted
            for vpc_id in context.ids_of(association.vpc)
            if has.get(vpc_id) in context.ids_of(association.options)
        }

    async def create(self, context: Context, count: int) -> list[str]:
        options_id, vpc_id = context.id_of(self.options), context.id_of(self.vpc)
        await context.ec2.associate_dhcp_options(DhcpOptionsId=options_id, VpcId=vpc_id)
        return [*self.ids_foreseen(context)]

    def ids_foreseen(self, context: Context) -> tuple[str, ...]:
        return (joined(context.id_of(self.options), context.id_of(self.vpc)),)

    @classmethod
    async def delete(cls, context: Context, doomed: Mapping[str, Sequence[str]]) -> None:
        """Give the VPC AWS's own options back, where it still has these."""
        pairs = [parts(one) for one in all_ids(doomed)]
        has = await _options_of(context, [vpc_id for _, vpc_id in pairs])
        for options_id, vpc_id in pairs:
            if has.get(vpc_id) == options_id:
                with tolerating(ErrorClass.NOT_FOUND):
                    await context.ec2.associate_dhcp_options(
                        DhcpOptionsId=_NONE_OF_OURS, VpcId=vpc_id
                    )

    @classmethod
    def goes_with_another(cls, context: Context, key: str) -> bool:
        return True


async def _options_of(context: Context, vpc_ids: Sequence[str]) -> dict[str, str]:
    """The id of the DHCP options that each of these VPCs has."""
    return {
        vpc["VpcId"]: vpc["DhcpOptionsId"]
        for ids in in_filters(vpc_ids)
        for vpc in (await context.ec2.describe_vpcs(Filters=[{"Name": "vpc-id", "Values": ids}]))[
            "Vpcs"
        ]
    }
