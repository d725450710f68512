"""What the strict cloud refuses: beyond a quota, above a rate, without capacity, or for show."""

import asyncio
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.cloud import ANYTHING, Behaviour, Cloud, Quotas
from tests.everything import IMAGE
from tests.harness import outsider
from tests.integration.test_cloud_accounts import ONE, OTHER
from tests.site import Site, make_vpc, outcome

AN_HOUR = 3600.0
"""A time scale at which no bucket is refilled while a test lasts."""


async def launch(ec2: Any, of_type: str = "t3.micro", count: int = 1, **more: Any) -> str:
    return await outcome(
        ec2.run_instances(
            ImageId=IMAGE, InstanceType=of_type, MinCount=count, MaxCount=count, **more
        )
    )


def open_port(port: int) -> dict[str, Any]:
    return {
        "IpProtocol": "tcp",
        "FromPort": port,
        "ToPort": port,
        "IpRanges": [{"CidrIp": "10.0.0.0/8"}],
    }


async def test_there_are_only_so_many_of_each(cloud: Cloud) -> None:
    """The default VPC and the default groups count; what is there already is left alone."""
    cloud.behave(
        Behaviour(
            quotas=Quotas(
                vpcs=2,
                subnets_per_vpc=1,
                internet_gateways=1,
                security_groups=3,
                rules_per_security_group=2,
                addresses=1,
            )
        )
    )
    async with outsider(cloud.url) as ec2:
        site = Site(ec2)
        await site.build()
        await ec2.allocate_address()
        await ec2.authorize_security_group_ingress(
            GroupId=site.group, IpPermissions=[open_port(1), open_port(2)]
        )
        before = await cloud.inventory()

        told = [
            await outcome(call)
            for call in (
                ec2.create_vpc(CidrBlock="10.1.0.0/16"),
                ec2.create_subnet(VpcId=site.vpc, CidrBlock="10.0.1.0/24"),
                ec2.create_internet_gateway(),
                ec2.create_security_group(VpcId=site.vpc, GroupName="b", Description="b"),
                ec2.authorize_security_group_ingress(
                    GroupId=site.group, IpPermissions=[open_port(3)]
                ),
                ec2.allocate_address(),
            )
        ]

    assert told == [
        "VpcLimitExceeded",
        "SubnetLimitExceeded",
        "InternetGatewayLimitExceeded",
        "SecurityGroupLimitExceeded",
        "RulesPerSecurityGroupLimitExceeded",
        "AddressLimitExceeded",
    ]
    assert (await cloud.inventory()).ids == before.ids


async def test_vcpus_are_counted_until_an_instance_is_terminated(cloud: Cloud) -> None:
    """Of a t3.micro there are two, of an m5.xlarge four."""
    cloud.behave(Behaviour(quotas=Quotas(vcpus=4)))
    async with outsider(cloud.url) as ec2:
        assert await launch(ec2, "t3.micro", count=3) == "VcpuLimitExceeded"
        assert await launch(ec2, "t3.micro") == "done"
        assert await launch(ec2, "m5.xlarge") == "VcpuLimitExceeded"
        await ec2.terminate_instances(InstanceIds=(await cloud.inventory()).ids["instance"])
        assert await launch(ec2, "m5.xlarge") == "done"


async def test_a_type_can_be_exhausted_in_a_zone(cloud: Cloud) -> None:
    """With HTTP 500, as EC2 says it; in other zones, and of other types, there is some."""
    async with outsider(cloud.url) as ec2:
        vpc = await make_vpc(ec2)
        subnets = {}
        for third, zone in enumerate(("eu-west-1a", "eu-west-1b")):
            made = await ec2.create_subnet(
                VpcId=vpc, CidrBlock=f"10.0.{third}.0/24", AvailabilityZone=zone
            )
            subnets[zone] = made["Subnet"]["SubnetId"]
        cloud.behave(
            Behaviour(no_capacity=frozenset({("eu-west-1a", "t3.micro"), (ANYTHING, "m5.large")}))
        )
        with pytest.raises(ClientError) as told:
            await ec2.run_instances(
                ImageId=IMAGE,
                InstanceType="t3.micro",
                MinCount=1,
                MaxCount=1,
                NetworkInterfaces=[{"DeviceIndex": 0, "SubnetId": subnets["eu-west-1a"]}],
            )
        assert told.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
        assert told.value.response["Error"]["Code"] == "InsufficientInstanceCapacity"
        there = subnets["eu-west-1b"]
        assert await launch(ec2, "t3.small", SubnetId=subnets["eu-west-1a"]) == "done"
        assert await launch(ec2, "t3.micro", SubnetId=there) == "done"
        assert await launch(ec2, "m5.large", SubnetId=there) == "InsufficientInstanceCapacity"

    assert (await cloud.inventory()).counts["instance"] == 2


