"""The network step: the VPC, its way out, and its tiers of subnets."""

from collections.abc import Iterator
from typing import Final

from celery import shared_task

from envwright.names import Step, provision_task
from envwright.spec import EnvironmentSpec
from tasks import engine
from tasks.context import Context
from tasks.keys import EGRESS_ONLY_GATEWAY as EGRESS_ONLY_GATEWAY
from tasks.keys import GATEWAY as GATEWAY
from tasks.keys import VPC as VPC
from tasks.keys import elastic_address
from tasks.keys import subnet as subnet
from tasks.known import Known
from tasks.lookups import look_up_zones
from tasks.resources.address import Address
from tasks.resources.base import Groups, Need, Resource
from tasks.resources.dhcp_options import DhcpOptions
from tasks.resources.dhcp_options_association import DhcpOptionsAssociation
from tasks.resources.egress_only_internet_gateway import EgressOnlyInternetGateway
from tasks.resources.flow_log import FlowLog
from tasks.resources.internet_gateway import InternetGateway
from tasks.resources.internet_gateway_attachment import InternetGatewayAttachment
from tasks.resources.main_route import MainRoute
from tasks.resources.nat_gateway import NatGateway
from tasks.resources.route_table import RouteTable
from tasks.resources.route_table_association import RouteTableAssociation
from tasks.resources.subnet import Subnet
from tasks.resources.vpc import Vpc
from tasks.resources.vpc_dns import VpcDns
from tasks.routing import ANYWHERE, ANYWHERE_IPV6, nat_gateways, route_tables

KINDS: Final[Groups] = (
    # Apart from the VPC: they cannot be deleted before it.
    (DhcpOptions,),
    (Vpc, InternetGateway, Address),
    # Apart from the subnets: one that a subnet uses cannot be deleted.
    (RouteTable,),
    (
        VpcDns,
        Subnet,
        InternetGatewayAttachment,
        EgressOnlyInternetGateway,
        DhcpOptionsAssociation,
        FlowLog,
    ),
    (MainRoute, NatGateway, RouteTableAssociation),
)

DHCP_OPTIONS: Final = "network/dhcp_options/main"

_IPV6_BLOCKS_OF_A_TIER: Final = 16
"""More than there are zones, so that none that is added moves a block of another tier."""


def wanted(known: Known) -> list[Resource]:
    """The resources of the step."""
    spec, dns = known.spec, known.spec.network.dns
    resources: list[Resource] = _addresses(spec)
    if spec.network.cidr is None:
        return [*resources, *subnets(known), *route_tables(known)]
    resources += [
        Vpc(key=VPC, cidr=spec.network.cidr, ipv6=spec.network.ipv6),
        *subnets(known),
        *route_tables(known),
        *nat_gateways(known),
    ]
    if spec.network.tiers_of("public"):
        resources += _way_out(spec)
    if spec.network.ipv6 and spec.network.tiers_of("private"):
        resources.append(EgressOnlyInternetGateway(key=EGRESS_ONLY_GATEWAY, vpc=VPC))
    if not dns.support or dns.hostnames:
        resources.append(
            VpcDns(
                key="network/vpc_dns/main", vpc=VPC, support=dns.support, hostnames=dns.hostnames
            )
        )
    return [*resources, *_dhcp(spec), *_flow_logs(spec)]


def _addresses(spec: EnvironmentSpec) -> list[Resource]:
    """Those of instances: they are there before, and outlive a replacement."""
    return [
        Address(key=elastic_address(name, number), name=f"{name}-{number}")
        for name, group in spec.instances.items()
        if group.elastic_address
        for number in range(1, group.count + 1)
    ]


def _way_out(spec: EnvironmentSpec) -> list[Resource]:
    # The VPC's main route table serves every subnet that has none of its own: the public ones.
    routes = [
        MainRoute(key=key, vpc=VPC, gateway=GATEWAY, destination=destination)
        for key, destination, is_wanted in (
            ("network/main_route/out", ANYWHERE, True),
            ("network/main_route/out-ipv6", ANYWHERE_IPV6, spec.network.ipv6),
        )
        if is_wanted
    ]
    return [
        InternetGateway(key=GATEWAY),
        InternetGatewayAttachment(
            key="network/internet_gateway_attachment/main", gateway=GATEWAY, vpc=VPC
        ),
        *routes,
    ]


def subnets(known: Known) -> Iterator[Subnet]:
    """The subnets of all tiers that are made, zone after zone."""
    network = known.spec.network
    for number, tier in enumerate(network.tiers):
        if tier.existing is not None:
            continue
        cidrs = network.subnet_cidrs(tier.name)
        for index, (zone, cidr) in enumerate(zip(known.zones, cidrs, strict=True)):
            yield Subnet(
                key=subnet(tier.name, zone),
                vpc=VPC,
                name=f"{tier.name}-{zone}",
                cidr=cidr,
                zone=zone,
                ipv6_index=_IPV6_BLOCKS_OF_A_TIER * number + index if network.ipv6 else None,
                needs=(Need(Vpc, VPC),) if network.ipv6 else (),
            )


def _dhcp(spec: EnvironmentSpec) -> Iterator[Resource]:
    if spec.network.dhcp is not None:
        yield DhcpOptions(key=DHCP_OPTIONS, options=spec.network.dhcp.options())
        yield DhcpOptionsAssociation(
            key="network/dhcp_options_association/main", options=DHCP_OPTIONS, vpc=VPC
        )


def _flow_logs(spec: EnvironmentSpec) -> Iterator[Resource]:
    for number, log in enumerate(spec.network.flow_logs, start=1):
        yield FlowLog(
            key=f"network/flow_log/{number}",
            vpc=VPC,
            traffic=log.traffic,
            interval=log.aggregation_interval,
            bucket=log.bucket,
            log_group=log.log_group,
            role_arn=log.role_arn,
            format=log.format,
        )


@shared_task(name=provision_task(Step.NETWORK))
async def network(context: Context) -> None:
    await look_up_zones(context)
    await engine.apply(context, KINDS, wanted(context.known))
