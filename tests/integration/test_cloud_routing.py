"""The strict cloud's route tables serve a subnet once, and lead where there is a way alone."""

from typing import Any

import pytest

from tests.cloud import Behaviour, Cloud, Quotas
from tests.site import Site, make_vpc, outcome

OUT = "0.0.0.0/0"
OUT_V6 = "::/0"


class Tables:
    """The route tables of a site."""

    def __init__(self, site: Site) -> None:
        self.site, self.ec2 = site, site.ec2

    async def make(self, vpc: str = "") -> str:
        made = await self.ec2.create_route_table(VpcId=vpc or self.site.vpc)
        return str(made["RouteTable"]["RouteTableId"])

    async def associate(self, table: str) -> str:
        associated = await self.ec2.associate_route_table(
            RouteTableId=table, SubnetId=self.site.subnet
        )
        return str(associated["AssociationId"])

    async def lead(self, table: str, destination: str = OUT, **target: str) -> str:
        return await outcome(self.ec2.create_route(**_route(table, destination), **target))

    async def replace(self, table: str, destination: str = OUT, **target: str) -> str:
        return await outcome(self.ec2.replace_route(**_route(table, destination), **target))

    async def route(self, table: str, destination: str = OUT) -> dict[str, Any]:
        """The one with this destination; nothing, where there is none."""
        (told,) = (await self.ec2.describe_route_tables(RouteTableIds=[table]))["RouteTables"]
        return next((one for one in told["Routes"] if destination in one.values()), {})

    async def found(self, **filters: str) -> list[str]:
        wanted = [
            {"Name": name.replace("__", ".").replace("_", "-"), "Values": [value]}
            for name, value in filters.items()
        ]
        told = (await self.ec2.describe_route_tables(Filters=wanted))["RouteTables"]
        return [one["RouteTableId"] for one in told]


def _route(table: str, destination: str) -> dict[str, str]:
    family = "DestinationIpv6CidrBlock" if ":" in destination else "DestinationCidrBlock"
    return {"RouteTableId": table, family: destination}


@pytest.fixture
def tables(site: Site) -> Tables:
    return Tables(site)


async def test_a_subnet_has_one_route_table(tables: Tables) -> None:
    """A second association is refused, be it with the same table, until the first is gone."""
    one, other = await tables.make(), await tables.make()
    association = await tables.associate(one)

    assert await outcome(tables.associate(one)) == "Resource.AlreadyAssociated"
    assert await outcome(tables.associate(other)) == "Resource.AlreadyAssociated"
    assert await outcome(tables.ec2.delete_route_table(RouteTableId=one)) == "DependencyViolation"
    await tables.ec2.disassociate_route_table(AssociationId=association)
    again = tables.ec2.disassociate_route_table(AssociationId=association)
    assert await outcome(again) == "InvalidAssociationID.NotFound"
    assert await outcome(tables.associate(other)) == "done"
    assert await outcome(tables.ec2.delete_route_table(RouteTableId=one)) == "done"


async def test_a_route_table_serves_its_own_vpc(tables: Tables) -> None:
    """Its subnets alone."""
    elsewhere = await tables.make(await make_vpc(tables.ec2))
    assert await outcome(tables.associate(elsewhere)) == "InvalidParameterValue"
    gateway = tables.site.gateway
    assert await tables.lead(elsewhere, GatewayId=gateway) == "InvalidParameterValue"


async def test_route_tables_are_found_by_filters(tables: Tables) -> None:
    """By VPC, subnet, being the main one, id and tag."""
    table = await tables.make()
    await tables.associate(table)
    await tables.ec2.create_tags(Resources=[table], Tags=[{"Key": "of", "Value": "test"}])
    vpc, subnet = tables.site.vpc, tables.site.subnet

    (main,) = await tables.found(vpc_id=vpc, association__main="true")
    assert set(await tables.found(vpc_id=vpc)) == {main, table}
    assert await tables.found(association__subnet_id=subnet) == [table]
    assert await tables.found(route_table_id=table) == [table]
    assert await tables.found(**{"tag:of": "test"}) == [table]
    told = (await tables.ec2.describe_route_tables(RouteTableIds=[main]))["RouteTables"][0]
    association = told["Associations"][0]["RouteTableAssociationId"]
    gone = tables.ec2.disassociate_route_table(AssociationId=association)
    assert await outcome(gone) == "InvalidParameterValue"


async def test_a_destination_has_one_route(tables: Tables) -> None:
    """Of IPv4 and of IPv6; another one takes its place by ReplaceRoute alone."""
    table, gateway = await tables.make(), tables.site.gateway
    assert await tables.replace(table, GatewayId=gateway) == "InvalidParameterValue"
    for destination in (OUT, OUT_V6):
        assert await tables.lead(table, destination, GatewayId=gateway) == "done"
        assert await tables.lead(table, destination, GatewayId=gateway) == "RouteAlreadyExists"

    nat_gateway, _ = await tables.site.make_nat_gateway()
    assert await tables.replace(table, NatGatewayId=nat_gateway) == "done"
    route = await tables.route(table)
    assert (route["NatGatewayId"], "GatewayId" in route) == (nat_gateway, False)


async def test_the_local_route_stays(tables: Tables) -> None:
    """Nobody can delete it; others go once."""
    table = await tables.make()
    await tables.lead(table, GatewayId=tables.site.gateway)

    async def delete(destination: str) -> str:
        return await outcome(tables.ec2.delete_route(**_route(table, destination)))

    assert await delete("10.0.0.0/16") == "InvalidParameterValue"
    assert await delete(OUT) == "done"
    assert await delete(OUT) == "InvalidRoute.NotFound"


async def test_a_route_whose_target_went_is_a_blackhole(tables: Tables) -> None:
    """It stays, and leads nowhere; nothing new leads there."""
    table, other = await tables.make(), await tables.make()
    nat_gateway, _ = await tables.site.make_nat_gateway()
    await tables.lead(table, NatGatewayId=nat_gateway)
    await tables.lead(other, GatewayId=tables.site.gateway)
    assert [(await tables.route(one))["State"] for one in (table, other)] == ["active"] * 2

    await tables.ec2.delete_nat_gateway(NatGatewayId=nat_gateway)
    assert await tables.site.detach() == "done"
    assert [(await tables.route(one))["State"] for one in (table, other)] == ["blackhole"] * 2
    assert await tables.found(route__state="blackhole", route__nat_gateway_id=nat_gateway) == [
        table
    ]
    code = "InvalidNatGatewayID.NotFound"
    assert await tables.replace(other, NatGatewayId=nat_gateway) == code


async def test_there_are_only_so_many_tables_and_routes(cloud: Cloud, tables: Tables) -> None:
    """The main table counts, a local route does not."""
    cloud.behave(Behaviour(quotas=Quotas(route_tables_per_vpc=2, routes_per_route_table=1)))
    table, gateway = await tables.make(), tables.site.gateway
    assert await outcome(tables.make()) == "RouteTableLimitExceeded"
    assert await tables.lead(table, GatewayId=gateway) == "done"
    assert await tables.lead(table, "192.0.2.0/24", GatewayId=gateway) == "RouteLimitExceeded"
    assert await tables.lead(table, OUT_V6, GatewayId=gateway) == "done"
