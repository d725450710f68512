"""What the strict cloud has just made is unknown for a while, is seen and is unseen again."""

from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import Any

import pytest

from tests.cloud import Behaviour, Cloud
from tests.everything import IMAGE
from tests.harness import outsider
from tests.site import NEVER, Site, make_vpc, outcome

TAGS = [{"Key": "envwright:resource", "Value": "x/y"}]
OF_VPCS = [{"ResourceType": "vpc", "Tags": TAGS}]

LATE = Behaviour(id_lag=NEVER)


async def test_a_new_id_is_unknown_until_its_lag_is_over(cloud: Cloud) -> None:
    """Calls by id answer NotFound, which changes nothing; what is there all the same is there."""
    cloud.behave(LATE)
    async with outsider(cloud.url) as ec2:
        vpc = await make_vpc(ec2)
        assert await outcome(ec2.describe_vpcs(VpcIds=[vpc])) == "InvalidVpcID.NotFound"
        assert await outcome(ec2.delete_vpc(VpcId=vpc)) == "InvalidVpcID.NotFound"
        assert (await cloud.inventory()).ids == {"vpc": [vpc]}
        cloud.behave(Behaviour(id_lag=0.0))
        assert await outcome(ec2.delete_vpc(VpcId=vpc)) == "done"


NotFound = Callable[[Any], Awaitable[tuple[str, Awaitable[Any]]]]
"""Makes something, and returns what a call by its id must answer, and the call."""


async def group(ec2: Any) -> tuple[str, Awaitable[Any]]:
    made = await ec2.create_security_group(GroupName="web", Description="Web")
    return "InvalidGroup.NotFound", ec2.delete_security_group(GroupId=made["GroupId"])


async def gateway(ec2: Any) -> tuple[str, Awaitable[Any]]:
    made = (await ec2.create_internet_gateway())["InternetGateway"]["InternetGatewayId"]
    return (
        "InvalidInternetGatewayID.NotFound",
        ec2.delete_internet_gateway(InternetGatewayId=made),
    )


async def route(ec2: Any) -> tuple[str, Awaitable[Any]]:
    made = (await ec2.create_internet_gateway())["InternetGateway"]["InternetGatewayId"]
    table = (await ec2.describe_route_tables())["RouteTables"][0]["RouteTableId"]
    return "InvalidGatewayID.NotFound", ec2.create_route(
        RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=made
    )


async def instance(ec2: Any) -> tuple[str, Awaitable[Any]]:
    made = await ec2.run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1)
    ids = [made["Instances"][0]["InstanceId"]]
    return "InvalidInstanceID.NotFound", ec2.terminate_instances(InstanceIds=ids)


async def address(ec2: Any) -> tuple[str, Awaitable[Any]]:
    made = (await ec2.allocate_address())["AllocationId"]
    return "InvalidAllocationID.NotFound", ec2.release_address(AllocationId=made)


async def default_vpc(ec2: Any) -> str:
    return str((await ec2.describe_vpcs())["Vpcs"][0]["VpcId"])


async def nat_gateway(ec2: Any) -> tuple[str, Awaitable[Any]]:
    subnet = (await ec2.describe_subnets())["Subnets"][0]["SubnetId"]
    kept = (await ec2.allocate_address())["AllocationId"]
    return "InvalidAllocationID.NotFound", ec2.create_nat_gateway(
        SubnetId=subnet, AllocationId=kept
    )


async def endpoint(ec2: Any) -> tuple[str, Awaitable[Any]]:
    made = await ec2.create_vpc_endpoint(
        VpcId=await default_vpc(ec2), ServiceName="com.amazonaws.eu-west-1.s3"
    )
    ids = [made["VpcEndpoint"]["VpcEndpointId"]]
    return "InvalidVpcEndpointId.NotFound", ec2.describe_vpc_endpoints(VpcEndpointIds=ids)


async def egress_only_gateway(ec2: Any) -> tuple[str, Awaitable[Any]]:
    made = await ec2.create_egress_only_internet_gateway(VpcId=await default_vpc(ec2))
    one = made["EgressOnlyInternetGateway"]["EgressOnlyInternetGatewayId"]
    return "InvalidGatewayID.NotFound", ec2.delete_egress_only_internet_gateway(
        EgressOnlyInternetGatewayId=one
    )


async def dhcp_options(ec2: Any) -> tuple[str, Awaitable[Any]]:
    made = await ec2.create_dhcp_options(
        DhcpConfigurations=[{"Key": "domain-name", "Values": ["example.test"]}]
    )
    return "InvalidDhcpOptionID.NotFound", ec2.associate_dhcp_options(
        DhcpOptionsId=made["DhcpOptions"]["DhcpOptionsId"], VpcId=await default_vpc(ec2)
    )


