"""Stop, start, reboot, terminate and replace: each comes to its end, whatever dies on the way."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import pytest

from envwright.errors import NotAllowed, UnknownInstance
from envwright.names import Step
from envwright.record import FailureCategory, Record, RunKind, State
from envwright.spec import EnvironmentSpec, load_spec
from tests.cloud import ALWAYS, Behaviour, Cloud, Durations, dropped, refused
from tests.harness import ALL_OF_WEB, Environment, counts, existing, outsider
from tests.integration.conftest import Begin
from tests.repository import ROOT
from worker.servers import LocalAws

WEB: Final = load_spec(ROOT / "examples" / "web.yaml")
SLOW: Final = Behaviour(
    durations=Durations(instance_pending=0.3, status_checks=0.3, shutting_down=0.3, stopping=0.3)
)
"""Every state takes its time."""
IN_ZONE_A: Final = "instance/instances/web-eu-west-1a"
IN_ZONE_B: Final = "instance/instances/web-eu-west-1b"

CALLS: Final = {
    "stop": "StopInstances",
    "start": "StartInstances",
    "reboot": "RebootInstances",
    "terminate": "TerminateInstances",
    "replace": "TerminateInstances",
}
"""What each operation asks of AWS first."""


def with_count(count: int, **changed: Any) -> EnvironmentSpec:
    group = WEB.instances["web"].model_copy(update={"count": count, **changed})
    return WEB.model_copy(update={"instances": {"web": group}})


async def changed(env: Environment, operation: str, *targets: str) -> Record:
    """Do this, and run to its end."""
    env.client.change(env.id, operation, targets)
    return await env.to_rest()


async def states(url: str, ids: Sequence[str]) -> dict[str, str]:
    """What AWS says of these instances."""
    async with outsider(url) as ec2:
        answer = await ec2.describe_instances(InstanceIds=[*ids])
    return {
        one["InstanceId"]: one["State"]["Name"]
        for reservation in answer["Reservations"]
        for one in reservation["Instances"]
    }


def instances_of(record: Record) -> list[str]:
    return [
        one
        for key, resource in record.resources.items()
        if key.startswith("instance/instances/")
        for one in resource.ids
    ]


async def bring_about(env: Environment, operation: str) -> None:
    """Have the environment stand as this operation needs it."""
    await env.to_rest()
    if operation == "start":
        assert (await changed(env, "stop")).state is State.READY


async def check(url: str, operation: str, before: Record, after: Record) -> None:
    """That the operation on all of the group was done, once and whole."""
    assert after.state is State.READY, after.failure
    assert after.outputs is not None
    ids = instances_of(before)
    found = set((await states(url, ids)).values())
    there = {one.id: one.state for one in after.outputs.instances}
    match operation:
        case "stop":
            assert (found, there) == ({"stopped"}, dict.fromkeys(ids, "stopped"))
        case "start" | "reboot":
            assert (found, there) == ({"running"}, dict.fromkeys(ids, "running"))
        case "terminate":
            assert (found, there, instances_of(after)) == ({"terminated"}, {}, [])
        case "replace":
            assert found == {"terminated"}
            assert set(there) == set(instances_of(after))
            assert not set(there) & set(ids)
            assert await counts(url) == ALL_OF_WEB


@pytest.mark.parametrize("operation", CALLS)
async def test_an_operation_is_done_and_done_again_changes_nothing(
    web: Environment, cloud: Cloud, aws: LocalAws, operation: str
) -> None:
    """It is recorded as a run, the outputs are true afterwards, and the environment goes down.

    A second time there is nothing to do, but where doing it again is what is asked for.
    """
    cloud.behave(SLOW)
    await bring_about(web, operation)
    before = web.record

    after = await changed(web, operation, "web")

    await check(aws.url, operation, before, after)
    assert (after.run.kind, after.run.reason) == (RunKind.CHANGE, operation)
    told = [one.state for one in web.client.events(web.id) if one.run == after.run.id]
    assert (told[0], told[-1]) == ("changing", "ready")
    if operation in ("stop", "start"):
        cloud.journal.clear()
        assert (await changed(web, operation, "web")).outputs == after.outputs
        assert cloud.mutating == []
    assert (await web.take_down()).state is State.DESTROYED
    assert await existing(aws.url) == {}


@pytest.mark.parametrize("after_effect", [False, True])
@pytest.mark.parametrize("operation", CALLS)
async def test_an_operation_goes_on_where_a_dead_worker_was(
    web: Environment, cloud: Cloud, aws: LocalAws, operation: str, after_effect: bool
) -> None:
    """Killed at its call, with or without its effect: the next worker ends it."""
    await bring_about(web, operation)
    before = web.record
    web.client.change(web.id, operation, ["web"])

    await web.die_at(cloud, CALLS[operation], after_effect=after_effect)
    after = await web.to_rest()

    await check(aws.url, operation, before, after)


@pytest.mark.parametrize("operation", CALLS)
async def test_a_step_that_is_done_is_not_done_again(
    web: Environment, cloud: Cloud, aws: LocalAws, operation: str
) -> None:
    """As if its last write had been lost: of a reboot too, since that it was asked for is noted."""
    await bring_about(web, operation)
    before = web.record
    web.client.change(web.id, operation, ["web"])
    await web.run(Step.INSTANCE)
    once = Counter(cloud.mutating)

    await web.go_back(State.CHANGING, Step.INSTANCE)
    after = await web.to_rest()

    await check(aws.url, operation, before, after)
    assert Counter(cloud.mutating) == once


async def test_a_reboot_is_asked_for_again_where_nobody_knows(
    web: Environment, cloud: Cloud
) -> None:
    """Of a lost reply it cannot be told whether the reboot was queued: at least one is promised."""
    await web.to_rest()
    cloud.inject("RebootInstances", dropped(after_effect=True))

    assert (await changed(web, "reboot", "web")).state is State.READY

    assert cloud.done("RebootInstances") == 2


async def test_a_replacement_that_dies_at_its_launch_launches_once(
    web: Environment, cloud: Cloud, aws: LocalAws
) -> None:
    """Its token belongs to the new life of the instance, and gives the same one again."""
    await web.to_rest()
    launched = cloud.done("RunInstances")
    (one,) = web.record.resources[IN_ZONE_A].ids
    web.client.change(web.id, "replace", [one])

    await web.die_at(cloud, "RunInstances", after_effect=True)
    after = await web.to_rest()

    assert after.state is State.READY
    assert cloud.done("RunInstances") == launched + 1
    assert after.resources[IN_ZONE_A].incarnation == 2
    assert await counts(aws.url) == ALL_OF_WEB


@pytest.mark.parametrize("action", ["StopInstances", "TerminateInstances", "RunInstances"])
async def test_taken_down_in_the_middle_of_a_change_nothing_is_left(
    web: Environment, cloud: Cloud, aws: LocalAws, action: str
) -> None:
    await web.to_rest()
    web.client.change(web.id, "stop" if action == "StopInstances" else "replace", ["web"])
    await web.die_at(cloud, action, after_effect=True)

    assert (await web.take_down()).state is State.DESTROYED
    assert await existing(aws.url) == {}


async def test_one_of_a_group_is_changed_and_the_others_are_not(
    begin: Begin, cloud: Cloud, aws: LocalAws
) -> None:
    """Two in each zone, one stopped by hand and one terminated: replacing another leaves them."""
    async with begin(with_count(4)) as env:
        stopped, doomed = (await env.to_rest()).resources[IN_ZONE_A].ids
        lost, other = env.record.resources[IN_ZONE_B].ids
        async with outsider(aws.url) as ec2:
            await ec2.stop_instances(InstanceIds=[stopped])
            await ec2.terminate_instances(InstanceIds=[lost])

        after = await changed(env, "replace", doomed)

        assert after.state is State.READY
        assert after.resources[IN_ZONE_A].ids[0] == stopped
        assert len(after.resources[IN_ZONE_A].ids) == 2
        assert await states(aws.url, [stopped, doomed, other]) == {
            stopped: "stopped",
            doomed: "terminated",
            other: "running",
        }
        assert after.outputs is not None
        shown = {one.id: one.state for one in after.outputs.instances}
        assert (shown[stopped], shown[other], lost in shown) == ("stopped", "running", False)


async def test_a_place_that_was_emptied_is_filled_by_replacing_the_group(
    begin: Begin, aws: LocalAws
) -> None:
    """Terminated ones stay away, whatever else is replaced, until the group itself is."""
    async with begin(with_count(4)) as env:
        first, second = (await env.to_rest()).resources[IN_ZONE_A].ids
        (third, _) = env.record.resources[IN_ZONE_B].ids

        assert len(instances_of(await changed(env, "terminate", first))) == 3
        assert len(instances_of(await changed(env, "replace", second, third))) == 3
        after = await changed(env, "replace", "web")

        assert after.state is State.READY
        assert len(instances_of(after)) == 4
    assert await counts(aws.url) == ALL_OF_WEB | {"instance": 4, "volume": 4}


async def test_what_stands_on_instances_ends_and_comes_with_them(
    begin: Begin, aws: LocalAws
) -> None:
    """The check that a launch cannot switch off is off again for the new ones."""
    async with begin(with_count(2, source_dest_check=False)) as env:
        (one,) = (await env.to_rest()).resources[IN_ZONE_A].ids
        beside = "instance/source_dest_check/web-eu-west-1a"
        assert (await changed(env, "terminate", one)).resources[beside].ids == ()

        after = await changed(env, "replace", "web")

        assert after.state is State.READY, after.failure
        assert after.resources[beside].ids == after.resources[IN_ZONE_A].ids
    async with outsider(aws.url) as ec2:
        answer = await ec2.describe_instances(InstanceIds=instances_of(after))
    found = [one for reservation in answer["Reservations"] for one in reservation["Instances"]]
    assert [one["SourceDestCheck"] for one in found] == [False, False]


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
