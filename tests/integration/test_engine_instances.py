"""What the engine and the ready step promise of instances and of doubles."""

import re
from typing import Any

import pytest

from envwright.failure import FailureCategory
from envwright.names import Step
from envwright.record import ResourceState
from envwright.spec import EnvironmentSpec, load_spec
from envwright.states import State
from tasks.aws.tags import Owner, tag_list
from tasks.network import VPC
from tests.cloud import ALWAYS, Call, Cloud, Reply, hiding, refused
from tests.everything import ALL_OF_WEB, REGION
from tests.harness import Environment, counts, existing, outsider
from tests.integration.conftest import Begin
from tests.repository import ROOT
from worker.servers import LocalAws

WEB = load_spec(ROOT / "examples" / "web.yaml")

IN_ZONE_A = "instance/instances/web-eu-west-1a"
ALL_OF_FOUR = ALL_OF_WEB | {"instance": 4, "volume": 4}


def with_group(**changed: Any) -> EnvironmentSpec:
    """The example, with this changed in its group of instances."""
    group = WEB.instances["web"].model_copy(update=changed)
    return WEB.model_copy(update={"instances": {"web": group}})


def tokens(cloud: Cloud) -> list[str]:
    return [call.parameters["ClientToken"] for call in cloud.calls("RunInstances")]


async def terminate(url: str, *ids: str) -> None:
    async with outsider(url) as ec2:
        await ec2.terminate_instances(InstanceIds=ids)


async def test_only_what_somebody_terminated_is_launched_again(
    begin: Begin, cloud: Cloud, aws: LocalAws
) -> None:
    """Two in each zone, and one of them gone: one launch of one, under a token of its own."""
    async with begin(with_group(count=4)) as env:
        first, second = (await env.to_rest()).resources[IN_ZONE_A].ids
        before = tokens(cloud)
        await terminate(aws.url, first)

        await env.rewind(Step.INSTANCE)
        again = await env.to_rest()

    launch = cloud.calls("RunInstances")[-1]
    assert launch.parameters["MinCount"] == launch.parameters["MaxCount"] == "1"
    assert len(tokens(cloud)) == len(set(tokens(cloud))) == len(before) + 1
    assert again.resources[IN_ZONE_A].ids[0] == second
    assert len(again.resources[IN_ZONE_A].ids) == 2
    assert await counts(aws.url) == ALL_OF_FOUR


async def test_a_launch_of_which_only_a_part_shows_is_recorded_once(
    begin: Begin, cloud: Cloud, aws: LocalAws
) -> None:
    """The token gives all of it again, also what was found before."""

    async def hide_the_first_instance(call: Call, forward: Any) -> Reply:
        reply: Reply = await forward()
        first = re.search(r"<resourceId>(i-\w+)<", reply.body)
        assert first is not None
        return reply.without_tags_of(lambda one: one == first[1])

    async with begin(with_group(count=2, zones=("eu-west-1a",))) as env:
        await env.run(Step.NETWORK, Step.SECURITY)
        await env.die_at(cloud, "RunInstances", after_effect=True)
        cloud.inject("DescribeTags", hide_the_first_instance)
        record = await env.to_rest()

    assert record.state is State.READY
    assert len(set(tokens(cloud))) == 1
    assert len(record.resources[IN_ZONE_A].ids) == len(set(record.resources[IN_ZONE_A].ids)) == 2
    assert await counts(aws.url) == ALL_OF_WEB


@pytest.mark.parametrize("terminated", [1, 2])
async def test_a_token_whose_instances_were_terminated_is_replaced(
    begin: Begin, cloud: Cloud, aws: LocalAws, terminated: int
) -> None:
    """The launch of a dead worker was terminated before anybody recorded it, or a part of it."""
    async with begin(with_group(count=2, zones=("eu-west-1a",))) as env:
        await env.run(Step.NETWORK, Step.SECURITY)
        await env.die_at(cloud, "RunInstances", after_effect=True)
        launched = (await existing(aws.url))["instance"]
        await terminate(cloud.url, *launched[:terminated])
        record = await env.to_rest()

    assert record.state is State.READY
    assert len(set(tokens(cloud))) == 2
    assert set(launched[terminated:]) <= set(record.resources[IN_ZONE_A].ids)
    assert await counts(aws.url) == ALL_OF_WEB


