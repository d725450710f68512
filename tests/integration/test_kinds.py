"""The contract that every kind of resource keeps, whatever it is."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tasks import engine, instance, kinds, network, security
from tasks.context import Context
from tasks.resources.address import Address
from tasks.resources.address_association import AddressAssociation
from tasks.resources.base import Kind, Resource
from tasks.resources.default_group import DefaultGroup
from tasks.resources.dhcp_options import DhcpOptions
from tasks.resources.dhcp_options_association import DhcpOptionsAssociation
from tasks.resources.egress_only_internet_gateway import EgressOnlyInternetGateway
from tasks.resources.flow_log import FlowLog
from tasks.resources.instances import Instances
from tasks.resources.internet_gateway import InternetGateway
from tasks.resources.internet_gateway_attachment import InternetGatewayAttachment
from tasks.resources.key_pair import KeyPair
from tasks.resources.main_route import MainRoute
from tasks.resources.nat_gateway import NatGateway
from tasks.resources.route import Route
from tasks.resources.route_table import RouteTable
from tasks.resources.route_table_association import RouteTableAssociation
from tasks.resources.security_group import SecurityGroup
from tasks.resources.security_group_rules import SecurityGroupRules
from tasks.resources.source_dest_check import SourceDestCheck
from tasks.resources.subnet import Subnet
from tasks.resources.vpc import Vpc
from tasks.resources.vpc_dns import VpcDns
from tasks.resources.vpc_endpoint import VpcEndpoint
from tests import looks
from tests.cloud import Cloud
from tests.everything import EVERYTHING
from tests.harness import outsider
from tests.integration.conftest import Begin
from worker.servers import LocalAws


@dataclass
class Example:
    """How an outsider sees a kind, and what there is to be seen once EVERYTHING's are made."""

    look: Callable[[Any], Awaitable[list[str]]]
    made: list[str]


EXAMPLES: dict[type[Resource], Example] = {
    Vpc: Example(looks.vpcs, ["10.40.0.0/16"]),
    VpcDns: Example(looks.dns, ["enableDnsSupport", "enableDnsHostnames"]),
    InternetGateway: Example(looks.gateways, [f"everything.eu-west-1/{network.GATEWAY}"]),
    InternetGatewayAttachment: Example(looks.attachments, ["10.40.0.0/16"]),
    Subnet: Example(
        looks.subnets,
        [
            "10.40.0.0/19 in eu-west-1a, part 0 of IPv6",
            "10.40.32.0/19 in eu-west-1b, part 1 of IPv6",
            "10.40.64.0/19 in eu-west-1a, part 16 of IPv6",
            "10.40.96.0/19 in eu-west-1b, part 17 of IPv6",
        ],
    ),
    EgressOnlyInternetGateway: Example(looks.egress_only_gateways, ["10.40.0.0/16"]),
    VpcEndpoint: Example(
        looks.endpoints,
        ["Gateway to com.amazonaws.eu-west-1.s3", "Interface to com.amazonaws.eu-west-1.ssm"],
    ),
    Address: Example(
        looks.addresses,
        ["everything-nat-eu-west-1a", *(f"everything-web-{number}" for number in (1, 2, 3))],
    ),
    NatGateway: Example(looks.nat_gateways, ["everything-nat-eu-west-1a"]),
    RouteTable: Example(looks.tables, ["everything-private"]),
    RouteTableAssociation: Example(looks.associations, [2]),
    Route: Example(looks.own_routes, ["0.0.0.0/0 by nat", "::/0 by eigw"]),
    DhcpOptions: Example(
        looks.dhcp_options,
        ["domain-name-servers: 10.40.0.53", "domain-name: corp.example.com"],
    ),
    DhcpOptionsAssociation: Example(looks.associated_options, ["other options than AWS's"]),
    FlowLog: Example(looks.flow_logs, ["REJECT to traffic every 600 s"]),
    MainRoute: Example(looks.routes, ["0.0.0.0/0", "::/0"]),
    SecurityGroup: Example(looks.groups, ["admin", "web"]),
    SecurityGroupRules: Example(
        looks.rules,
        [
            "admin from tcp 9100 web",
            "web from tcp 22 admin",
            "web from tcp 22 web",
            "web from tcp 443 0.0.0.0/0",
            "web from tcp 443 ::/0",
            "web from tcp 80 0.0.0.0/0",
            "web from tcp 80 ::/0",
            "web to udp 1024 10.0.0.0/8",
        ],
    ),
    DefaultGroup: Example(looks.default_rules, []),
    KeyPair: Example(looks.key_pairs, ["envwright-everything.eu-west-1"]),
    AddressAssociation: Example(looks.held_addresses, ["held", "held", "held"]),
    SourceDestCheck: Example(looks.routers, ["unchecked", "unchecked", "unchecked"]),
    Instances: Example(
        looks.instances,
        [
            "t3.micro in eu-west-1a with IPv6",
            "t3.micro in eu-west-1a with IPv6",
            "t3.micro in eu-west-1b with IPv6",
            "t3.small in eu-west-1a with IPv6",
        ],
    ),
}


KINDS = [kind for group in kinds.KINDS for kind in group]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
async def test_every_kind_keeps_the_contract(
    kind: Kind, begin: Begin, cloud: Cloud, aws: LocalAws
) -> None:
    """Nothing found; created; found; created again: no write; deleted; deleted again; gone."""
    assert kind in EXAMPLES, (
        f"{kind.kind} has no example: describe it in EXAMPLES, and let EVERYTHING have it"
    )
    example = EXAMPLES[kind]
    async with (
        begin(EVERYTHING) as env,
        env.context() as context,
        outsider(aws.url) as ec2,
    ):
        wanted = all_of_spec(context)
        ours = [one for one in wanted if type(one) is kind]
        await engine.apply(context, groups_before(kind), wanted)
        before = await example.look(ec2)

        assert await found(context, kind, ours) == {}

        await engine.apply(context, [(kind,)], ours)
        made = await found(context, kind, ours)
        assert {key: len(ids) for key, ids in made.items()} == {one.key: one.count for one in ours}
        assert await example.look(ec2) == example.made != before

        cloud.journal.clear()
        await engine.apply(context, [(kind,)], ours)
        assert cloud.mutating == [], cloud.counted()
        assert await found(context, kind, ours) == made

        for _ in ("deleted", "deleted again"):
            await kind.delete(context, made)
            assert await example.look(ec2) == before
            assert await found(context, kind, ours) == {}


def all_of_spec(context: Context) -> list[Resource]:
    return [
        *network.wanted(context.known),
        *security.wanted(context.known),
        *instance.wanted(context.known),
    ]


def groups_before(kind: Kind) -> list[tuple[Kind, ...]]:
    """What must be there before this kind: nothing of its own group, by the groups' promise."""
    index = next(number for number, group in enumerate(kinds.KINDS) if kind in group)
    return [tuple(group) for group in kinds.KINDS[:index]]


async def found(context: Context, kind: Kind, wanted: list[Resource]) -> dict[str, list[str]]:
    found = await kind.find(context, wanted, (await context.inventory()).own)
    return {key: ids for key, ids in found.items() if ids}
