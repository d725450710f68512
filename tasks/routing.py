"""Which way the traffic goes of subnets that do not use the VPC's main route table."""

from collections.abc import Iterator
from itertools import chain
from typing import Final

from envwright.spec import Network, Tier
from tasks.keys import EGRESS_ONLY_GATEWAY, GATEWAY, VPC, subnet
from tasks.known import Known
from tasks.resources.address import Address
from tasks.resources.base import Need, Resource
from tasks.resources.nat_gateway import NatGateway
from tasks.resources.route import Route
from tasks.resources.route_table import RouteTable
from tasks.resources.route_table_association import RouteTableAssociation

ANYWHERE: Final = "0.0.0.0/0"
ANYWHERE_IPV6: Final = "::/0"


def nat_gateway(zone: str) -> str:
    """The key of the NAT gateway in a zone."""
    return f"network/nat_gateway/{zone}"


def nat_address(zone: str) -> str:
    """The key of its elastic address; no name of an instance group has an underscore in it."""
    return f"network/address/nat_gateway-{zone}"


def route_table(network: Network, tier: Tier, zone: str) -> str | None:
    """The key of the route table of a tier's subnet in a zone; None for the VPC's main one, and
    for one that is not ours."""
    mode = network.route_tables
    if tier.existing is not None:
        return None
    if network.existing_vpc is not None:
        return f"network/route_table/{tier.access}"
    if tier.access == "public":
        return None
    if mode == "per_subnet":
        name = f"{tier.name}-{zone}"
    elif mode == "per_zone" or (tier.access == "private" and network.nat_gateway_count > 1):
        name = f"{tier.access}-{zone}"
    elif tier.access == "isolated" and not network.tiers_of("public"):
        return None
    else:
        name = tier.access
    return f"network/route_table/{name}"


def route_tables(known: Known) -> Iterator[Resource]:
    """The tables of our own, and which subnet uses which."""
    network = known.spec.network
    tables: set[str] = set()
    for tier in network.tiers:
        for zone in known.zones:
            table = route_table(network, tier, zone)
            if table is None:
                continue
            if table not in tables:
                tables.add(table)
                yield RouteTable(key=table, vpc=VPC, name=table.split("/")[2])
            yield RouteTableAssociation(
                key=f"network/route_table_association/{tier.name}-{zone}",
                subnet=subnet(tier.name, zone),
                table=table,
            )


def nat_gateways(known: Known) -> Iterator[Resource]:
    """The gateways, each with its address."""
    network = known.spec.network
    for zone in known.zones[: network.nat_gateway_count]:
        name = f"nat-{zone}"
        yield Address(key=nat_address(zone), name=name)
        yield NatGateway(
            key=nat_gateway(zone),
            name=name,
            subnet=subnet(network.tiers_of("public")[0].name, zone),
            address=nat_address(zone),
        )


def routes(known: Known) -> list[Route]:
    """The routes in tables of ours: the instance step makes them, which needs them first."""
    found = (
        routes_from(known, tier, zone) for tier in known.spec.network.tiers for zone in known.zones
    )
    return [*dict.fromkeys(chain.from_iterable(found))]


def routes_from(known: Known, tier: Tier, zone: str) -> list[Route]:
    """The routes by which a tier's subnet in a zone reaches the internet, but for the main one."""
    network = known.spec.network
    table = route_table(network, tier, zone)
    if tier.access == "isolated" or table is None:
        return []
    name = table.split("/")[2]
    if tier.access == "public":
        return [
            Route(
                key=f"instance/route/{name}",
                table=table,
                destination=ANYWHERE,
                leads_to="GatewayId",
                target=GATEWAY,
            )
        ]
    found: list[Route] = []
    if network.nat_gateway_count:
        index = min(known.zones.index(zone), network.nat_gateway_count - 1)
        gateway = nat_gateway(known.zones[index])
        found.append(
            Route(
                key=f"instance/route/{name}",
                table=table,
                destination=ANYWHERE,
                leads_to="NatGatewayId",
                target=gateway,
                needs=(Need(NatGateway, gateway),),
            )
        )
    if network.ipv6:
        found.append(
            Route(
                key=f"instance/route/{name}-ipv6",
                table=table,
                destination=ANYWHERE_IPV6,
                leads_to="EgressOnlyInternetGatewayId",
                target=EGRESS_ONLY_GATEWAY,
            )
        )
    return found
