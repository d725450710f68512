"""The census: what AWS holds of an environment, whatever our records say."""

from typing import Any

import aioboto3
import pytest

from envwright.names import TAG_ENVIRONMENT
from tasks.aws.census import census
from tasks.kinds import LISTINGS
from worker.servers import LocalAws

REGION = "eu-west-1"


def tagged(environment_id: str, *types: str) -> list[dict[str, Any]]:
    tags = [{"Key": TAG_ENVIRONMENT, "Value": environment_id}]
    return [{"ResourceType": one, "Tags": tags} for one in types]


async def test_it_counts_by_kind_what_there_is_and_nothing_else(aws: LocalAws) -> None:
    """What is deleted or terminated, untagged, or another environment's, does not count."""
    session = aioboto3.Session()
    async with session.client("ec2", region_name=REGION, endpoint_url=aws.url) as client:
        ec2: Any = client
        ours = await ec2.create_vpc(
            CidrBlock="10.0.0.0/16", TagSpecifications=tagged("web.eu-west-1", "vpc")
        )
        await ec2.create_vpc(
            CidrBlock="10.0.0.0/16", TagSpecifications=tagged("other.eu-west-1", "vpc")
        )
        await ec2.create_vpc(CidrBlock="10.0.0.0/16")
        gateway = await ec2.create_internet_gateway(
            TagSpecifications=tagged("web.eu-west-1", "internet-gateway")
        )
        images = await ec2.describe_images(Owners=["amazon"])
        launched = await ec2.run_instances(
            ImageId=images["Images"][0]["ImageId"],
            InstanceType="t3.micro",
            MinCount=2,
            MaxCount=2,
            TagSpecifications=tagged("web.eu-west-1", "instance"),
        )
        first, second = (one["InstanceId"] for one in launched["Instances"])
        await ec2.terminate_instances(InstanceIds=[first])
        await ec2.delete_internet_gateway(
            InternetGatewayId=gateway["InternetGateway"]["InternetGatewayId"]
        )

    found = await census(LISTINGS, "web.eu-west-1", REGION, aws.url)

    assert {kind: ids for kind, ids in found.items() if ids} == {
        "instances": [second],
        "vpc": [ours["Vpc"]["VpcId"]],
    }


async def test_a_kind_that_is_not_there_is_shown_as_none(aws: LocalAws) -> None:
    """So nobody wonders whether it was looked for."""
    found = await census(LISTINGS, "web.eu-west-1", REGION, aws.url)

    assert found.keys() == LISTINGS.keys()
    assert set(map(len, found.values())) == {0}


@pytest.mark.parametrize(
    ("kind", "create", "type_"),
    [
        ("volume", {"AvailabilityZone": "eu-west-1a", "Size": 1}, "volume"),
        ("key_pair", {"KeyName": "key"}, "key-pair"),
        ("security_group", {"GroupName": "web", "Description": "web"}, "security-group"),
        ("internet_gateway", {}, "internet-gateway"),
        ("vpc", {"CidrBlock": "10.0.0.0/16"}, "vpc"),
    ],
)
async def test_it_sees_each_kind(
    aws: LocalAws, kind: str, create: dict[str, Any], type_: str
) -> None:
    """One of a kind, tagged when it was made, is found."""
    session = aioboto3.Session()
    async with session.client("ec2", region_name=REGION, endpoint_url=aws.url) as client:
        method = getattr(client, f"create_{kind}")
        await method(**create, TagSpecifications=tagged("web.eu-west-1", type_))

    found = await census(LISTINGS, "web.eu-west-1", REGION, aws.url)

    assert [len(ids) for ids in found.values() if ids] == [1]
    assert len(found[kind]) == 1


@pytest.mark.parametrize("kind", ["subnet", "network_interface"])
async def test_it_sees_what_stands_in_a_vpc(aws: LocalAws, kind: str) -> None:
    """The kinds that need a VPC around them are found too."""
    session = aioboto3.Session()
    async with session.client("ec2", region_name=REGION, endpoint_url=aws.url) as client:
        ec2: Any = client
        vpc = (await ec2.create_vpc(CidrBlock="10.0.0.0/16"))["Vpc"]["VpcId"]
        tags = tagged("web.eu-west-1", kind.replace("_", "-"))
        if kind == "subnet":
            await ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24", TagSpecifications=tags)
        else:
            subnet = await ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")
            await ec2.create_network_interface(
                SubnetId=subnet["Subnet"]["SubnetId"], TagSpecifications=tags
            )

    found = await census(LISTINGS, "web.eu-west-1", REGION, aws.url)

    assert len(found[kind]) == 1
