"""The network of a spec: a VPC, and its subnets in tiers."""

from ipaddress import IPv4Network
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import Field

from envwright.spec.addresses import MAX_PREFIX, MIN_PREFIX, SubnetCidr, VpcCidr
from envwright.spec.dhcp import Dhcp
from envwright.spec.endpoints import Endpoint
from envwright.spec.existing import ExistingSubnets, ExistingVpc
from envwright.spec.fields import PartName, Zones
from envwright.spec.flow_logs import FlowLog
from envwright.spec.forms import Flag, Whole
from envwright.spec.layout import Ask, lay_out
from envwright.spec.part import Part
from envwright.spec.unsound import UNSOUND, Unsound

Access: TypeAlias = Literal["public", "private", "isolated"]
NatGateways: TypeAlias = Literal["none", "one", "one_per_zone"]
RouteTables: TypeAlias = Literal["shared", "per_zone", "per_subnet"]

MAX_TIERS: Final = 10
"""Far below AWS's quota of 200 subnets in a VPC, in six zones too (Amazon VPC quotas)."""


class Dns(Part):
    """The DNS settings of the VPC. The defaults are those that AWS gives a new VPC."""

    support: Flag = Field(True, description="Whether Amazon's DNS server answers in the VPC.")
    hostnames: Flag = Field(
        False,
        description="Whether instances get public DNS names. The outputs show public DNS names "
        "only with this; it costs one more call, and it needs `support`.",
    )


class Tier(Part):
    """One subnet in each zone: give `prefix` or `cidrs`, or neither to have the sizes derived."""

    name: PartName = Field(description="The tier's name; its subnets are called by it and zone.")
    access: Access = Field(
        description="Where its subnets lead: `public` to the internet and back, `private` out "
        "through a NAT gateway, `isolated` nowhere.",
    )
    prefix: Annotated[Whole, Field(ge=MIN_PREFIX, le=MAX_PREFIX)] | None = Field(
        None,
        description="The prefix length of each subnet. Left out, all tiers that leave it out share "
        "the largest one with which half of what is left to them or more stays free; no block is "
        "smaller than /28.",
    )
    cidrs: Annotated[tuple[SubnetCidr, ...], Field(min_length=1)] | None = Field(
        None, description="The subnets' own CIDR blocks, one for each zone, in the zones' order."
    )
    existing: ExistingSubnets | None = Field(
        None,
        description="Subnets of an existing VPC, to use instead of making some. They are never "
        "changed or deleted.",
    )


class Network(Part):
    """A VPC, and in each zone one subnet of each tier."""

    cidr: VpcCidr | None = Field(
        None, description="The IPv4 CIDR block of the VPC, from /16 to /28."
    )
    existing_vpc: ExistingVpc | None = Field(
        None,
        description="A VPC that exists, to use instead of making one. It is never changed or "
        "deleted.",
    )
    zones: Zones | None = Field(
        None,
        description="The availability zones: how many (1 to 6), or a list of their names. In an "
        "existing VPC it may be left out: they are those of the subnets.",
    )
    tiers: Annotated[tuple[Tier, ...], Field(min_length=1, max_length=MAX_TIERS)] = Field(
        (Tier(name="public", access="public"),),
        description="The tiers of subnets, 1 to 10. Their order decides which addresses each gets: "
        "one that is added at the end, with a prefix, moves none.",
    )
    reserved_zones: Annotated[Whole, Field(ge=0, le=5)] = Field(
        0, description="For how many zones more each tier keeps addresses, unless it has `cidrs`."
    )
    nat_gateways: NatGateways | None = Field(
        None,
        description="How private tiers reach the internet: by `one` NAT gateway, by "
        "`one_per_zone`, or by `none`. Left out, it is `one` where there is a private tier, and "
        "`none` elsewhere.",
    )
    ipv6: Flag = Field(
        False,
        description="Whether VPC, subnets and instances have IPv6 addresses too. AWS chooses the "
        "VPC's /56. Private tiers then have a way out over IPv6, whatever `nat_gateways` says.",
    )
    route_tables: RouteTables = Field(
        "shared",
        description="Which private and isolated subnets share a route table: all of one access "
        "with the same way out (`shared`), those of one zone (`per_zone`), or none "
        "(`per_subnet`). Public subnets always use the VPC's main one.",
    )
    dns: Dns = Field(Dns(), description="The DNS settings of the VPC.")
    dhcp: Dhcp | None = Field(
        None, description="What DHCP tells the instances. Left out, it is AWS's default set."
    )
    endpoints: dict[PartName, Endpoint] = Field(
        {}, description="Ways to AWS's services that need no way to the internet, by name."
    )
    flow_logs: tuple[FlowLog, ...] = Field(
        (), description="Records of the VPC's traffic, and where each goes."
    )

    @property
    def zone_count(self) -> int:
        """How many zones there are. Raises `Unsound` where AWS alone knows that of subnets that
        exist."""
        if self.zones is None:
            raise Unsound("zones")
        return self.zones if isinstance(self.zones, int) else len(self.zones)

    @property
    def nat_gateway_count(self) -> int:
        """How many NAT gateways there are: none, or one in each of the first zones."""
        if self.existing_vpc is not None:
            return 0
        asked = self.nat_gateways or ("one" if self.tiers_of("private") else "none")
        return {"none": 0, "one": 1, "one_per_zone": self.zone_count}[asked]

    @property
    def block(self) -> IPv4Network:
        """The VPC's own block. Raises `Unsound` where AWS alone knows that of one that exists."""
        if self.cidr is None:
            raise Unsound("cidr")
        return IPv4Network(self.cidr)

    def tier(self, name: str | None) -> Tier:
        """The tier of this name; the first one for None."""
        for tier in self.tiers:
            if name in (None, tier.name):
                return tier
        raise Unsound("tiers")

    def tiers_of(self, access: Access) -> tuple[Tier, ...]:
        return tuple(tier for tier in self.tiers if tier.access == access)

    def blocks(self) -> dict[str, tuple[str, ...]]:
        """The CIDR blocks of each tier: one for each zone, and then those that are reserved.

        Raises `envwright.spec.layout.NoRoom` where a spec does not fit, which none does that was
        checked.
        """
        if any(UNSOUND in (tier.cidrs or ()) for tier in self.tiers):
            raise Unsound("cidrs")
        asks = tuple(
            Ask(tier.prefix, tuple(map(IPv4Network, tier.cidrs or ()))) for tier in self.tiers
        )
        laid_out = lay_out(self.block, asks, self.zone_count + self.reserved_zones)
        return {
            tier.name: tuple(map(str, blocks))
            for tier, blocks in zip(self.tiers, laid_out, strict=True)
        }

    def subnet_cidrs(self, tier: str) -> tuple[str, ...]:
        """The CIDR block of the tier's subnet in each zone, in the zones' order."""
        given = self.tier(tier).cidrs
        return given if given is not None else self.blocks()[tier][: self.zone_count]
