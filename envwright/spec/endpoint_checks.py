"""What the fields of VPC endpoints must agree on (see `envwright.spec.checks`)."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from envwright.spec.endpoints import Endpoint, has_gateway
from envwright.spec.forms import Flaw, Loc, named_once, shown
from envwright.spec.network import Network
from envwright.spec.security_checks import unknown_group
from envwright.spec.unsound import known

if TYPE_CHECKING:
    from envwright.spec.environment import EnvironmentSpec


def service_has_the_type(endpoint: Endpoint, at: Loc, spec: "EnvironmentSpec") -> Iterator[Flaw]:
    service = endpoint.service_of(str(at[-1]), spec.region)
    if endpoint.type == "gateway" and not has_gateway(service, spec.region):
        yield ("type",), f"Of AWS's services only s3 and dynamodb have gateways, not {service}."


def groups_guard_interfaces(endpoint: Endpoint, at: Loc, spec: "EnvironmentSpec") -> Iterator[Flaw]:
    kind = endpoint.type_of(str(at[-1]), spec.region)
    if kind == "interface" and not endpoint.security_groups:
        yield (
            ("security_groups",),
            "An interface endpoint needs a security group, which lets port 443 in from those who "
            "use it: name one of the spec's.",
        )
    if kind == "gateway" and endpoint.security_groups:
        yield ("security_groups",), "A gateway endpoint has no security groups: leave them out."


def its_groups_are_known(endpoint: Endpoint, _: Loc, spec: "EnvironmentSpec") -> Iterator[Flaw]:
    for index, name in known(endpoint.security_groups):
        yield from unknown_group(("security_groups", index), name, spec)


def its_names_are_distinct(endpoint: Endpoint, _: Loc, __: "EnvironmentSpec") -> Iterator[Flaw]:
    yield from named_once("security_groups", endpoint.security_groups)
    yield from named_once("tiers", endpoint.tiers or ())


def its_tiers_are_known(endpoint: Endpoint, _: Loc, spec: "EnvironmentSpec") -> Iterator[Flaw]:
    names = [tier.name for tier in spec.network.tiers]
    for index, name in known(endpoint.tiers or ()):
        if name not in names:
            has = ", ".join(map(shown, names))
            yield ("tiers", index), f"The network has no tier {shown(name)}; it has {has}."


def private_dns_has_dns(endpoint: Endpoint, at: Loc, spec: "EnvironmentSpec") -> Iterator[Flaw]:
    dns = spec.network.dns
    is_interface = endpoint.type_of(str(at[-1]), spec.region) == "interface"
    if is_interface and endpoint.private_dns and not (dns.support and dns.hostnames):
        yield (
            ("private_dns",),
            "Private DNS needs `support: true` and `hostnames: true` under `network.dns`: say so "
            "there, or `private_dns: false` here.",
        )


def addresses_are_there(endpoint: Endpoint, _: Loc, spec: "EnvironmentSpec") -> Iterator[Flaw]:
    if endpoint.ip_address_type in ("dualstack", "ipv6") and not spec.network.ipv6:
        yield (
            ("ip_address_type",),
            "The network has no IPv6 addresses: say `network.ipv6: true`, or leave this out.",
        )


def services_are_distinct(network: Network, _: Loc, spec: "EnvironmentSpec") -> Iterator[Flaw]:
    seen: dict[tuple[str, str], str] = {}
    for name, endpoint in network.endpoints.items():
        kind = endpoint.type_of(name, spec.region)
        wish = (kind, endpoint.service_of(name, spec.region))
        if wish in seen:
            yield (
                ("endpoints", name),
                f"{shown(seen[wish])} is a {kind} endpoint for {wish[1]} already: leave one out, "
                "and let the other name the tiers of both.",
            )
        seen.setdefault(wish, name)
