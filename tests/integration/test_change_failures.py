"""What keeps a change from being done: it is refused, or held, told, and gone on with."""

import pytest

from envwright.errors import NotAllowed, UnknownInstance
from envwright.failure import FailureCategory
from envwright.names import Step
from envwright.states import State
from tests.changes import IN_ZONE_A, WEB, changed
from tests.cloud import ALWAYS, Cloud, refused
from tests.everything import ALL_OF_WEB
from tests.harness import Environment, counts, outsider
from tests.integration.conftest import Begin
from worker.servers import LocalAws


async def test_a_change_that_fails_is_held_and_gone_on_with(
    web: Environment, cloud: Cloud, aws: LocalAws
) -> None:
    """Nothing is taken down for it, whatever the spec says of a failed build; a retry ends it."""
    await web.to_rest()
    cloud.inject("RunInstances", refused("InsufficientInstanceCapacity", status=500), times=ALWAYS)

    failed = await changed(web, "replace", *web.record.resources[IN_ZONE_A].ids)

    assert failed.state is State.CHANGE_FAILED
    assert failed.failure is not None
    assert failed.failure.category is FailureCategory.CAPACITY
    assert failed.outputs is not None
    assert [one.zone for one in failed.outputs.instances] == ["eu-west-1b"]
    assert [one.environment_id for one in web.client.retryable(error="capacity")] == [web.id]

    cloud.heal()
    web.client.retry(web.id)
    again = await web.to_rest()
    assert again.state is State.READY
    assert again.failure is None
    assert await counts(aws.url) == ALL_OF_WEB


async def test_a_new_instance_must_pass_its_checks(web: Environment, cloud: Cloud) -> None:
    """One that ends by itself fails the replacement, and the retry makes another one."""
    await web.to_rest()
    web.client.change(web.id, "replace", web.record.resources[IN_ZONE_A].ids)
    await web.run(Step.INSTANCE)
    (new,) = web.record.resources[IN_ZONE_A].ids
    async with outsider(cloud.url) as ec2:
        await ec2.terminate_instances(InstanceIds=[new])

    failed = await web.to_rest()

    assert failed.state is State.CHANGE_FAILED
    assert failed.failure is not None
    assert f"Instance {new} is terminated instead of running" in failed.failure.message
    web.client.retry(web.id)
    assert (await web.to_rest()).state is State.READY


async def test_what_somebody_terminated_is_told_and_can_be_replaced(
    web: Environment, cloud: Cloud
) -> None:
    await web.to_rest()
    (one,) = web.record.resources[IN_ZONE_A].ids
    async with outsider(cloud.url) as ec2:
        await ec2.terminate_instances(InstanceIds=[one])

    failed = await changed(web, "stop", "web")

    assert failed.failure is not None
    assert failed.failure.category is FailureCategory.CONFLICT
    assert f"Somebody has terminated {one}" in failed.failure.message
    assert (await changed(web, "replace", one)).state is State.READY


async def test_what_is_stopped_is_not_rebooted(web: Environment, cloud: Cloud) -> None:
    """It is said before any of them is rebooted."""
    await web.to_rest()
    (one,) = web.record.resources[IN_ZONE_A].ids
    await changed(web, "stop", one)

    failed = await changed(web, "reboot")

    assert failed.failure is not None
    assert failed.failure.category is FailureCategory.BLOCKED
    assert one in failed.failure.message
    assert cloud.calls("RebootInstances") == []


async def test_a_build_that_is_retried_bears_what_somebody_stopped(
    begin: Begin, cloud: Cloud, aws: LocalAws
) -> None:
    """An instance that had passed its checks and was stopped since does not fail `ready`."""
    spec = WEB.model_copy(update={"on_failure": "hold"})
    async with begin(spec) as env:
        await env.run(Step.NETWORK, Step.SECURITY, Step.INSTANCE)
        cloud.inject("DescribeInstances", refused("UnauthorizedOperation"), times=ALWAYS)
        assert (await env.to_rest()).state is State.FAILED
        cloud.heal()
        (one,) = env.record.resources[IN_ZONE_A].ids
        async with outsider(aws.url) as ec2:
            await ec2.stop_instances(InstanceIds=[one])

        env.client.retry(env.id)

        assert (await env.to_rest()).state is State.READY


async def test_wrong_requests_are_refused_and_write_nothing(web: Environment) -> None:
    """Unknown instances, nothing named where it must be, and an environment that is not ready."""
    with pytest.raises(NotAllowed, match="can be changed when it is ready"):
        web.client.change(web.id, "stop")
    await web.to_rest()
    before = web.record

    with pytest.raises(UnknownInstance, match="no instance or group of instances db: it has web"):
        web.client.change(web.id, "stop", ["web", "db"])
    with pytest.raises(UnknownInstance, match="Say which instances or groups"):
        web.client.change(web.id, "replace")
    with pytest.raises(ValueError, match="explode"):
        web.client.change(web.id, "explode")
    assert web.record == before

    await changed(web, "terminate", "web")
    with pytest.raises(UnknownInstance, match="There is no instance to start"):
        web.client.change(web.id, "start", ["web"])


async def test_the_same_request_again_is_no_second_run(web: Environment) -> None:
    """While it is carried out; another one has to wait, and a cleanup has not."""
    await web.to_rest()
    first = web.client.change(web.id, "reboot", ["web"])

    assert web.client.change(web.id, "reboot", ["web"]).run_id == first.run_id
    with pytest.raises(NotAllowed, match="is changing"):
        web.client.change(web.id, "stop", ["web"])
    with pytest.raises(NotAllowed, match="only a run that builds"):
        web.client.cancel(web.id)
    assert web.client.destroy(web.id).accepted
