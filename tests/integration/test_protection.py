"""Instances that AWS protects from termination, and volumes that outlive their instances."""

from typing import Any

import pytest

from envwright.errors import NotAllowed
from envwright.failure import FailureCategory
from envwright.states import State
from tests.cloud import Cloud, refused
from tests.harness import Environment, counts, existing, outsider
from tests.integration.conftest import Begin
from tests.specs import with_instances
from worker.servers import LocalAws

IMAGE = "ami-760aaa0f"


def with_group(**options: Any) -> dict[str, Any]:
    data = with_instances(IMAGE)
    data["instances"]["web"] |= options
    return data


async def protect(url: str, one: str) -> None:
    async with outsider(url) as ec2:
        await ec2.modify_instance_attribute(InstanceId=one, DisableApiTermination={"Value": True})


async def test_what_the_spec_protects_is_taken_down_by_force_alone(
    begin: Begin, cloud: Cloud, aws: LocalAws
) -> None:
    """Without it the request is refused, and nothing is written; with it nothing is left."""
    async with begin(with_group(termination_protection=True)) as env:
        ready = await env.to_rest()
        assert ready.state is State.READY
        with pytest.raises(NotAllowed, match=r"\(of web\).*envwright down --force web.eu-west-1"):
            env.client.destroy(env.id)
        assert env.record == ready

        env.client.destroy(env.id, force=True)
        assert (await env.to_rest()).state is State.DESTROYED

    assert len(cloud.calls("ModifyInstanceAttribute")) == 2
    assert await existing(aws.url) == {}


async def test_a_failed_build_lifts_what_its_spec_has_protected(
    begin: Begin, cloud: Cloud, aws: LocalAws
) -> None:
    """It was handed to nobody, and is compensated for like any other."""
    cloud.inject("RunInstances", refused("VcpuLimitExceeded"), first=2)
    async with begin(with_group(termination_protection=True)) as env:
        assert (await env.to_rest()).state is State.CLEANED

    assert cloud.done("RunInstances") == 1
    assert await existing(aws.url) == {}


async def test_protection_by_hand_stops_a_cleanup_before_anything_goes(
    begin: Begin, cloud: Cloud, aws: LocalAws
) -> None:
    """The failure names the instance and the way on; `--force` then takes all of it down.

    The NAT gateway, which a cleanup begins with as well, is not asked to go before that.
    """
    data = with_group()
    data["network"]["tiers"] = [
        {"name": "public", "access": "public"},
        {"name": "private", "access": "private"},
    ]
    async with begin(data) as env:
        assert (await env.to_rest()).state is State.READY
        before = await counts(aws.url)
        one = instances_of(env)[0]
        await protect(cloud.url, one)
        cloud.journal.clear()

        failed = await env.take_down()

        assert failed.state is State.CLEANUP_FAILED
        assert failed.cleanup_failure is not None
        assert failed.cleanup_failure.category is FailureCategory.BLOCKED
        assert f"AWS protects {one} of {env.id}" in failed.cleanup_failure.message
        assert f"envwright down --force {env.id}" in failed.cleanup_failure.message
        assert cloud.mutating == ["TerminateInstances"]
        assert await counts(aws.url) == before

        env.client.destroy(env.id, force=True)
        assert (await env.to_rest()).state is State.DESTROYED
    assert await existing(aws.url) == {}


async def test_force_that_comes_too_late_is_told(begin: Begin) -> None:
    """A cleanup without it is under way: it is not made another one behind its back."""
    async with begin(with_group()) as env:
        await env.to_rest()
        env.client.destroy(env.id)
        with pytest.raises(NotAllowed, match="without force already"):
            env.client.destroy(env.id, force=True)


def instances_of(env: Environment) -> list[str]:
    outputs = env.record.outputs
    assert outputs is not None
    return [one.id for one in outputs.instances]


async def test_a_kept_volume_outlives_its_instance_and_is_told(begin: Begin, aws: LocalAws) -> None:
    """In an event and in the record: whoever asked for it finds it there."""
    volumes = [
        {"device_name": "/dev/sdf", "size": 5, "delete_on_termination": False},
        {"device_name": "/dev/sdg", "size": 6},
    ]
    async with begin(with_group(count=1, volumes=volumes)) as env:
        assert (await env.to_rest()).state is State.READY
        gone = await env.take_down()
        told = [event for event in env.client.events(env.id) if event.type == "volume"]
    async with outsider(aws.url) as ec2:
        (left,) = (await ec2.describe_volumes())["Volumes"]

    assert gone.state is State.DESTROYED
    assert left["Size"] == 5
    assert [(event.state, event.ids) for event in told] == [("kept", (left["VolumeId"],))]
    key = "kept_volumes:instance/instances/web-eu-west-1a"
    assert gone.lookups[key] == [left["VolumeId"]]
    assert await existing(aws.url) == {"volume": [left["VolumeId"]]}
