"""Elastic addresses: an instance has one, and who takes its place has it after it."""

from typing import Any

from envwright.change import Operation
from envwright.failure import FailureCategory
from envwright.names import Step
from envwright.record import Record, ResourceState
from envwright.states import State
from tests.cloud import Behaviour, Cloud, Durations
from tests.harness import existing, outsider
from tests.integration.conftest import Begin
from tests.specs import ZONES, with_instances
from worker.servers import LocalAws

IMAGE = "ami-760aaa0f"


def addresses(record: Record) -> dict[str, str | None]:
    assert record.outputs is not None
    return {one.id: one.public_ip for one in record.outputs.instances}


async def test_addresses_stay_when_an_instance_is_replaced(
    begin: Begin, cloud: Cloud, aws: LocalAws
) -> None:
    """The outputs show them; the new instance takes the free one; at the end none is left."""
    data = with_instances(IMAGE)
    data["instances"]["web"] |= {"elastic_address": True, "count": 3}
    async with begin(data) as env:
        before = addresses(await env.to_rest())
        async with outsider(aws.url) as ec2:
            allocated = {one["PublicIp"] for one in (await ec2.describe_addresses())["Addresses"]}
        assert set(before.values()) == allocated
        assert len(allocated) == 3

        one = sorted(before)[0]
        env.client.change(env.id, Operation.REPLACE, [one])
        after = addresses(await env.to_rest())

        assert len(cloud.calls("AllocateAddress")) == 3
        assert len(cloud.calls("AssociateAddress")) == 4
        (new,) = set(after) - set(before)
        assert after[new] == before[one]
        assert {**before, **after} == {**before, new: before[one]}
        assert (await env.take_down()).state is State.DESTROYED

    assert cloud.calls("DisassociateAddress") == []
    assert await existing(aws.url) == {}


def with_an_address(**more: Any) -> dict[str, Any]:
    data = with_instances(IMAGE)
    data["instances"]["web"] |= {"elastic_address": True, "count": 1}
    return data | more


async def test_an_address_that_somebody_else_uses_is_not_taken_from_him(
    begin: Begin, aws: LocalAws
) -> None:
    """The failure says who has it; once he has let go of it, a retry gives it to the instance."""
    async with begin(with_an_address(on_failure="hold")) as env:
        await env.run(Step.NETWORK, Step.SECURITY)
        async with outsider(aws.url) as ec2:
            (allocated,) = (await ec2.describe_addresses())["Addresses"]
            subnets = (await ec2.describe_subnets())["Subnets"]
            own = next(one for one in subnets if not one["DefaultForAz"])
            interface = await ec2.create_network_interface(SubnetId=own["SubnetId"])
            taken_by = interface["NetworkInterface"]["NetworkInterfaceId"]
            association = await ec2.associate_address(
                AllocationId=allocated["AllocationId"], NetworkInterfaceId=taken_by
            )
            failure = (await env.to_rest()).failure
            assert failure is not None
            assert failure.category is FailureCategory.CONFLICT
            assert allocated["AllocationId"] in failure.message
            assert taken_by in failure.message

            await ec2.disassociate_address(AssociationId=association["AssociationId"])
            await ec2.delete_network_interface(NetworkInterfaceId=taken_by)
        env.client.retry(env.id)
        record = await env.to_rest()

    assert record.state is State.READY
    assert [*addresses(record).values()] == [allocated["PublicIp"]]


async def test_an_address_is_waited_for_until_who_had_it_has_ended(
    begin: Begin, cloud: Cloud
) -> None:
    """AWS takes it from an instance only when that is terminated, and the new one runs before."""
    cloud.behave(Behaviour(durations=Durations(shutting_down=1.5)))
    async with begin(with_an_address(on_failure="hold")) as env:
        await env.run(Step.NETWORK, Step.SECURITY, Step.INSTANCE)
        async with outsider(cloud.url) as ec2:
            (allocated,) = (await ec2.describe_addresses())["Addresses"]
            await ec2.terminate_instances(InstanceIds=[allocated["InstanceId"]])
        assert (await env.to_rest()).state is State.FAILED
        env.client.retry(env.id)
        record = await env.to_rest()

    assert record.state is State.READY, record.failure
    assert len(cloud.calls("AssociateAddress")) > 2
    assert [*addresses(record).values()] == [allocated["PublicIp"]]


async def test_who_takes_over_keeps_what_is_associated_already(begin: Begin, cloud: Cloud) -> None:
    """Which instance has which address is nobody's wish, so that none is moved."""
    data = with_an_address(network={"cidr": "10.20.0.0/16", "zones": [ZONES[0]]})
    data["instances"]["web"]["count"] = 2
    async with begin(data) as env, outsider(cloud.url) as ec2:
        await env.die_at(cloud, "AssociateAddress", after_effect=False)
        instances = env.record.resources["instance/instances/web-eu-west-1a"].ids
        last = env.record.resources["network/address/web-2"].ids[0]
        for one in (await ec2.describe_addresses())["Addresses"]:
            if one.get("AssociationId"):
                await ec2.disassociate_address(AssociationId=one["AssociationId"])
        await ec2.associate_address(AllocationId=last, InstanceId=instances[0])
        cloud.journal.clear()
        cloud.heal()
        env.start_another_worker()
        record = await env.to_rest()
        held = (await ec2.describe_addresses(AllocationIds=[last]))["Addresses"]

    assert record.state is State.READY, record.failure
    assert [one["InstanceId"] for one in held] == [instances[0]]
    assert len(cloud.calls("AssociateAddress")) == 1


async def test_who_is_terminated_has_no_address_on_record(begin: Begin) -> None:
    """The address itself stays: who comes in his place gets it."""
    async with begin(with_an_address()) as env:
        instance = next(iter(addresses(await env.to_rest())))
        env.client.change(env.id, Operation.TERMINATE, [instance])
        resources = (await env.to_rest()).resources

    alive = {key for key, one in resources.items() if one.state is not ResourceState.GONE}
    assert "instance/address_association/web-eu-west-1a" not in alive
    assert "network/address/web-1" in alive
