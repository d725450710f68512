"""A subnet: a part of the VPC's addresses, in one zone."""

from dataclasses import dataclass
from ipaddress import IPv6Network
from typing import Any, ClassVar, Final

from tasks.aws.listing import Listing
from tasks.context import Context
from tasks.resources.base import Tagged

_IPV6_PREFIX: Final = 64


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
    ipv6_index: int | None = None
    """Which /64 of the VPC's IPv6 block it has; none where it has none."""

    async def create(self, context: Context, count: int) -> list[str]:
        answer = await context.ec2.create_subnet(
            VpcId=context.id_of(self.vpc),
            CidrBlock=self.cidr,
            AvailabilityZone=self.zone,
            TagSpecifications=self.tags(context, self.name),
            **self._ipv6(context),
        )
        return [answer["Subnet"]["SubnetId"]]

    def _ipv6(self, context: Context) -> Any:
        if self.ipv6_index is None:
            return {}
        block = context.known.ipv6_block_of(context.id_of(self.vpc))
        return {"Ipv6CidrBlock": part_of_ipv6(block, self.ipv6_index)}


def part_of_ipv6(block: str, index: int) -> str:
    """One of the 256 blocks of /64 in a VPC's /56 (Amazon VPC User Guide: subnet sizing)."""
    whole = IPv6Network(block)
    size = 1 << (whole.max_prefixlen - _IPV6_PREFIX)
    return str(IPv6Network((int(whole.network_address) + index * size, _IPV6_PREFIX)))