@pytest.mark.parametrize(
    "kind",
    [
        group,
        gateway,
        route,
        instance,
        address,
        nat_gateway,
        endpoint,
        egress_only_gateway,
        dhcp_options,
    ],
)
async def test_each_kind_is_unknown_in_its_own_words(cloud: Cloud, kind: NotFound) -> None:
    """With the code that EC2 has for it."""
    cloud.behave(LATE)
    async with outsider(cloud.url) as ec2:
        code, call = await kind(ec2)
        assert await outcome(call) == code


async def test_a_describe_with_a_filter_lacks_what_is_not_seen_yet(cloud: Cloud) -> None:
    """It is no error; what was seen before stays seen, and instances go with their reservation."""
    async with outsider(cloud.url) as ec2:
        (old,) = (await ec2.describe_vpcs())["Vpcs"]
        cloud.behave(LATE)
        of_both = [{"Name": "vpc-id", "Values": [old["VpcId"], await make_vpc(ec2)]}]
        await ec2.run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1)

        assert (await ec2.describe_vpcs(Filters=of_both))["Vpcs"] == [old]
        assert (await ec2.describe_instances())["Reservations"] == []
        assert (await ec2.describe_instance_status())["InstanceStatuses"] == []


@pytest.mark.parametrize(
    "what",
    [
        ("nat_gateways", "NatGateways"),
        ("vpc_endpoints", "VpcEndpoints"),
        ("egress_only_internet_gateways", "EgressOnlyInternetGateways"),
        ("dhcp_options", "DhcpOptions"),
        ("route_tables", "RouteTables"),
    ],
)
async def test_a_describe_of_each_kind_lacks_what_is_not_seen_yet(
    cloud: Cloud, site: Site, what: tuple[str, str]
) -> None:
    """Of a site's gateways, endpoints, options and tables."""
    await site.make_nat_gateway()
    service = "com.amazonaws.eu-west-1.s3"
    await site.ec2.create_vpc_endpoint(VpcId=site.vpc, ServiceName=service)
    await site.ec2.create_egress_only_internet_gateway(VpcId=site.vpc)
    await site.ec2.create_dhcp_options(
        DhcpConfigurations=[{"Key": "domain-name", "Values": ["example.test"]}]
    )
    await site.ec2.create_route_table(VpcId=site.vpc)
    operation, name = what

    async def found() -> int:
        return len((await getattr(site.ec2, f"describe_{operation}")())[name])

    there_are = await found()
    cloud.behave(LATE)
    assert await found() == there_are - 1


async def test_the_tags_of_what_is_gone_are_forgotten(site: Site) -> None:
    """Of options and egress-only gateways as of anything else."""
    made = await site.ec2.create_egress_only_internet_gateway(VpcId=site.vpc)
    one = made["EgressOnlyInternetGateway"]["EgressOnlyInternetGatewayId"]
    await site.ec2.create_tags(Resources=[one], Tags=TAGS)
    assert len((await site.ec2.describe_tags())["Tags"]) == 1
    await site.ec2.delete_egress_only_internet_gateway(EgressOnlyInternetGatewayId=one)
    assert (await site.ec2.describe_tags())["Tags"] == []


async def test_tags_lag_by_themselves(cloud: Cloud) -> None:
    """DescribeTags lacks what other calls show already."""
    cloud.behave(Behaviour(tag_lag=NEVER))
    async with outsider(cloud.url) as ec2:
        vpc = await make_vpc(ec2, TagSpecifications=OF_VPCS)
        assert (await ec2.describe_tags())["Tags"] == []
        assert (await ec2.describe_vpcs(VpcIds=[vpc]))["Vpcs"][0]["Tags"] == TAGS


@pytest.mark.parametrize("lag", ["id_lag", "tag_lag"])
async def test_what_is_new_is_seen_and_unseen_again(cloud: Cloud, lag: str) -> None:
    """Within its lag, by chance, call for call; after it, always."""
    cloud.behave(Behaviour(seed=1, flapping=0.5, **{lag: NEVER}))
    async with outsider(cloud.url) as ec2:
        vpc = await make_vpc(ec2, TagSpecifications=OF_VPCS)

        async def seen() -> bool:
            if lag == "tag_lag":
                return bool((await ec2.describe_tags())["Tags"])
            return await outcome(ec2.describe_vpcs(VpcIds=[vpc])) == "done"

        glimpses = [await seen() for _ in range(20)]
        cloud.behave(Behaviour(seed=1, flapping=0.5))
        assert await seen()

    assert {(True, False), (False, True)} <= set(pairwise(glimpses))
