"""NAT gateways are waited for where they are needed, begun with in a cleanup, and made anew."""

from typing import Any

import pytest

from envwright.record import State
from tasks.routing import nat_address, nat_gateway
from tests.cloud import Behaviour, Call, Cloud, Durations, Reply
from tests.cloud.faults import Forward, dropped
from tests.everything import IMAGE
from tests.harness import outsider
from tests.integration.conftest import Begin
from tests.specs import ZONES, with_instances
from worker.servers import LocalAws

TIERS = [{"name": "public", "access": "public"}, {"name": "app", "access": "private"}]


def two_groups(**changes: Any) -> dict[str, Any]:
    """One instance in a public tier, and one in a private one."""
    spec = with_instances(IMAGE, **changes)
    spec["network"]["tiers"] = TIERS
    web = spec["instances"]["web"] | {"root_volume": {"device_name": "/dev/xvda", "size": 8}}
    spec["instances"] = {"web": web | {"count": 1}, "app": web | {"count": 1, "tier": "app"}}
    return spec


async def test_what_needs_the_way_out_waits_for_it_and_nothing_else_does(
    begin: Begin, cloud: Cloud
) -> None:
    """The public instance is launched while the gateway comes up; the private one has its route."""
    cloud.behave(Behaviour(durations=Durations(nat_gateway_pending=1.0)))
    async with begin(two_groups()) as env:
        assert (await env.to_rest()).state is State.READY

    actions = [call.action for call in cloud.journal]
    launches = [at for at, one in enumerate(actions) if one == "RunInstances"]
    route = max(at for at, one in enumerate(actions) if one == "CreateRoute")
    polls = [at for at, one in enumerate(actions) if one == "DescribeNatGateways"]
    assert launches[0] < polls[-1] < route < launches[1]


async def test_a_cleanup_begins_with_what_goes_slowly(begin: Begin, cloud: Cloud) -> None:
    """The gateway goes while the instances shut down, and is asked to go once."""
    async with begin(two_groups()) as env:
        await env.to_rest()
        cloud.journal.clear()
        cloud.behave(Behaviour(durations=Durations(nat_gateway_deleting=0.5, shutting_down=0.5)))
        assert (await env.take_down()).state is State.DESTROYED

    actions = [call.action for call in cloud.journal]
    assert actions.count("DeleteNatGateway") == 1
    assert actions.index("DeleteNatGateway") < actions.index("DescribeInstances")


async def test_a_gateway_that_failed_is_told_and_made_anew(
    begin: Begin, cloud: Cloud, aws: LocalAws
) -> None:
    """In AWS's words; a retry makes another one, under another token, with the same address."""

    async def address_in_use(call: Call, forward: Forward) -> Reply:
        async with outsider(aws.url) as ec2:
            made = await ec2.create_network_interface(SubnetId=call.parameters["SubnetId"])
            interface = made["NetworkInterface"]["NetworkInterfaceId"]
            held = await ec2.associate_address(
                AllocationId=call.parameters["AllocationId"], NetworkInterfaceId=interface
            )
            reply = await forward()
            await ec2.disassociate_address(AssociationId=held["AssociationId"])
            await ec2.delete_network_interface(NetworkInterfaceId=interface)
        return reply

    cloud.inject("CreateNatGateway", address_in_use)
    gateway, address = nat_gateway(ZONES[0]), nat_address(ZONES[0])
    async with begin(two_groups(on_failure="hold")) as env:
        failed = await env.to_rest()
        assert failed.state is State.FAILED
        assert failed.failure is not None
        assert "is already associated (Resource.AlreadyAssociated)" in failed.failure.message

        env.client.retry(env.id)
        while not env.record.at_rest:
            await env.run(env.record.step)
        again = env.record
        state = again.state
        await env.take_down()

    assert again.resources[address].ids == failed.resources[address].ids
    assert (state, again.resources[gateway].incarnation) == (State.READY, 2)
    assert again.resources[gateway].ids != failed.resources[gateway].ids


@pytest.mark.parametrize("is_lost", [False, True], ids=["answered", "reply lost"])
async def test_the_outputs_tell_the_address_that_the_world_sees(
    begin: Begin, cloud: Cloud, aws: LocalAws, is_lost: bool
) -> None:
    """By the gateway's zone; asked for only where the reply that said it was lost."""
    if is_lost:
        cloud.inject("AllocateAddress", dropped(after_effect=True))
    async with begin(two_groups()) as env, outsider(aws.url) as ec2:
        record = await env.to_rest()
        (address,) = (await ec2.describe_addresses())["Addresses"]
        await env.take_down()

    assert record.outputs is not None
    assert record.outputs.nat_addresses == {ZONES[0]: address["PublicIp"]}
    assert len(cloud.calls("DescribeAddresses")) == (2 if is_lost else 0)
