"""In the strict cloud things come and go as slowly as they are told to."""

from typing import Any

import pytest

from tests.cloud import AWS_DURATIONS, Behaviour, Cloud, Durations
from tests.everything import IMAGE
from tests.harness import outsider
from tests.site import NEVER, Site, make_vpc, outcome

FOREVER = Behaviour(
    durations=Durations(
        vpc_pending=NEVER,
        subnet_pending=NEVER,
        nat_gateway_pending=NEVER,
        instance_pending=NEVER,
        status_checks=NEVER,
        shutting_down=NEVER,
    )
)
BRIEF = Behaviour(durations=AWS_DURATIONS, time_scale=0.02)
"""AWS's own order of things in a fiftieth of its time: an instance runs after 0.6 s."""


async def launch(ec2: Any) -> str:
    launched = await ec2.run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1)
    return str(launched["Instances"][0]["InstanceId"])


async def state_of(ec2: Any, instance: str) -> str:
    (found,) = (await ec2.describe_instances(InstanceIds=[instance]))["Reservations"]
    return str(found["Instances"][0]["State"]["Name"])


async def checks_of(ec2: Any, instance: str) -> tuple[str, str]:
    told = await ec2.describe_instance_status(InstanceIds=[instance], IncludeAllInstances=True)
    (status,) = told["InstanceStatuses"]
    assert status["InstanceId"] == instance
    return status["InstanceStatus"]["Status"], status["SystemStatus"]["Status"]


async def states_seen(look: Any, last: str) -> list[str]:
    """The states in their order, each once, until the last."""
    seen = [await look()]
    while seen[-1] != last:
        if (state := await look()) != seen[-1]:
            seen.append(state)
    return seen


async def test_an_instance_comes_and_goes_through_its_states(cloud: Cloud) -> None:
    """Pending, running, shutting down, terminated."""
    cloud.behave(BRIEF)
    async with outsider(cloud.url) as ec2:
        instance = await launch(ec2)

        async def look() -> str:
            return await state_of(ec2, instance)

        assert await states_seen(look, "running") == ["pending", "running"]
        await ec2.terminate_instances(InstanceIds=[instance])
        assert (await cloud.inventory()).of("instance")[0].state == "shutting-down"
        assert await states_seen(look, "terminated") == ["shutting-down", "terminated"]

    assert not await cloud.inventory()


async def test_status_checks_pass_late(cloud: Cloud) -> None:
    """A running instance initializes before it is well."""
    cloud.behave(Behaviour(durations=Durations(status_checks=0.3)))
    async with outsider(cloud.url) as ec2:
        instance = await launch(ec2)
        assert await checks_of(ec2, instance) == ("initializing", "initializing")

        async def look() -> str:
            return (await checks_of(ec2, instance))[0]

        assert await states_seen(look, "ok") == ["initializing", "ok"]


async def test_a_pending_instance_has_no_checks_and_no_status(cloud: Cloud) -> None:
    """DescribeInstanceStatus tells of running ones, unless it is asked for all."""
    cloud.behave(FOREVER)
    async with outsider(cloud.url) as ec2:
        instance = await launch(ec2)
        assert await checks_of(ec2, instance) == ("not-applicable", "not-applicable")
        told = await ec2.describe_instance_status(InstanceIds=[instance])
        assert told["InstanceStatuses"] == []


async def test_a_vpc_and_a_subnet_are_pending_at_first(cloud: Cloud) -> None:
    """And available after their time."""
    cloud.behave(Behaviour(durations=Durations(vpc_pending=0.3, subnet_pending=0.3)))
    async with outsider(cloud.url) as ec2:
        vpc = await make_vpc(ec2)

        async def of_vpc() -> str:
            return str((await ec2.describe_vpcs(VpcIds=[vpc]))["Vpcs"][0]["State"])

        assert await states_seen(of_vpc, "available") == ["pending", "available"]
        subnet = (await ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24"))["Subnet"]

        async def of_subnet() -> str:
            told = await ec2.describe_subnets(SubnetIds=[subnet["SubnetId"]])
            return str(told["Subnets"][0]["State"])

        assert await states_seen(of_subnet, "available") == ["pending", "available"]


async def test_a_nat_gateway_comes_and_goes_through_its_states(cloud: Cloud) -> None:
    """It leads out only when it is available; deleted, it is shown a while more."""
    async with outsider(cloud.url) as ec2:
        site = Site(ec2)
        await site.build()
        table = (await ec2.create_route_table(VpcId=site.vpc))["RouteTable"]["RouteTableId"]
        brief = Durations(nat_gateway_pending=0.5, nat_gateway_deleting=0.5)
        cloud.behave(Behaviour(durations=brief))
        gateway, _ = await site.make_nat_gateway()

        async def lead() -> str:
            made = ec2.create_route(
                RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=gateway
            )
            return await outcome(made)

        async def look() -> str:
            told = await ec2.describe_nat_gateways(NatGatewayIds=[gateway])
            return str(told["NatGateways"][0]["State"])

        assert await lead() == "IncorrectState"
        assert await states_seen(look, "available") == ["pending", "available"]
        assert await lead() == "done"
        await ec2.delete_nat_gateway(NatGatewayId=gateway)
        assert await states_seen(look, "deleted") == ["deleting", "deleted"]


@pytest.mark.parametrize("call", ["start_instances", "stop_instances", "reboot_instances"])
async def test_a_call_in_the_wrong_state_is_refused(cloud: Cloud, call: str) -> None:
    """What is pending can be neither started nor stopped, and neither what shuts down."""
    cloud.behave(FOREVER)
    async with outsider(cloud.url) as ec2:
        instance = await launch(ec2)
        assert await outcome(getattr(ec2, call)(InstanceIds=[instance])) == "IncorrectInstanceState"
        await ec2.terminate_instances(InstanceIds=[instance])
        assert await outcome(getattr(ec2, call)(InstanceIds=[instance])) == "IncorrectInstanceState"


async def test_an_address_is_not_for_a_pending_instance(cloud: Cloud) -> None:
    """It is associated when the instance runs."""
    cloud.behave(FOREVER)
    async with outsider(cloud.url) as ec2:
        address = (await ec2.allocate_address())["AllocationId"]
        associated = ec2.associate_address(AllocationId=address, InstanceId=await launch(ec2))
        assert await outcome(associated) == "IncorrectInstanceState"


async def test_an_instance_that_is_terminated_before_it_runs_never_does(cloud: Cloud) -> None:
    """What was to come of its start does not bring it back."""
    cloud.behave(Behaviour(durations=Durations(instance_pending=0.2, shutting_down=0.4)))
    async with outsider(cloud.url) as ec2:
        instance = await launch(ec2)
        await ec2.terminate_instances(InstanceIds=[instance])

        async def look() -> str:
            return await state_of(ec2, instance)

        assert await states_seen(look, "terminated") == ["shutting-down", "terminated"]