async def test_a_token_that_was_used_with_other_parameters_is_replaced(
    web: Environment, cloud: Cloud, aws: LocalAws
) -> None:
    """Nothing was launched under ours, so a new one is drawn."""
    cloud.inject("RunInstances", refused("IdempotentParameterMismatch"))

    assert (await web.to_rest()).state is State.READY

    assert len(set(tokens(cloud))) == 3
    assert await counts(aws.url) == ALL_OF_WEB


async def test_a_refused_launch_keeps_on_record_what_there_is(
    begin: Begin, cloud: Cloud, aws: LocalAws
) -> None:
    """One of two was terminated, and there is no capacity for another: the first is still ours."""
    spec = with_group(count=2, zones=("eu-west-1a",)).model_copy(update={"on_failure": "hold"})
    async with begin(spec) as env:
        first, second = (await env.to_rest()).resources[IN_ZONE_A].ids
        await terminate(aws.url, first)
        cloud.inject("RunInstances", refused("InsufficientInstanceCapacity", status=500))
        await env.rewind(Step.INSTANCE)
        held = await env.to_rest()

        assert held.state is State.FAILED
        assert held.failure is not None
        assert held.failure.category is FailureCategory.CAPACITY
        assert held.failure.resource == IN_ZONE_A
        assert held.resources[IN_ZONE_A].ids == (second,)
        assert held.resources[IN_ZONE_A].state is ResourceState.CREATED

        env.client.retry(env.id)
        assert (await env.to_rest()).state is State.READY
    assert await counts(aws.url) == ALL_OF_WEB


async def test_what_was_looked_up_is_used_by_every_attempt(
    web: Environment, cloud: Cloud, aws: LocalAws
) -> None:
    """A newer image under the parameter meanwhile would not go under the launch's token."""
    await web.die_at(cloud, "RunInstances", after_effect=True)
    cloud.inject("GetParameter", refused("InternalServerError", status=500), times=ALWAYS)

    assert (await web.to_rest()).state is State.READY

    assert len(cloud.calls("GetParameter")) == 1
    assert await counts(aws.url) == ALL_OF_WEB


async def test_instances_are_launched_safely(begin: Begin, aws: LocalAws) -> None:
    """IMDSv2 with one hop, encrypted volumes that go with their instance, our tags on both."""
    async with begin(WEB) as env:
        await env.to_rest()
    async with outsider(aws.url) as ec2:
        reservations = (await ec2.describe_instances())["Reservations"]
        volumes = (await ec2.describe_volumes())["Volumes"]

    (instance, _) = [one for reservation in reservations for one in reservation["Instances"]]
    assert instance["MetadataOptions"]["HttpTokens"] == "required"
    assert instance["MetadataOptions"]["HttpPutResponseHopLimit"] == 1
    assert [(one["Encrypted"], one["VolumeType"], one["Size"]) for one in volumes] == [
        (True, "gp3", 16)
    ] * 2
    for tagged in (instance, *volumes):
        tags = {tag["Key"]: tag["Value"] for tag in tagged["Tags"]}
        assert tags["envwright:environment"] == "web.eu-west-1"
        assert (tags["project"], tags["role"]) == ("envwright-example", "web-server")


async def test_ready_removes_what_exists_twice(
    web: Environment, cloud: Cloud, aws: LocalAws
) -> None:
    """What carries our tag and is not in the record goes; exactly one of each remains."""
    await web.run(Step.NETWORK, Step.SECURITY, Step.INSTANCE)
    recorded = {one for resource in web.record.resources.values() for one in resource.ids}
    await make_doubles(aws.url, web)
    doubled = await existing(aws.url)
    assert len(doubled["vpc"]) == 2

    assert (await web.to_rest()).state is State.READY

    left = await existing(aws.url)
    assert {kind: len(ids) for kind, ids in left.items()} == ALL_OF_WEB
    del left["volume"]
    assert {one for ids in left.values() for one in ids} <= recorded
    del doubled["volume"]
    assert told_of_doubles(web) == {one for ids in doubled.values() for one in ids} - recorded


