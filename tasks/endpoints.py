"""The VPC endpoints of an environment: where each is, and which instances need it."""

from envwright.spec import Endpoint, Tier
from tasks.keys import VPC, security_group, subnet, vpc_endpoint
from tasks.known import Known
from tasks.resources.vpc_endpoint import InRouteTables, InSubnets, VpcEndpoint
from tasks.routing import route_table


def endpoints(known: Known) -> list[VpcEndpoint]:
    """All of them: the security step makes them, since those of interfaces need its groups."""
    region = known.spec.region
    return [
        VpcEndpoint(
            key=vpc_endpoint(name),
            name=name,
            vpc=VPC,
            service=endpoint.service_of(name, region),
            place=(
                _in_route_tables(known, endpoint)
                if endpoint.type_of(name, region) == "gateway"
                else _in_subnets(known, endpoint)
            ),
            policy=endpoint.policy,
            ip_address_type=endpoint.ip_address_type,
        )
        for name, endpoint in known.spec.network.endpoints.items()
    ]


def interface_endpoints(known: Known, tier: Tier) -> list[str]:
    """The keys of the interface endpoints that a tier is to use."""
    return [
        vpc_endpoint(name)
        for name, endpoint in known.spec.network.endpoints.items()
        if endpoint.type_of(name, known.spec.region) == "interface" and endpoint.is_for(tier.name)
    ]


def _in_route_tables(known: Known, endpoint: Endpoint) -> InRouteTables:
    """The tables of its tiers: others that share one with them reach the service by it, too."""
    tables = {
        route_table(known.spec.network, tier, zone): None
        for tier in known.spec.network.tiers
        if endpoint.is_for(tier.name)
        for zone in known.zones
    }
    own = tuple(one for one in tables if one is not None)
    return InRouteTables(tables=own, and_main=None in tables)


def _in_subnets(known: Known, endpoint: Endpoint) -> InSubnets:
    """One subnet in each zone, as AWS wants it: all of the VPC reaches the interface in it."""
    tier = next(one for one in known.spec.network.tiers if endpoint.is_for(one.name))
    return InSubnets(
        subnets=tuple(subnet(tier.name, zone) for zone in known.zones),
        security_groups=tuple(security_group(one) for one in endpoint.security_groups),
        private_dns=endpoint.private_dns,
    )
