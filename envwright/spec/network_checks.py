"""What the fields of an account and a network must agree on (see `envwright.spec.checks`)."""

from collections.abc import Iterator
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Final

from envwright.spec.forms import Flaw, Loc, named_once
from envwright.spec.network import Dns, Network, Subnets
from envwright.spec.part import Account
from envwright.spec.unsound import known

if TYPE_CHECKING:
    from envwright.spec.environment import EnvironmentSpec

_PARTITIONS: Final = {
    "cn": "aws-cn",
    "us-gov": "aws-us-gov",
    "us-iso": "aws-iso",
    "us-isob": "aws-iso-b",
    "us-isof": "aws-iso-f",
    "eu-isoe": "aws-iso-e",
    "eusc-de": "aws-eusc",
}


def role_is_in_the_partition(account: Account, _: Loc, spec: "EnvironmentSpec") -> Iterator[Flaw]:
    wanted = _PARTITIONS.get(spec.region.rsplit("-", 2)[0], "aws")
    given = account.role_arn.split(":")[1]
    if given != wanted:
        yield (
            ("role_arn",),
            f"A role for {spec.region} has an ARN that begins with arn:{wanted}: and not {given}.",
        )


def zones_are_of_the_region(network: Network, _: Loc, spec: "EnvironmentSpec") -> Iterator[Flaw]:
    if isinstance(network.zones, int):
        return
    for index, zone in known(network.zones):
        if zone[:-1] != spec.region:
            yield ("zones", index), f"{zone} is not a zone of the spec's region, {spec.region}."


def zones_are_distinct(network: Network, _: Loc, __: "EnvironmentSpec") -> Iterator[Flaw]:
    if not isinstance(network.zones, int):
        yield from named_once("zones", network.zones)


def each_zone_has_a_subnet(network: Network, _: Loc, __: "EnvironmentSpec") -> Iterator[Flaw]:
    cidrs = network.public_subnets.cidrs
    if cidrs is not None and len(cidrs) != network.zone_count:
        yield (
            ("public_subnets", "cidrs"),
            f"These are {len(cidrs)} blocks for {network.zone_count} zones: give one for each.",
        )


def subnets_lie_in_the_vpc(network: Network, _: Loc, __: "EnvironmentSpec") -> Iterator[Flaw]:
    vpc = IPv4Network(network.cidr)
    for index, cidr in known(network.public_subnets.cidrs or ()):
        if not IPv4Network(cidr).subnet_of(vpc):
            yield ("public_subnets", "cidrs", index), f"{cidr} lies outside the VPC's {vpc}."


def cut_subnets_fit(network: Network, _: Loc, __: "EnvironmentSpec") -> Iterator[Flaw]:
    if network.public_subnets.cidrs is not None:
        return
    steps = network.subnet_prefix - IPv4Network(network.cidr).prefixlen
    blocks = 2**steps if steps >= 0 else 0
    if blocks < network.zone_count:
        given = network.public_subnets.prefix is not None
        yield (
            ("public_subnets", "prefix") if given else ("cidr",),
            f"{network.cidr} holds {blocks} subnets of /{network.subnet_prefix}, and "
            f"{network.zone_count} are needed: make the VPC larger"
            + (" or the subnets smaller." if given else "."),
        )


def subnets_are_sized_in_one_way(subnets: Subnets, _: Loc, __: "EnvironmentSpec") -> Iterator[Flaw]:
    if subnets.prefix is not None and subnets.cidrs is not None:
        yield (), "`prefix` and `cidrs` exclude each other: give one of the two."


def subnets_lie_apart(subnets: Subnets, _: Loc, __: "EnvironmentSpec") -> Iterator[Flaw]:
    earlier: list[IPv4Network] = []
    for index, cidr in known(subnets.cidrs or ()):
        block = IPv4Network(cidr)
        other = next(filter(block.overlaps, earlier), None)
        if other:
            yield ("cidrs", index), f"{block} overlaps {other}, another subnet's block."
        earlier.append(block)


def dns_names_have_dns(dns: Dns, _: Loc, __: "EnvironmentSpec") -> Iterator[Flaw]:
    if dns.hostnames and not dns.support:
        yield ("hostnames",), "Public DNS names need `support: true` as well."
