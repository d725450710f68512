"""VPC endpoints: who waits for them, how they go, and what is told of those that never come."""

from dataclasses import replace
from typing import Any

from envwright.names import Step
from envwright.record import FailureCategory, State
from tests.cloud import Behaviour, Cloud, Durations
from tests.harness import IMAGE, existing
from tests.integration.conftest import Begin
from tests.specs import with_instances
from worker.servers import LocalAws

SLOW = Durations(interface_endpoint_pending=0.5, interface_endpoint_deleting=0.5)
NEVER = Durations(interface_endpoint_pending=3600)
ISOLATED = [{"name": "workers", "access": "isolated"}]


def with_endpoints(*services: str, **network: Any) -> dict[str, Any]:
    data = with_instances(IMAGE)
    data["security"]["groups"]["endpoints"] = {"ingress": [{"ports": 443, "groups": ["web"]}]}
    endpoints = {one: {"security_groups": ["endpoints"]} for one in services}
    dns = {"hostnames": True}
    network = {"dns": dns, "endpoints": {"s3": {}} | endpoints} | network
    return data | {"network": data["network"] | network}


async def test_isolated_instances_wait_for_their_endpoints(begin: Begin, cloud: Cloud) -> None:
    """They are their only way out, and user data may need them at once."""
    cloud.behave(Behaviour(durations=SLOW))
    async with begin(with_endpoints("ssm", tiers=ISOLATED)) as env:
        await env.run(Step.NETWORK, Step.SECURITY, Step.INSTANCE)

    asked = [call.action for call in cloud.journal]
    assert asked.index("RunInstances") > asked.index("DescribeVpcEndpoints")
    states = [one.state for one in (await cloud.inventory()).of("vpc_endpoint")]
    assert states == ["available", "available"]


async def test_others_do_not_wait(begin: Begin, cloud: Cloud) -> None:
    """Public instances have another way out meanwhile."""
    cloud.behave(Behaviour(durations=NEVER))
    async with begin(with_endpoints("ssm")) as env:
        await env.run(Step.NETWORK, Step.SECURITY, Step.INSTANCE)

        assert env.record.step is Step.READY
        assert cloud.done("RunInstances") == 2
        states = {one.state for one in (await cloud.inventory()).of("vpc_endpoint")}
        assert "pending" in states


async def test_ready_waits_for_all_and_shows_them(begin: Begin, cloud: Cloud) -> None:
    """What is ready can be used: ids, services, and the DNS names of those with interfaces."""
    cloud.behave(Behaviour(durations=SLOW))
    async with begin(with_endpoints("ssm")) as env:
        outputs = (await env.to_rest()).outputs

    assert outputs is not None
    shown = outputs.endpoints
    assert {name: one.service.rpartition(".")[2] for name, one in shown.items()} == {
        "s3": "s3",
        "ssm": "ssm",
    }
    assert shown["s3"].dns_names == ()
    assert shown["ssm"].dns_names
    states = {one.id: one.state for one in (await cloud.inventory()).of("vpc_endpoint")}
    assert states == {one.id: "available" for one in shown.values()}


async def test_one_call_begins_the_end_of_all(begin: Begin, cloud: Cloud, aws: LocalAws) -> None:
    """While the instances are being terminated, so that AWS is at both at once; and none is asked
    for twice, since AWS lets few such calls through."""
    cloud.behave(Behaviour(durations=replace(SLOW, shutting_down=0.3)))
    async with begin(with_endpoints("ssm", "ssmmessages", "ec2messages")) as env:
        await env.to_rest()
        cloud.journal.clear()
        assert (await env.take_down()).state is State.DESTROYED

    assert cloud.mutating.count("DeleteVpcEndpoints") == 1, cloud.counted()
    asked = [call.action for call in cloud.journal]
    assert "DescribeInstances" not in asked[: asked.index("DeleteVpcEndpoints")]
    assert await existing(aws.url) == {}


async def test_an_endpoint_that_never_comes_is_told_of(begin: Begin, cloud: Cloud) -> None:
    """With its service and its state; and it is taken down like all else."""
    cloud.behave(Behaviour(durations=NEVER))
    async with begin(with_endpoints("ssm", tiers=ISOLATED), endpoint_timeout=0.2) as env:
        record = await env.to_rest()

    assert record.state is State.CLEANED
    assert record.failure is not None
    assert record.failure.category is FailureCategory.AWS
    assert "(com.amazonaws.eu-west-1.ssm, pending)" in record.failure.message