async def test_capacity_can_be_out_by_chance(cloud: Cloud) -> None:
    """Of launches alone, and then nothing is launched."""
    cloud.behave(Behaviour(out_of_capacity=1.0))
    async with outsider(cloud.url) as ec2:
        await make_vpc(ec2)
        assert await launch(ec2) == "InsufficientInstanceCapacity"

    assert (await cloud.inventory()).counts == {"vpc": 1}


async def test_a_dry_run_has_no_effect(cloud: Cloud) -> None:
    """It says that the call would do, or that it is denied."""
    cloud.behave(Behaviour(denied=frozenset({"RunInstances"})))
    async with outsider(cloud.url) as ec2:
        site = Site(ec2)
        await site.build()
        before = (await cloud.inventory()).ids
        told = [
            await outcome(call)
            for call in (
                ec2.create_vpc(CidrBlock="10.1.0.0/16", DryRun=True),
                ec2.create_subnet(VpcId=site.vpc, CidrBlock="10.0.1.0/24", DryRun=True),
                ec2.delete_security_group(GroupId=site.group, DryRun=True),
                ec2.allocate_address(DryRun=True),
                ec2.describe_vpcs(DryRun=True),
            )
        ]
        with pytest.raises(ClientError) as one:
            await ec2.create_internet_gateway(DryRun=True)
        assert await launch(ec2, DryRun=True) == "UnauthorizedOperation"

    assert set(told) == {"DryRunOperation"}
    assert one.value.response["ResponseMetadata"]["HTTPStatusCode"] == 412
    assert (await cloud.inventory()).ids == before


async def test_a_bucket_of_requests_runs_dry(cloud: Cloud) -> None:
    """One for each action, account and region; RequestLimitExceeded comes with HTTP 503."""
    cloud.behave(Behaviour(limited=True, time_scale=AN_HOUR))
    async with (
        outsider(cloud.url, ONE) as ec2,
        outsider(cloud.url, OTHER) as other,
        outsider(cloud.url, ONE, region="us-east-1") as far,
    ):
        assert [await launch(ec2) for _ in range(6)] == ["done"] * 5 + ["RequestLimitExceeded"]
        with pytest.raises(ClientError) as told:
            await ec2.run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1)
        assert await outcome(ec2.describe_vpcs()) == "done"
        assert await outcome(other.run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1)) == "done"
        assert await outcome(far.run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1)) == "done"

    assert told.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    assert (await cloud.inventory(ONE, "eu-west-1")).counts["instance"] == 5


async def test_a_bucket_is_refilled_with_time(cloud: Cloud) -> None:
    """Times the time scale."""
    cloud.behave(Behaviour(limited=True, time_scale=AN_HOUR))
    async with outsider(cloud.url) as ec2:
        seen = [await launch(ec2) for _ in range(6)]
        assert seen[-1] == "RequestLimitExceeded"
        cloud.behave(Behaviour(limited=True, time_scale=0.1))
        async with asyncio.timeout(10):
            while await launch(ec2) != "done":
                pass


async def test_instances_have_a_bucket_beside_that_of_the_requests(cloud: Cloud) -> None:
    """A thousand can be launched at once, and no more."""
    cloud.behave(Behaviour(limited=True, time_scale=AN_HOUR))
    async with outsider(cloud.url) as ec2:
        assert await launch(ec2, count=1001) == "RequestLimitExceeded"
        assert await launch(ec2, count=1) == "done"


async def test_reads_of_everything_have_a_smaller_bucket(cloud: Cloud) -> None:
    """Of those that AWS names, when they are neither filtered nor paginated."""
    cloud.behave(Behaviour(limited=True, time_scale=AN_HOUR))
    async with outsider(cloud.url) as ec2:
        seen = [await outcome(ec2.describe_instances()) for _ in range(51)]
        assert seen == ["done"] * 50 + ["RequestLimitExceeded"]
        assert await outcome(ec2.describe_instances(MaxResults=5)) == "done"
