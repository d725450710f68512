"""The contract that every kind of resource keeps, whatever it is."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from ipaddress import IPv6Network
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


async def _vpcs(ec2: Any) -> list[dict[str, Any]]:
    return [one for one in (await ec2.describe_vpcs())["Vpcs"] if not one["IsDefault"]]


async def look_for_vpcs(ec2: Any) -> list[str]:
    return [one["CidrBlock"] for one in await _vpcs(ec2)]


async def look_for_dns(ec2: Any) -> list[str]:
    on = []
    for vpc in await _vpcs(ec2):
        for name in ("enableDnsSupport", "enableDnsHostnames"):
            answer = await ec2.describe_vpc_attribute(VpcId=vpc["VpcId"], Attribute=name)
            if answer[name[0].upper() + name[1:]]["Value"]:
                on.append(name)
    return on


async def _gateways(ec2: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await ec2.describe_internet_gateways())["InternetGateways"]
    return found


async def look_for_gateways(ec2: Any) -> list[str]:
    return [
        tag["Value"]
        for one in await _gateways(ec2)
        for tag in one["Tags"]
        if tag["Key"] == "envwright:resource"
    ]


async def look_for_egress_only_gateways(ec2: Any) -> list[str]:
    found = await ec2.describe_egress_only_internet_gateways()
    cidrs = {vpc["VpcId"]: vpc["CidrBlock"] for vpc in await _vpcs(ec2)}
    return [
        cidrs[to["VpcId"]]
        for one in found["EgressOnlyInternetGateways"]
        for to in one["Attachments"]
    ]


async def look_for_attachments(ec2: Any) -> list[str]:
    cidrs = {vpc["VpcId"]: vpc["CidrBlock"] for vpc in await _vpcs(ec2)}
    return [cidrs[to["VpcId"]] for one in await _gateways(ec2) for to in one["Attachments"]]


def _part(association: dict[str, Any]) -> int:
    """Which /64 it is, of its VPC's /56."""
    return IPv6Network(association["Ipv6CidrBlock"]).network_address.packed[7]


async def look_for_subnets(ec2: Any) -> list[str]:
    return sorted(
        f"{one['CidrBlock']} in {one['AvailabilityZone']}, part {_part(of_ipv6)} of IPv6"
        for one in (await ec2.describe_subnets())["Subnets"]
        for of_ipv6 in one["Ipv6CidrBlockAssociationSet"]
        if not one["DefaultForAz"]
    )


async def look_for_endpoints(ec2: Any) -> list[str]:
    return sorted(
        f"{one['VpcEndpointType']} to {one['ServiceName']}"
        for one in (await ec2.describe_vpc_endpoints())["VpcEndpoints"]
        if one["State"] == "available"
    )


async def look_for_dhcp_options(ec2: Any) -> list[str]:
    return [
        f"{one['Key']}: {value['Value']}"
        for options in (await ec2.describe_dhcp_options())["DhcpOptions"]
        for one in options["DhcpConfigurations"]
        for value in one["Values"]
    ]


async def look_for_associated_options(ec2: Any) -> list[str]:
    has = [vpc["DhcpOptionsId"] for vpc in await _vpcs(ec2)]
    return [one for one in has if one != "default"] and ["other options than AWS's"]


async def look_for_flow_logs(ec2: Any) -> list[str]:
    return [
        f"{one['TrafficType']} to {one['LogGroupName']} every {one['MaxAggregationInterval']} s"
        for one in (await ec2.describe_flow_logs())["FlowLogs"]
    ]


async def look_for_addresses(ec2: Any) -> list[str]:
    return sorted(
        tag["Value"]
        for one in (await ec2.describe_addresses())["Addresses"]
        for tag in one["Tags"]
        if tag["Key"] == "Name"
    )


async def look_for_nat_gateways(ec2: Any) -> list[str]:
    return [
        tag["Value"]
        for one in (await ec2.describe_nat_gateways())["NatGateways"]
        for tag in one["Tags"]
        if one["State"] == "available" and tag["Key"] == "Name"
    ]


async def _own_tables(ec2: Any) -> list[dict[str, Any]]:
    return [
        table
        for table in (await ec2.describe_route_tables())["RouteTables"]
        if not any(one["Main"] for one in table["Associations"])
    ]


async def look_for_tables(ec2: Any) -> list[str]:
    return sorted(
        tag["Value"]
        for table in await _own_tables(ec2)
        for tag in table["Tags"]
        if tag["Key"] == "Name"
    )


async def look_for_associations(ec2: Any) -> list[int]:
    return [len(table["Associations"]) for table in await _own_tables(ec2) if table["Associations"]]


async def look_for_own_routes(ec2: Any) -> list[str]:
    return sorted(
        f"{route[destination]} by {route[target].split('-')[0]}"
        for table in await _own_tables(ec2)
        for route in table["Routes"]
        for destination, target in (
            ("DestinationCidrBlock", "NatGatewayId"),
            ("DestinationIpv6CidrBlock", "EgressOnlyInternetGatewayId"),
        )
        if target in route
    )


async def look_for_routes(ec2: Any) -> list[str]:
    ours = [vpc["VpcId"] for vpc in await _vpcs(ec2)]
    return sorted(
        route.get("DestinationCidrBlock") or route["DestinationIpv6CidrBlock"]
        for table in (await ec2.describe_route_tables())["RouteTables"]
        for route in table["Routes"]
        if table["VpcId"] in ours and route.get("GatewayId", "").startswith("igw-")
    )


