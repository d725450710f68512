"""The strict cloud honours client tokens: a token is one request, however often it comes."""

import asyncio
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.cloud import Cloud, dropped
from tests.everything import IMAGE
from tests.harness import counts, outsider
from tests.site import Site, make_vpc, outcome
from worker.servers import LocalAws


async def launch(ec2: Any, token: str, count: int = 1, **more: Any) -> list[str]:
    launched = await ec2.run_instances(
        ImageId=IMAGE,
        InstanceType="t3.micro",
        MinCount=count,
        MaxCount=count,
        ClientToken=token,
        **more,
    )
    return [one["InstanceId"] for one in launched["Instances"]]


async def make_subnet(ec2: Any, vpc: str, third: int, zone: str) -> str:
    made = await ec2.create_subnet(
        VpcId=vpc, CidrBlock=f"10.0.{third}.0/24", AvailabilityZone=f"eu-west-1{zone}"
    )
    return str(made["Subnet"]["SubnetId"])


async def test_a_client_token_stands_for_one_launch(cloud: Cloud, aws: LocalAws) -> None:
    """The same token gives the same instances, also when both calls are under way at once."""
    async with outsider(cloud.url) as ec2:
        first, second = await asyncio.gather(launch(ec2, "one"), launch(ec2, "one"))
        other = await launch(ec2, "two")

    assert first == second != other
    assert (await counts(aws.url))["instance"] == 2


async def test_a_launch_that_was_refused_leaves_its_token_free(cloud: Cloud) -> None:
    """What launched nothing is not replayed."""
    async with outsider(cloud.url) as ec2:
        with pytest.raises(ClientError, match="InvalidAMIID"):
            await ec2.run_instances(
                ImageId="ami-00000000000000000", MinCount=1, MaxCount=1, ClientToken="one"
            )

        assert len(await launch(ec2, "one")) == 1


async def test_a_client_token_with_other_parameters_is_refused(cloud: Cloud) -> None:
    """As AWS refuses it."""
    async with outsider(cloud.url) as ec2:
        await launch(ec2, "one")
        with pytest.raises(ClientError, match="IdempotentParameterMismatch"):
            await launch(ec2, "one", count=2)


async def test_the_client_token_of_a_terminated_instance_is_spent(cloud: Cloud) -> None:
    """It launches nothing any more."""
    async with outsider(cloud.url) as ec2:
        await ec2.terminate_instances(InstanceIds=await launch(ec2, "one"))
        with pytest.raises(ClientError, match="IdempotentInstanceTerminated"):
            await launch(ec2, "one")


async def test_a_client_token_counts_by_availability_zone(cloud: Cloud) -> None:
    """In another zone it launches again; in another subnet of its zone it is a mismatch."""
    async with outsider(cloud.url) as ec2:
        vpc = await make_vpc(ec2)
        here, beside, elsewhere = [
            await make_subnet(ec2, vpc, third, zone) for third, zone in enumerate("aab")
        ]
        first = await launch(ec2, "one", SubnetId=here)
        assert await launch(ec2, "one", SubnetId=here) == first
        assert await outcome(launch(ec2, "one", SubnetId=beside)) == "IdempotentParameterMismatch"
        interface = {"DeviceIndex": 0, "SubnetId": elsewhere}
        assert await launch(ec2, "one", NetworkInterfaces=[interface]) != first


async def test_a_launch_whose_reply_was_lost_is_given_again(cloud: Cloud) -> None:
    """Its token finds it; a replay has no effect of its own."""
    cloud.inject("RunInstances", dropped(after_effect=True))
    async with outsider(cloud.url) as ec2:
        assert await outcome(launch(ec2, "one")) == "dropped"
        again = await launch(ec2, "one")

    assert (await cloud.inventory()).ids["instance"] == again
    assert cloud.done("RunInstances") == 1


async def test_other_creates_are_idempotent_by_token_too(cloud: Cloud) -> None:
    """NAT gateways, route tables and the like; a token of one action is nothing to another."""
    async with outsider(cloud.url) as ec2:
        site = Site(ec2)
        await site.build()
        address = (await ec2.allocate_address())["AllocationId"]
        for _ in range(2):
            await ec2.create_nat_gateway(
                SubnetId=site.subnet, AllocationId=address, ClientToken="one"
            )
            await ec2.create_route_table(VpcId=site.vpc, ClientToken="one")
        found = await cloud.inventory()

    assert (found.counts["nat_gateway"], found.counts["route_table"]) == (1, 1)


async def test_a_call_without_a_token_of_its_own_is_made_each_time(cloud: Cloud) -> None:
    """The token that the SDK fills in is a new one at each call."""
    async with outsider(cloud.url) as ec2:
        for _ in range(2):
            await ec2.run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1)

    assert (await cloud.inventory()).counts["instance"] == 2
