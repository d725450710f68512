"""The strict cloud gives IPv6 blocks late, and ways out that lead out alone."""

from ipaddress import IPv6Network, ip_address
from itertools import islice
from typing import Any

from tests.cloud import Behaviour, Cloud, Durations, Quotas
from tests.everything import IMAGE
from tests.harness import outsider
from tests.integration.test_cloud_routing import OUT, OUT_V6, Tables
from tests.site import Site, outcome


async def make_vpc(ec2: Any) -> dict[str, Any]:
    made = await ec2.create_vpc(CidrBlock="10.0.0.0/16", AmazonProvidedIpv6CidrBlock=True)
    return dict(made["Vpc"]["Ipv6CidrBlockAssociationSet"][0]) | {"VpcId": made["Vpc"]["VpcId"]}


async def block_of(ec2: Any, vpc: str) -> tuple[str, str]:
    """The state of its block, and the block."""
    (told,) = (await ec2.describe_vpcs(VpcIds=[vpc]))["Vpcs"]
    (association,) = told["Ipv6CidrBlockAssociationSet"]
    return association["Ipv6CidrBlockState"]["State"], association["Ipv6CidrBlock"]


async def prepare(ec2: Any) -> tuple[str, list[str]]:
    """A VPC, and the first blocks for its subnets."""
    vpc = (await make_vpc(ec2))["VpcId"]
    _, block = await block_of(ec2, vpc)
    return vpc, [str(one) for one in islice(IPv6Network(block).subnets(new_prefix=64), 2)]


async def make_subnet(ec2: Any, vpc: str, third: int, block: str) -> str:
    made = await ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{third}.0/24", Ipv6CidrBlock=block)
    return str(made["Subnet"]["SubnetId"])


async def make_egress_only(ec2: Any, vpc: str, **more: Any) -> str:
    made = await ec2.create_egress_only_internet_gateway(VpcId=vpc, **more)
    return str(made["EgressOnlyInternetGateway"]["EgressOnlyInternetGatewayId"])


async def test_a_vpc_learns_its_block_late(cloud: Cloud) -> None:
    """Until it is associated the block is not told, and no subnet can have a part of it."""
    cloud.behave(Behaviour(durations=Durations(ipv6_associating=0.4)))
    async with outsider(cloud.url) as ec2:
        made = await make_vpc(ec2)
        vpc = made["VpcId"]
        assert (made["Ipv6CidrBlockState"]["State"], made["Ipv6CidrBlock"]) == ("associating", "")
        while (told := await block_of(ec2, vpc))[0] == "associating":
            assert told[1] == ""

        assert told[0] == "associated"
        assert IPv6Network(told[1]).prefixlen == 56


async def test_a_block_can_be_had_later(site: Site) -> None:
    """Of Amazon's, and one alone."""
    asked = {"VpcId": site.vpc, "AmazonProvidedIpv6CidrBlock": True}
    made = await site.ec2.associate_vpc_cidr_block(**asked)
    assert made["Ipv6CidrBlockAssociation"]["Ipv6CidrBlockState"]["State"] == "associating"
    state, block = await block_of(site.ec2, site.vpc)
    assert (state, IPv6Network(block).prefixlen) == ("associated", 56)
    assert await outcome(site.ec2.associate_vpc_cidr_block(**asked)) == "CidrLimitExceeded"


async def test_a_subnet_has_a_free_part_of_the_block_of_its_vpc(cloud: Cloud) -> None:
    """A /64 of it that no other subnet has."""
    async with outsider(cloud.url) as ec2:
        vpc, (first, second) = await prepare(ec2)
        wide = str(IPv6Network(first).supernet(new_prefix=60))
        asked = (
            (first, "done"),
            (first, "InvalidSubnet.Conflict"),
            (wide, "InvalidSubnet.Range"),
            ("2001:db8::/64", "InvalidSubnet.Range"),
        )
        for third, (block, expected) in enumerate(asked):
            assert await outcome(make_subnet(ec2, vpc, third, block)) == expected
        subnet = await make_subnet(ec2, vpc, 9, second)
        (told,) = (await ec2.describe_subnets(SubnetIds=[subnet]))["Subnets"]
        (association,) = told["Ipv6CidrBlockAssociationSet"]
        assert association["Ipv6CidrBlock"] == second
        assert association["Ipv6CidrBlockState"]["State"] == "associated"


