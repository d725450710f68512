"""A dual-stack network: what its parts get, whatever AWS takes its time for."""

from ipaddress import IPv6Address, IPv6Network
from typing import Any

from envwright.names import Step
from envwright.spec import load_spec
from envwright.states import State
from tests.cloud import Behaviour, Cloud, Durations, refused
from tests.everything import IMAGE
from tests.harness import existing, outsider
from tests.integration.conftest import Begin
from tests.repository import ROOT
from tests.specs import with_instances
from worker.servers import LocalAws


def dual_stack(**network: Any) -> dict[str, Any]:
    data = with_instances(IMAGE)
    return data | {"network": data["network"] | {"ipv6": True} | network}


async def test_every_part_has_its_part_of_the_block(
    begin: Begin, cloud: Cloud, aws: LocalAws
) -> None:
    """Each subnet a /64 of the VPC's /56, and each instance an address of its subnet's; the block
    that AWS tells late is waited for, by one for all, and nothing is switched on afterwards."""
    cloud.behave(Behaviour(durations=Durations(ipv6_associating=0.3)))
    async with begin(dual_stack()) as env:
        record = await env.to_rest()

    outputs = record.outputs
    assert outputs is not None
    assert outputs.ipv6_block is not None
    blocks = {name: IPv6Network(block) for name, block in outputs.ipv6_subnets.items()}
    assert blocks.keys() == outputs.subnets.keys()
    whole = IPv6Network(outputs.ipv6_block)
    assert all(one.prefixlen == 64 and one.subnet_of(whole) for one in blocks.values())
    assert len(set(blocks.values())) == len(blocks) == 2
    for one in outputs.instances:
        assert IPv6Address(one.ipv6_address or "") in blocks[f"public-{one.zone}"]
    assert cloud.done("ModifySubnetAttribute") == 0
    async with outsider(aws.url) as ec2:
        told = await ec2.describe_subnets(SubnetIds=[*outputs.subnets.values()])
    assert {
        one["SubnetId"]: one["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"]
        for one in told["Subnets"]
    } == {outputs.subnets[name]: block for name, block in outputs.ipv6_subnets.items()}


async def test_one_asks_for_the_block_for_all_subnets(begin: Begin, cloud: Cloud) -> None:
    """Ten subnets that wait for it cost no more reads than one."""
    cloud.behave(Behaviour(durations=Durations(ipv6_associating=0.3)))
    tiers = [{"name": f"public-{number}", "access": "public"} for number in range(5)]
    async with begin(dual_stack(tiers=tiers)) as env:
        await env.run(Step.NETWORK)

    assert cloud.done("CreateSubnet") == 10
    # Polls of 0.05 s, and some for a slow machine; ten that poll would make 60 and more.
    assert 2 <= len(cloud.calls("DescribeVpcs")) <= 20, cloud.counted()


async def test_a_successor_uses_the_same_block(begin: Begin, cloud: Cloud, aws: LocalAws) -> None:
    """It is on record from before the first subnet, and none is made twice."""
    async with begin(dual_stack()) as env:
        await env.die_at(cloud, "CreateSubnet", after_effect=True)
        record = await env.to_rest()
        assert record.state is State.READY
        assert record.outputs is not None
        assert {
            subnet.key.split("/")[-1] if subnet.key else None
            for subnet in (await cloud.inventory()).of("subnet")
        } == record.outputs.ipv6_subnets.keys()
        assert (await env.take_down()).state is State.DESTROYED
    assert await existing(aws.url) == {}


async def test_a_network_built_anew_has_the_new_block(begin: Begin, cloud: Cloud) -> None:
    """The block of a VPC that was taken down is not that of the next one."""
    cloud.inject("RunInstances", refused("VcpuLimitExceeded"))
    async with begin(dual_stack()) as env:
        assert (await env.to_rest()).state is State.CLEANED
        env.client.retry(env.id)
        record = await env.to_rest()

    assert record.state is State.READY, record.failure
    assert record.outputs is not None
    block = IPv6Network(record.outputs.ipv6_block or "")
    assert all(IPv6Network(one).subnet_of(block) for one in record.outputs.ipv6_subnets.values())


async def test_what_may_go_out_is_what_the_spec_says(begin: Begin, aws: LocalAws) -> None:
    """AWS lets everything out over IPv6 too, from a new group of such a VPC; `egress` ends that."""
    data = dual_stack()
    data["security"]["groups"]["web"]["egress"] = []
    async with begin(data) as env:
        outputs = (await env.to_rest()).outputs

    assert outputs is not None
    async with outsider(aws.url) as ec2:
        told = await ec2.describe_security_groups(GroupIds=[*outputs.security_groups.values()])
    assert [one["IpPermissionsEgress"] for one in told["SecurityGroups"]] == [[]]


async def test_the_example_comes_and_goes(begin: Begin, cloud: Cloud, aws: LocalAws) -> None:
    """Web servers that are reached over both, workers that go out over IPv6 alone; again without a
    change; gone."""
    async with begin(load_spec(ROOT / "examples" / "dual-stack.yaml")) as env:
        record = await env.to_rest()
        assert record.state is State.READY
        assert record.outputs is not None
        instances = record.outputs.instances
        assert len([one for one in instances if one.ipv6_address]) == len(instances) == 4
        assert {one.group for one in instances if one.public_ip} == {"web"}
        made = (await cloud.inventory()).counts
        assert made["egress_only_internet_gateway"] == made["internet_gateway"] == 1
        assert made.keys().isdisjoint({"nat_gateway", "address"})
        assert await ways_out(aws, record.outputs.vpc_id) == {
            ("web", "0.0.0.0/0", "igw"),
            ("web", "::/0", "igw"),
            ("workers", "::/0", "eigw"),
        }

        cloud.journal.clear()
        await env.rewind(Step.NETWORK)
        assert (await env.to_rest()).state is State.READY
        assert cloud.mutating == []

        assert (await env.take_down()).state is State.DESTROYED
    assert await existing(aws.url) == {}


async def ways_out(aws: LocalAws, vpc_id: str) -> set[tuple[str, str, str]]:
    """Of every route but the local ones: tier, destination, and what sort of gateway it is."""
    of_vpc = [{"Name": "vpc-id", "Values": [vpc_id]}]
    async with outsider(aws.url) as ec2:
        tables = (await ec2.describe_route_tables(Filters=of_vpc))["RouteTables"]
    return {
        (
            "web" if any(one["Main"] for one in table["Associations"]) else "workers",
            route.get("DestinationCidrBlock") or route["DestinationIpv6CidrBlock"],
            target.split("-")[0],
        )
        for table in tables
        for route in table["Routes"]
        for target in [route.get("EgressOnlyInternetGatewayId") or route.get("GatewayId", "")]
        if target != "local"
    }
