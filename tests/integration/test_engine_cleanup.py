"""What the engine promises of taking an environment down, asked for or after a failure."""

import asyncio
from typing import Any

import pytest
from redis import Redis

from envwright.failure import Failure, FailureCategory
from envwright.names import Step
from envwright.record import ResourceState, RunKind
from envwright.spec import RootVolume, load_spec
from envwright.states import State
from tests.clock import jump
from tests.cloud import ALWAYS, Behaviour, Cloud, Durations, dropped, failed, refused, throttled
from tests.everything import ALL_OF_EVERYTHING, ALL_OF_WEB, DELETES, EVERYTHING
from tests.harness import Environment, counts, existing, outsider
from tests.integration.conftest import Begin
from tests.repository import ROOT
from worker.servers import LocalAws

WEB = load_spec(ROOT / "examples" / "web.yaml")
INSTANCES = "instance/instances/web"


@pytest.mark.parametrize(
    ("volume", "action", "resource"),
    [
        (RootVolume(device_name="/dev/xvda", size=8), "RunInstances", f"{INSTANCES}-eu-west-1a"),
        (RootVolume(), "DescribeImages", INSTANCES),
    ],
    ids=["launched", "looked up"],
)
async def test_an_unknown_image_is_told_and_all_is_taken_down(
    begin: Begin, cloud: Cloud, aws: LocalAws, volume: RootVolume, action: str, resource: str
) -> None:
    """The record says on which resource, with AWS's code and request id; nothing is left."""
    group = WEB.instances["web"].model_copy(
        update={"image": "ami-0123456789abcdef0", "root_volume": volume, "zones": ("eu-west-1a",)}
    )
    async with begin(WEB.model_copy(update={"instances": {"web": group}})) as env:
        record = await env.to_rest()

    (refused_call,) = cloud.calls(action)
    assert record.state is State.CLEANED
    assert (record.run.kind, record.run.reason) == (RunKind.CLEANUP, "failure")
    assert record.failure == Failure(
        category=FailureCategory.SPEC,
        message=f"AWS refused {action} with InvalidAMIID.NotFound: The image id "
        "'[ami-0123456789abcdef0]' does not exist. Correct the spec.",
        step=Step.INSTANCE,
        resource=resource,
        action=action,
        code="InvalidAMIID.NotFound",
        request_id=refused_call.request_id,
        error_class="invalid",
    )
    assert await existing(aws.url) == {}
    assert {one.state for one in record.resources.values()} == {ResourceState.GONE}


@pytest.mark.parametrize("fault", [dropped, failed])
async def test_unanswered_deletes_are_repeated(
    begin: Begin, cloud: Cloud, aws: LocalAws, fault: Any
) -> None:
    """Their effect may be there already: then there is nothing more to delete."""
    async with begin(EVERYTHING) as env:
        await env.to_rest()
        for action in DELETES:
            cloud.inject(action, fault(after_effect=True))

        assert (await env.take_down()).state is State.DESTROYED

    assert await existing(aws.url) == {}


async def test_throttled_deletes_are_repeated(begin: Begin, cloud: Cloud, aws: LocalAws) -> None:
    """Throttling fails no cleanup."""
    async with begin(EVERYTHING) as env:
        await env.to_rest()
        for action in (*DELETES, "DescribeTags"):
            cloud.inject(action, throttled())

        assert (await env.take_down()).state is State.DESTROYED

    assert await existing(aws.url) == {}


async def test_what_somebody_deleted_is_no_error(
    web: Environment, cloud: Cloud, aws: LocalAws
) -> None:
    """All of it is gone when the cleanup comes, and of one instance AWS knows nothing any more."""
    await web.to_rest()
    await delete_all(aws.url)
    assert await existing(aws.url) == {}
    cloud.inject("TerminateInstances", refused("InvalidInstanceID.NotFound"))

    record = await web.take_down()

    assert record.state is State.DESTROYED
    assert {one.state for one in record.resources.values()} == {ResourceState.GONE}


async def test_what_somebody_deleted_is_no_error_when_the_clock_was_set_back(
    web: Environment, aws: LocalAws, redis_url: str
) -> None:
    """By the record it was made an hour from now; it is not waited for as if it were new."""
    await web.to_rest()
    await delete_all(aws.url)
    with Redis.from_url(redis_url) as redis:
        jump(redis, web.worker.settings.keys, -3600)

    async with asyncio.timeout(30):
        assert (await web.take_down()).state is State.DESTROYED


async def delete_all(url: str) -> None:
    there = await existing(url)
    async with outsider(url) as ec2:
        await ec2.terminate_instances(InstanceIds=there["instance"])
        for group in there["security_group"]:
            await ec2.delete_security_group(GroupId=group)
        for subnet in there["subnet"]:
            await ec2.delete_subnet(SubnetId=subnet)
        (vpc,), (gateway,) = there["vpc"], there["internet_gateway"]
        await ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
        await ec2.delete_internet_gateway(InternetGatewayId=gateway)
        await ec2.delete_vpc(VpcId=vpc)


