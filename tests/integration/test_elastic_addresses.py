"""Elastic addresses: an instance has one, and who takes its place has it after it."""

from envwright.change import Operation
from envwright.record import Record
from envwright.states import State
from tests.cloud import Cloud
from tests.harness import existing, outsider
from tests.integration.conftest import Begin
from tests.specs import with_instances
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
