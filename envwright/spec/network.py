"""The network of a spec: a VPC and its subnets."""

from ipaddress import IPv4Network
from itertools import islice
from typing import Annotated

from pydantic import Field

from envwright.spec.addresses import MAX_PREFIX, MIN_PREFIX, SubnetCidr, VpcCidr
from envwright.spec.dhcp import Dhcp
from envwright.spec.fields import Zones
from envwright.spec.flow_logs import FlowLog
from envwright.spec.forms import Flag, Whole
from envwright.spec.part import Part


class Dns(Part):
    """The DNS settings of the VPC. The defaults are those that AWS gives a new VPC."""

    support: Flag = Field(True, description="Whether Amazon's DNS server answers in the VPC.")
    hostnames: Flag = Field(
        False,
        description="Whether instances get public DNS names. The outputs show public DNS names "
        "only with this; it costs one more call, and it needs `support`.",
    )


class Subnets(Part):
    """One subnet for each zone: give `prefix` or `cidrs`, or neither to have the sizes derived."""

    prefix: Annotated[Whole, Field(ge=MIN_PREFIX, le=MAX_PREFIX)] | None = Field(
        None,
        description="The prefix length of each subnet. Left out, the VPC is cut into the smallest "
        "power of two of equal blocks that is at least twice the number of zones, so that half of "
        "it or more stays free for later tiers; no block is smaller than /28.",
    )
    cidrs: Annotated[tuple[SubnetCidr, ...], Field(min_length=1)] | None = Field(
        None, description="The subnets' own CIDR blocks, one for each zone, in the zones' order."
    )


class Network(Part):
    """A VPC with an internet gateway and one public subnet in each zone."""

    cidr: VpcCidr = Field(description="The IPv4 CIDR block of the VPC, from /16 to /28.")
    zones: Zones = Field(
        description="The availability zones: how many (1 to 6), or a list of their names."
    )
    public_subnets: Subnets = Field(
        Subnets(), description="How the public subnets are cut out of the VPC."
    )
    dns: Dns = Field(Dns(), description="The DNS settings of the VPC.")
    dhcp: Dhcp | None = Field(
        None, description="What DHCP tells the instances. Left out, it is AWS's default set."
    )
    flow_logs: tuple[FlowLog, ...] = Field(
        (), description="Records of the VPC's traffic, and where each goes."
    )

    @property
    def zone_count(self) -> int:
        return self.zones if isinstance(self.zones, int) else len(self.zones)

    @property
    def subnet_prefix(self) -> int:
        """The prefix length of the subnets, when their CIDR blocks are not given."""
        halving_steps = (2 * self.zone_count - 1).bit_length()
        derived = min(MAX_PREFIX, IPv4Network(self.cidr).prefixlen + halving_steps)
        return self.public_subnets.prefix or derived

    def subnet_cidrs(self) -> tuple[str, ...]:
        """The CIDR block of each zone's public subnet, in the zones' order."""
        if self.public_subnets.cidrs is not None:
            return self.public_subnets.cidrs
        blocks = IPv4Network(self.cidr).subnets(new_prefix=self.subnet_prefix)
        return tuple(str(block) for block in islice(blocks, self.zone_count))