async def test_what_is_in_use_is_waited_for(web: Environment, cloud: Cloud, aws: LocalAws) -> None:
    """AWS lets go of addresses and interfaces some time after their instance."""
    await web.to_rest()
    for action in ("DeleteSecurityGroup", "DetachInternetGateway", "DeleteSubnet", "DeleteVpc"):
        cloud.inject(action, refused("DependencyViolation"), times=2)
    cloud.inject("DeleteInternetGateway", refused("IncorrectState"))

    assert (await web.take_down()).state is State.DESTROYED

    assert await existing(aws.url) == {}


async def test_what_stays_in_use_is_told_and_the_rest_can_be_taken_down_later(
    begin: Begin, cloud: Cloud, aws: LocalAws
) -> None:
    """Something that is not ours uses a subnet: the record says which is left, and retry helps."""
    async with begin(WEB, conflict_timeout=0.2) as env:
        await env.to_rest()
        in_use = (await existing(aws.url))["subnet"]
        cloud.inject(
            "DeleteSubnet",
            refused("DependencyViolation", "The subnet has dependencies"),
            times=ALWAYS,
            where=lambda call: call.parameters["SubnetId"] == in_use[0],
        )
        left = await env.take_down()

        failure = left.cleanup_failure
        assert left.state is State.CLEANUP_FAILED
        assert failure is not None
        assert (failure.category, failure.code) == (FailureCategory.BLOCKED, "DependencyViolation")
        assert failure.step is Step.NETWORK
        assert "The subnet has dependencies" in failure.message
        assert in_use[0] in failure.message
        assert set(await existing(aws.url)) == {"subnet", "internet_gateway", "vpc"}

        cloud.heal()
        env.client.retry(env.id)
        assert (await env.to_rest()).state is State.DESTROYED
    assert await existing(aws.url) == {}


async def test_what_was_cleaned_up_is_built_anew(
    web: Environment, cloud: Cloud, aws: LocalAws
) -> None:
    """Although the tags of what was deleted still show: nothing of it is taken for there."""
    cloud.behave(Behaviour(durations=Durations(tags_outlive=3600.0)))
    cloud.inject("RunInstances", refused("VcpuLimitExceeded"), times=2)
    failed_record = await web.to_rest()
    assert failed_record.state is State.CLEANED
    assert failed_record.failure is not None
    assert failed_record.failure.category is FailureCategory.QUOTA

    web.client.retry(web.id)
    again = await web.to_rest()

    assert again.state is State.READY
    assert again.failure is None
    assert await counts(aws.url) == ALL_OF_WEB
    tokens = [call.parameters["ClientToken"] for call in cloud.calls("RunInstances")]
    assert len(set(tokens)) == len(tokens)


async def test_what_was_destroyed_can_be_asked_for_again(begin: Begin, aws: LocalAws) -> None:
    """The same name, after `destroyed`: a new environment, with new resources."""
    async with begin(EVERYTHING) as env:
        first = await env.to_rest()
        await env.take_down()
        env.client.enqueue(first.spec)
        second = await env.to_rest()

    assert second.state is State.READY
    assert first.outputs is not None
    assert second.outputs is not None
    assert first.outputs.vpc_id != second.outputs.vpc_id
    assert await counts(aws.url) == ALL_OF_EVERYTHING


async def test_what_is_held_is_gone_on_with(begin: Begin, cloud: Cloud, aws: LocalAws) -> None:
    """`on_failure: hold` keeps what there is, and `retry` resumes at the step that failed."""
    cloud.inject("AuthorizeSecurityGroupIngress", refused("UnauthorizedOperation"), times=2)
    async with begin(EVERYTHING | {"on_failure": "hold"}) as env:
        held = await env.to_rest()
        assert (held.state, held.step) == (State.FAILED, Step.SECURITY)
        kept = await existing(aws.url)
        assert {"vpc", "subnet", "security_group"} <= kept.keys()
        cloud.journal.clear()

        env.client.retry(env.id)
        assert (await env.to_rest()).state is State.READY

    assert cloud.calls("CreateVpc") == cloud.calls("CreateSecurityGroup") == []
    assert await counts(aws.url) == ALL_OF_EVERYTHING


async def test_a_worker_without_any_permission_made_nothing(
    begin: Begin, cloud: Cloud, aws: LocalAws
) -> None:
    """It may not even look; but no intent is open, so there is nothing to look for."""
    for action in ("CreateDhcpOptions", "DescribeTags"):
        cloud.inject(action, refused("UnauthorizedOperation", status=403), times=ALWAYS)

    async with begin(EVERYTHING) as env:
        record = await env.to_rest()

    assert record.state is State.CLEANED
    assert record.failure is not None
    assert record.failure.category is FailureCategory.PERMISSION
    assert await existing(aws.url) == {}


async def test_what_is_not_ours_is_left_alone(web: Environment, aws: LocalAws) -> None:
    """Another's resources of the same names, and even with our environment's tag alone."""
    async with outsider(aws.url) as ec2:
        await ec2.create_vpc(
            CidrBlock="10.20.0.0/16",
            TagSpecifications=[
                {
                    "ResourceType": "vpc",
                    "Tags": [
                        {"Key": "Name", "Value": "web"},
                        {"Key": "envwright:environment", "Value": web.id},
                    ],
                }
            ],
        )
    theirs = await existing(aws.url)

    await web.to_rest()
    await web.take_down()

    assert await existing(aws.url) == theirs
