"""A set of DHCP options: what the instances of a VPC are told of the network."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from tasks.aws.listing import Listing
from tasks.context import Context
from tasks.resources.base import Tagged


@dataclass(frozen=True, kw_only=True)
class DhcpOptions(Tagged):
    kind: ClassVar[str] = "dhcp_options"
    aws_type: ClassVar[str] = "dhcp-options"
    listing: ClassVar[Listing] = Listing(
        operation="describe_dhcp_options",
        items="DhcpOptions",
        id_field="DhcpOptionsId",
        id_filter="dhcp-options-id",
    )
    delete_operation: ClassVar[str] = "delete_dhcp_options"

    options: Mapping[str, Sequence[str]]

    async def create(self, context: Context, count: int) -> list[str]:
        answer = await context.ec2.create_dhcp_options(
            DhcpConfigurations=[
                {"Key": name, "Values": [*values]} for name, values in self.options.items()
            ],
            TagSpecifications=self.tags(context),
        )
        return [answer["DhcpOptions"]["DhcpOptionsId"]]