async def _groups(ec2: Any) -> list[dict[str, Any]]:
    found = (await ec2.describe_security_groups())["SecurityGroups"]
    return [one for one in found if one["GroupName"] != "default"]


async def look_for_groups(ec2: Any) -> list[str]:
    return sorted(one["GroupName"] for one in await _groups(ec2))


async def look_for_rules(ec2: Any) -> list[str]:
    groups = await _groups(ec2)
    names = {one["GroupId"]: one["GroupName"] for one in groups}
    return sorted(
        f"{group['GroupName']} {direction} {rule['IpProtocol']} {rule.get('FromPort')} {peer}"
        for group in groups
        for direction, field in (("from", "IpPermissions"), ("to", "IpPermissionsEgress"))
        for rule in group[field]
        for peer in (
            *(one["CidrIp"] for one in rule["IpRanges"]),
            *(one["CidrIpv6"] for one in rule["Ipv6Ranges"]),
            *(names[one["GroupId"]] for one in rule["UserIdGroupPairs"]),
        )
    )


async def look_for_default_rules(ec2: Any) -> list[str]:
    ours = [vpc["VpcId"] for vpc in await _vpcs(ec2)]
    return [
        f"{direction} {rule['IpProtocol']}"
        for group in (await ec2.describe_security_groups())["SecurityGroups"]
        if group["GroupName"] == "default" and group["VpcId"] in ours
        for direction, field in (("from", "IpPermissions"), ("to", "IpPermissionsEgress"))
        for rule in group[field]
    ]


async def look_for_key_pairs(ec2: Any) -> list[str]:
    return [one["KeyName"] for one in (await ec2.describe_key_pairs())["KeyPairs"]]


async def look_for_instances(ec2: Any) -> list[str]:
    alive = [{"Name": "instance-state-name", "Values": ["pending", "running"]}]
    return sorted(
        f"{one['InstanceType']} in {one['Placement']['AvailabilityZone']}"
        f"{' with IPv6' if one.get('Ipv6Address') else ''}"
        for reservation in (await ec2.describe_instances(Filters=alive))["Reservations"]
        for one in reservation["Instances"]
    )


async def look_for_held_addresses(ec2: Any) -> list[str]:
    addresses = (await ec2.describe_addresses())["Addresses"]
    return ["held" for one in addresses if one.get("InstanceId")]


async def look_for_routers(ec2: Any) -> list[str]:
    return [
        "unchecked"
        for reservation in (await ec2.describe_instances())["Reservations"]
        for one in reservation["Instances"]
        if not one["SourceDestCheck"] and one["State"]["Name"] != "terminated"
    ]


EXAMPLES: dict[type[Resource], Example] = {
    Vpc: Example(look_for_vpcs, ["10.40.0.0/16"]),
    VpcDns: Example(look_for_dns, ["enableDnsSupport", "enableDnsHostnames"]),
    InternetGateway: Example(look_for_gateways, [f"everything.eu-west-1/{network.GATEWAY}"]),
    InternetGatewayAttachment: Example(look_for_attachments, ["10.40.0.0/16"]),
    Subnet: Example(
        look_for_subnets,
        [
            "10.40.0.0/19 in eu-west-1a, part 0 of IPv6",
            "10.40.32.0/19 in eu-west-1b, part 1 of IPv6",
            "10.40.64.0/19 in eu-west-1a, part 16 of IPv6",
            "10.40.96.0/19 in eu-west-1b, part 17 of IPv6",
        ],
    ),
    EgressOnlyInternetGateway: Example(look_for_egress_only_gateways, ["10.40.0.0/16"]),
    VpcEndpoint: Example(
        look_for_endpoints,
        ["Gateway to com.amazonaws.eu-west-1.s3", "Interface to com.amazonaws.eu-west-1.ssm"],
    ),
    Address: Example(
        look_for_addresses,
        ["everything-nat-eu-west-1a", *(f"everything-web-{number}" for number in (1, 2, 3))],
    ),
    NatGateway: Example(look_for_nat_gateways, ["everything-nat-eu-west-1a"]),
    RouteTable: Example(look_for_tables, ["everything-private"]),
    RouteTableAssociation: Example(look_for_associations, [2]),
    Route: Example(look_for_own_routes, ["0.0.0.0/0 by nat", "::/0 by eigw"]),
    DhcpOptions: Example(
        look_for_dhcp_options,
        ["domain-name-servers: 10.40.0.53", "domain-name: corp.example.com"],
    ),
    DhcpOptionsAssociation: Example(look_for_associated_options, ["other options than AWS's"]),
    FlowLog: Example(look_for_flow_logs, ["REJECT to traffic every 600 s"]),
    MainRoute: Example(look_for_routes, ["0.0.0.0/0", "::/0"]),
    SecurityGroup: Example(look_for_groups, ["admin", "web"]),
    SecurityGroupRules: Example(
        look_for_rules,
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
    DefaultGroup: Example(look_for_default_rules, []),
    KeyPair: Example(look_for_key_pairs, ["envwright-everything.eu-west-1"]),
    AddressAssociation: Example(look_for_held_addresses, ["held", "held", "held"]),
    SourceDestCheck: Example(look_for_routers, ["unchecked", "unchecked", "unchecked"]),
    Instances: Example(
        look_for_instances,
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
