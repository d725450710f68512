"""What the fields of an account and a network must agree on (see `envwright.spec.checks`)."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from envwright.spec.forms import Flaw, Loc, named_once
from envwright.spec.network import Dns, Network
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
    if not isinstance(network.zones, tuple):
        return
    for index, zone in known(network.zones):
        if zone[:-1] != spec.region:
            yield ("zones", index), f"{zone} is not a zone of the spec's region, {spec.region}."


def zones_are_distinct(network: Network, _: Loc, __: "EnvironmentSpec") -> Iterator[Flaw]:
    if isinstance(network.zones, tuple):
        yield from named_once("zones", network.zones)


def dns_names_have_dns(dns: Dns, _: Loc, __: "EnvironmentSpec") -> Iterator[Flaw]:
    if dns.hostnames and not dns.support:
        yield ("hostnames",), "Public DNS names need `support: true` as well."
