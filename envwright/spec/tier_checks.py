"""What the tiers of a network must agree on (see `envwright.spec.checks`)."""

from collections.abc import Iterator
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Final

from envwright.spec.forms import Flaw, Loc, shown
from envwright.spec.layout import NoRoom
from envwright.spec.network import Network, Tier
from envwright.spec.unsound import known

if TYPE_CHECKING:
    from envwright.spec.environment import EnvironmentSpec

MAX_ZONES: Final = 6
"""No region of AWS has more zones."""


def sizes_are_given_in_one_way(tier: Tier, _: Loc, __: "EnvironmentSpec") -> Iterator[Flaw]:
    given = [one for one in ("prefix", "cidrs", "existing") if getattr(tier, one) is not None]
    if len(given) > 1:
        named = " and ".join(map(shown, given))
        yield (
            (),
            f"{named} exclude each other: give one of the {'two' if len(given) == 2 else 'three'}.",
        )


def tiers_are_distinct(network: Network, _: Loc, __: "EnvironmentSpec") -> Iterator[Flaw]:
    names = [tier.name for tier in network.tiers]
    for index, name in enumerate(names):
        if name in names[:index]:
            yield ("tiers", index, "name"), f"{shown(name)} is the name of a tier before this one."


def each_zone_has_a_block(network: Network, _: Loc, __: "EnvironmentSpec") -> Iterator[Flaw]:
    for index, tier in enumerate(network.tiers):
        if tier.cidrs is not None and len(tier.cidrs) != network.zone_count:
            yield (
                ("tiers", index, "cidrs"),
                f"These are {len(tier.cidrs)} blocks for {network.zone_count} zones: give one for "
                "each.",
            )


def blocks_lie_in_the_vpc(network: Network, _: Loc, __: "EnvironmentSpec") -> Iterator[Flaw]:
    vpc = network.block
    for at, block in _given_blocks(network):
        if not block.subnet_of(vpc):
            yield at, f"{block} lies outside the VPC's {vpc}."


def blocks_lie_apart(network: Network, _: Loc, __: "EnvironmentSpec") -> Iterator[Flaw]:
    earlier: list[IPv4Network] = []
    for at, block in _given_blocks(network):
        if other := next(filter(block.overlaps, earlier), None):
            yield at, f"{block} overlaps {other}, another subnet's block."
        earlier.append(block)


def _given_blocks(network: Network) -> Iterator[tuple[Loc, IPv4Network]]:
    for index, tier in enumerate(network.tiers):
        for number, cidr in known(tier.cidrs or ()):
            yield ("tiers", index, "cidrs", number), IPv4Network(cidr)


def tiers_fit(network: Network, _: Loc, spec: "EnvironmentSpec") -> Iterator[Flaw]:
    """What is cut out of the VPC finds room in it; silent where what is given is not sound."""
    for check in (each_zone_has_a_block, blocks_lie_in_the_vpc, tiers_are_distinct):
        if any(check(network, (), spec)):
            return
    try:
        network.blocks()
    except NoRoom as error:
        given = network.tiers[error.index].prefix is not None
        wanted = network.zone_count + network.reserved_zones
        reserved = ", the reserved zones' among them" if network.reserved_zones else ""
        yield (
            ("tiers", error.index, "prefix") if given else ("cidr",),
            f"{network.cidr} holds {error.found} subnets of /{error.prefix} for the tier "
            f"{shown(network.tiers[error.index].name)}, and {wanted} are needed{reserved}: make "
            f"the VPC larger" + (" or the subnets smaller." if given else "."),
        )


def reserved_zones_exist(network: Network, _: Loc, __: "EnvironmentSpec") -> Iterator[Flaw]:
    if network.zone_count + network.reserved_zones > MAX_ZONES:
        yield (
            ("reserved_zones",),
            f"With the network's own these are more than {MAX_ZONES} zones, and no region of AWS "
            "has so many.",
        )


def private_tiers_lead_out(network: Network, _: Loc, __: "EnvironmentSpec") -> Iterator[Flaw]:
    private = network.tiers_of("private")
    if private and network.nat_gateways == "none" and not network.ipv6:
        yield (
            ("nat_gateways",),
            f"The tier {shown(private[0].name)} is private and has no way out without a NAT "
            "gateway or IPv6: ask for `one`, or make the tier `isolated`.",
        )
    elif network.nat_gateway_count and not network.tiers_of("public"):
        yield (
            ("tiers",),
            "A NAT gateway stands in a public subnet: add a public tier, or make the private ones "
            "`isolated`.",
        )


def nat_gateways_are_of_use(network: Network, _: Loc, __: "EnvironmentSpec") -> Iterator[Flaw]:
    if network.nat_gateway_count and not network.tiers_of("private"):
        yield (
            ("nat_gateways",),
            "NAT gateways serve private tiers, and there is none: leave this out.",
        )