def told_of_doubles(env: Environment) -> set[str]:
    """The ids of the doubles that were removed, as the history tells it."""
    told = [one for one in env.client.events(env.id) if one.type == "double"]
    doomed, gone = [
        {i for one in told if one.state == state for i in one.ids} for state in ("deleting", "gone")
    ]
    assert doomed == gone
    return gone


async def test_a_double_that_shows_late_is_not_taken_for_ours(
    web: Environment, cloud: Cloud, aws: LocalAws
) -> None:
    """A step done again finds it beside the recorded one: the recorded one stays, and it goes."""
    await web.run(Step.NETWORK)
    (ours,) = web.record.resources[VPC].ids
    await make_doubles(aws.url, web)

    await web.rewind(Step.NETWORK)
    record = await web.to_rest()

    assert record.state is State.READY
    assert record.resources[VPC].ids == (ours,)
    assert await counts(aws.url) == ALL_OF_WEB


async def make_doubles(url: str, env: Environment) -> None:
    """A VPC and all that stands in it, under the tags of what the environment has."""

    uid = env.record.uid

    def tagged(sort: str, key: str) -> list[dict[str, Any]]:
        tags = tag_list(Owner(env.id, uid), key, "double", {})
        return [{"ResourceType": sort, "Tags": tags}]

    async with outsider(url) as ec2:
        vpc = await ec2.create_vpc(CidrBlock="10.20.0.0/16", TagSpecifications=tagged("vpc", VPC))
        vpc_id = vpc["Vpc"]["VpcId"]
        await ec2.create_internet_gateway(
            TagSpecifications=tagged("internet-gateway", "network/internet_gateway/main")
        )
        subnet = await ec2.create_subnet(
            VpcId=vpc_id,
            CidrBlock="10.20.0.0/18",
            AvailabilityZone=f"{REGION}a",
            TagSpecifications=tagged("subnet", "network/subnet/public-eu-west-1a"),
        )
        if "security/security_group/web" not in env.record.resources:
            return
        await ec2.create_security_group(
            VpcId=vpc_id,
            GroupName="web",
            Description="a double",
            TagSpecifications=tagged("security-group", "security/security_group/web"),
        )
        image = (await ec2.describe_instances())["Reservations"][0]["Instances"][0]["ImageId"]
        await ec2.run_instances(
            ImageId=image,
            InstanceType="t3.micro",
            SubnetId=subnet["Subnet"]["SubnetId"],
            MinCount=1,
            MaxCount=1,
            TagSpecifications=tagged("instance", IN_ZONE_A),
        )


async def test_ready_says_what_somebody_deleted(web: Environment, cloud: Cloud) -> None:
    """AWS no longer shows a resource that is on record, and does not show it in time."""
    await web.run(Step.NETWORK, Step.SECURITY, Step.INSTANCE)
    cloud.inject("DescribeTags", hiding("subnet-"), times=ALWAYS)

    outcome = await web.run(Step.READY)

    assert outcome.failure is not None
    assert outcome.failure.category is FailureCategory.CONFLICT
    assert "AWS no longer shows what was made: subnet-" in outcome.failure.message


async def test_ready_says_which_instance_does_not_run(web: Environment, aws: LocalAws) -> None:
    """An instance that ends by itself after its launch fails the environment, with AWS's reason."""
    await web.run(Step.NETWORK, Step.SECURITY, Step.INSTANCE)
    (one,) = web.record.resources[IN_ZONE_A].ids
    await terminate(aws.url, one)

    outcome = await web.run(Step.READY)

    assert outcome.failure is not None
    assert outcome.failure.message.startswith(f"Instance {one} is terminated instead of running: ")


async def test_a_wrong_root_device_is_told_in_a_sentence(
    begin: Begin, cloud: Cloud, aws: LocalAws
) -> None:
    """Its root volume is then a second disk; the message says which field to correct."""
    volume = WEB.instances["web"].root_volume.model_copy(update={"device_name": "/dev/sdf"})

    async with begin(with_group(root_volume=volume)) as env:
        record = await env.to_rest()

    assert record.state is State.CLEANED
    assert record.failure is not None
    assert record.failure.category is FailureCategory.SPEC
    assert "/dev/xvda, and the spec says /dev/sdf" in record.failure.message
    assert "instances.web.root_volume.device_name" in record.failure.message
    assert await existing(aws.url) == {}
