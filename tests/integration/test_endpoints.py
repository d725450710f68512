"""VPC endpoints: who waits for them, how they go, and what is told of those that never come."""

from dataclasses import replace
from typing import Any

from envwright.failure import FailureCategory
from envwright.names import Step
from envwright.spec import load_spec
from envwright.states import State
from tests.cloud import Behaviour, Cloud, Durations
from tests.everything import IMAGE
from tests.harness import existing, outsider
from tests.integration.conftest import Begin
from tests.repository import ROOT
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


async def test_one_launch_asks_for_all(begin: Begin, cloud: Cloud) -> None:
    """Two launches that need the same endpoint cost one look at it."""
    async with begin(with_endpoints("ssm", tiers=ISOLATED)) as env:
        await env.run(Step.NETWORK, Step.SECURITY, Step.INSTANCE)

    assert cloud.done("RunInstances") == 2
    assert len(cloud.calls("DescribeVpcEndpoints")) == 1, cloud.counted()


async def test_others_do_not_wait(begin: Begin, cloud: Cloud) -> None:
    """Public instances have another way out meanwhile."""
    cloud.behave(Behaviour(durations=NEVER))
    async with begin(with_endpoints("ssm")) as env:
        await env.run(Step.NETWORK, Step.SECURITY, Step.INSTANCE)

        assert env.record.step is Step.READY
        assert cloud.done("RunInstances") == 2
        states = {one.state for one in (await cloud.inventory()).of("vpc_endpoint")}
        assert "pending" in states


async def test_what_is_ready_is_shown(begin: Begin, cloud: Cloud) -> None:
    """Ids, services, and the DNS names of those with interfaces."""
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


async def test_ready_waits_for_those_that_no_instance_waited_for(
    begin: Begin, cloud: Cloud
) -> None:
    """An environment is never ready without them."""
    cloud.behave(Behaviour(durations=NEVER))
    async with begin(with_endpoints("ssm"), endpoint_timeout=0.2) as env:
        record = await env.to_rest()

    assert cloud.done("RunInstances") == 2
    assert record.failure is not None
    assert "(com.amazonaws.eu-west-1.ssm, pending)" in record.failure.message


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
    looks = cloud.calls("DescribeVpcEndpoints")
    assert {len(call.values("Filter.1.Value")) for call in looks} == {4}
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


async def test_the_example_of_isolated_workers_comes_and_goes(
    begin: Begin, cloud: Cloud, aws: LocalAws
) -> None:
    """No way to the internet, and the endpoints as they are asked for; again without a change;
    gone."""
    async with begin(load_spec(ROOT / "examples" / "isolated.yaml")) as env:
        record = await env.to_rest()
        assert record.state is State.READY
        made = (await cloud.inventory()).counts
        assert made["vpc_endpoint"] == 4
        assert made["instance"] == 2
        assert made.keys().isdisjoint({"internet_gateway", "nat_gateway", "address"})
        async with outsider(aws.url) as ec2:
            endpoints = (await ec2.describe_vpc_endpoints())["VpcEndpoints"]
        assert {
            (one["ServiceName"].rpartition(".")[2], one["VpcEndpointType"], len(one["SubnetIds"]))
            for one in endpoints
        } == {("s3", "Gateway", 0)} | {
            (one, "Interface", 2) for one in ("ssm", "ssmmessages", "ec2messages")
        }
        assert all(one["PrivateDnsEnabled"] for one in endpoints if one["SubnetIds"])
        assert record.outputs is not None
        assert [one.public_ip for one in record.outputs.instances] == [None, None]

        cloud.journal.clear()
        await env.rewind(Step.NETWORK)
        assert (await env.to_rest()).state is State.READY
        assert cloud.mutating == []

        assert (await env.take_down()).state is State.DESTROYED
    assert await existing(aws.url) == {}


async def test_a_gateway_endpoint_is_in_the_tables_of_its_tiers(
    begin: Begin, aws: LocalAws
) -> None:
    """And in no other: the tier that does not ask goes another way."""
    tiers = [{"name": "web", "access": "public"}, {"name": "data", "access": "isolated"}]
    spec = with_endpoints(tiers=tiers)
    spec["network"]["endpoints"] = {"s3": {"tiers": ["data"]}, "dynamodb": {"tiers": ["web"]}}
    async with begin(spec) as env:
        outputs = (await env.to_rest()).outputs

    assert outputs is not None
    async with outsider(aws.url) as ec2:
        of_vpc = [{"Name": "vpc-id", "Values": [outputs.vpc_id]}]
        tables = (await ec2.describe_route_tables(Filters=of_vpc))["RouteTables"]
        endpoints = (await ec2.describe_vpc_endpoints())["VpcEndpoints"]
    is_main = {
        one["RouteTableId"]: any(held["Main"] for held in one["Associations"]) for one in tables
    }
    assert {
        one["ServiceName"].rpartition(".")[2]: {is_main[table] for table in one["RouteTableIds"]}
        for one in endpoints
    } == {"s3": {False}, "dynamodb": {True}}
