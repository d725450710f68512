"""Stop, start, reboot, terminate and replace: each comes to its end, whatever dies on the way."""

from collections import Counter
from typing import Final

import pytest

from envwright.names import Step
from envwright.record import Record, RunKind
from envwright.states import State
from tests.changes import IN_ZONE_A, changed, instances_of, states
from tests.cloud import Behaviour, Cloud, Durations, dropped
from tests.everything import ALL_OF_WEB
from tests.harness import Environment, counts, existing
from worker.servers import LocalAws

SLOW: Final = Behaviour(
    durations=Durations(instance_pending=0.3, status_checks=0.3, shutting_down=0.3, stopping=0.3)
)
"""Every state takes its time."""

CALLS: Final = {
    "stop": "StopInstances",
    "start": "StartInstances",
    "reboot": "RebootInstances",
    "terminate": "TerminateInstances",
    "replace": "TerminateInstances",
}
"""What each operation asks of AWS first."""


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