async def test_an_instance_has_addresses_of_its_subnet(cloud: Cloud) -> None:
    """As many as it asks for, or one where the subnet gives it by itself."""
    async with outsider(cloud.url) as ec2:
        vpc, (block, _) = await prepare(ec2)
        subnet = await make_subnet(ec2, vpc, 0, block)
        made = await ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")
        without = made["Subnet"]["SubnetId"]

        async def launch(subnet: str, **more: Any) -> list[str]:
            launched = await ec2.run_instances(
                ImageId=IMAGE,
                MinCount=1,
                MaxCount=1,
                NetworkInterfaces=[{"DeviceIndex": 0, "SubnetId": subnet, **more}],
            )
            ids = [launched["Instances"][0]["InstanceId"]]
            told = await ec2.describe_instances(InstanceIds=ids)
            (interface,) = told["Reservations"][0]["Instances"][0]["NetworkInterfaces"]
            return [one["Ipv6Address"] for one in interface["Ipv6Addresses"]]

        async def give(subnet: str) -> str:
            by_itself = {"Value": True}
            return await outcome(
                ec2.modify_subnet_attribute(SubnetId=subnet, AssignIpv6AddressOnCreation=by_itself)
            )

        assert await launch(subnet) == []
        two = await launch(subnet, Ipv6AddressCount=2)
        assert len(two) == 2
        assert await give(subnet) == "done"
        (one,) = await launch(subnet)
        assert all(ip_address(address) in IPv6Network(block) for address in (one, *two))
        assert await outcome(launch(without, Ipv6AddressCount=1)) == "InvalidParameterValue"
        assert await give(without) == "InvalidParameterValue"


async def test_an_egress_only_gateway_leads_ipv6_out(site: Site) -> None:
    """Not IPv4; and when it is deleted under its routes, they are blackholes."""
    tables, gateway = Tables(site), await make_egress_only(site.ec2, site.vpc)
    table = await tables.make()
    target = {"EgressOnlyInternetGatewayId": gateway}
    assert await tables.lead(table, OUT, **target) == "InvalidParameterValue"
    assert await tables.lead(table, OUT_V6, **target) == "done"
    assert (await tables.route(table, OUT_V6))["State"] == "active"

    delete = site.ec2.delete_egress_only_internet_gateway
    assert await outcome(delete(**target)) == "done"
    assert await outcome(delete(**target)) == "InvalidGatewayID.NotFound"
    assert (await tables.route(table, OUT_V6))["State"] == "blackhole"
    assert await tables.replace(table, OUT_V6, **target) == "InvalidGatewayID.NotFound"


async def test_an_egress_only_gateway_holds_its_vpc(cloud: Cloud, site: Site) -> None:
    """And exists until it is deleted."""
    await site.delete_subnet()
    await site.delete_group()
    await site.detach()
    gateway = await make_egress_only(site.ec2, site.vpc)
    assert await site.delete_vpc() == "DependencyViolation"
    assert (await cloud.inventory()).of("egress_only_internet_gateway")[0].within == (site.vpc,)
    await site.ec2.delete_egress_only_internet_gateway(EgressOnlyInternetGatewayId=gateway)
    assert await site.delete_vpc() == "done"


async def test_an_egress_only_gateway_is_made_once_by_its_token(site: Site) -> None:
    """Tagged in the call, and found by its tag."""
    tags = [
        {
            "ResourceType": "egress-only-internet-gateway",
            "Tags": [{"Key": "of", "Value": "test"}],
        }
    ]
    made = [
        await make_egress_only(site.ec2, site.vpc, ClientToken="one", TagSpecifications=tags)
        for _ in range(2)
    ]
    assert made[0] == made[1]
    await make_egress_only(site.ec2, site.vpc)
    wanted = [{"Name": "tag:of", "Values": ["test"]}]
    told = await site.ec2.describe_egress_only_internet_gateways(Filters=wanted)
    (found,) = told["EgressOnlyInternetGateways"]
    assert found["EgressOnlyInternetGatewayId"] == made[0]
    assert found["Attachments"] == [{"State": "attached", "VpcId": site.vpc}]
    (tag,) = (await site.ec2.describe_tags(Filters=wanted))["Tags"]
    assert tag["ResourceType"] == "egress-only-internet-gateway"


async def test_there_are_only_so_many_egress_only_gateways(cloud: Cloud, site: Site) -> None:
    """In a region."""
    cloud.behave(Behaviour(quotas=Quotas(egress_only_internet_gateways=1)))
    await make_egress_only(site.ec2, site.vpc)
    told = await outcome(make_egress_only(site.ec2, site.vpc))
    assert told == "EgressOnlyInternetGatewayLimitExceeded"
