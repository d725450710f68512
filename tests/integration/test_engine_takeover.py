"""What the engine promises when one worker takes over from another: killed, stopped or frozen."""

import asyncio
from typing import Any

import pytest

from envwright.names import Step
from envwright.record import ResourceState, RunKind
from envwright.states import State
from tasks.network import GATEWAY, VPC
from tests.cloud import Call, Cloud, Held, Reply, dropped, hiding, refused
from tests.everything import ALL_OF_EVERYTHING, ALL_OF_WEB, CREATES, DELETES, EVERYTHING, MADE_ONCE
from tests.harness import Environment, counts, existing, until
from tests.integration.conftest import Begin
from worker.servers import LocalAws


@pytest.mark.parametrize(
    ("action", "after_effect"),
    [*((action, True) for action in CREATES), *((action, False) for action in MADE_ONCE)],
)
async def test_what_a_dead_worker_began_is_adopted_or_made_once(
    begin: Begin, cloud: Cloud, aws: LocalAws, action: str, after_effect: bool
) -> None:
    """Killed at this call, with or without its effect: the next worker ends with one of each."""
    async with begin(EVERYTHING) as env:
        await env.die_at(cloud, action, after_effect=after_effect)
        record = await env.to_rest()

    assert record.state is State.READY
    assert await counts(aws.url) == ALL_OF_EVERYTHING
    assert {one: cloud.done(one) for one in MADE_ONCE} == MADE_ONCE


async def test_what_a_dead_worker_began_is_adopted_though_it_shows_late(
    begin: Begin, cloud: Cloud, aws: LocalAws
) -> None:
    """The next worker gives an open intent the time to show, and makes no second one."""
    cloud.tag_lag = 0.5
    async with begin(EVERYTHING, settle_time=2.0) as env:
        await env.die_at(cloud, "CreateVpc", after_effect=True)
        await env.die_at(cloud, "CreateSecurityGroup", after_effect=True)

        assert (await env.to_rest()).state is State.READY

    assert await counts(aws.url) == ALL_OF_EVERYTHING
    assert {one: cloud.done(one) for one in MADE_ONCE} == MADE_ONCE


@pytest.mark.parametrize("action", CREATES)
async def test_what_a_dead_worker_began_is_cleaned_up(
    begin: Begin, cloud: Cloud, aws: LocalAws, action: str
) -> None:
    """Killed after the effect of this call, and then taken down: nothing is left."""
    async with begin(EVERYTHING) as env:
        await env.die_at(cloud, action, after_effect=True)

        assert (await env.take_down()).state is State.DESTROYED

    assert await existing(aws.url) == {}


async def test_what_a_dead_worker_began_is_cleaned_up_though_it_shows_late(
    begin: Begin, cloud: Cloud, aws: LocalAws
) -> None:
    """Cleanup gives an open intent the time to show in the inventory."""
    cloud.tag_lag = 0.5
    async with begin(EVERYTHING, settle_time=2.0) as env:
        await env.die_at(cloud, "CreateVpc", after_effect=True)

        assert (await env.take_down()).state is State.DESTROYED

    assert await existing(aws.url) == {}


@pytest.mark.parametrize("action", DELETES)
async def test_a_cleanup_goes_on_where_a_dead_worker_was(
    begin: Begin, cloud: Cloud, aws: LocalAws, action: str
) -> None:
    """Killed after the effect of this call: the next worker finds it gone, and goes on."""
    async with begin(EVERYTHING) as env:
        await env.to_rest()
        env.client.destroy(env.id)
        await env.die_at(cloud, action, after_effect=True)

        assert (await env.to_rest()).state is State.DESTROYED

    assert await existing(aws.url) == {}


async def test_a_worker_that_lost_its_lease_begins_nothing_more(
    web: Environment, cloud: Cloud, aws: LocalAws
) -> None:
    """Its create is answered when another worker has taken over, which makes no second one."""
    frozen = Held(after_effect=True)
    cloud.inject("CreateVpc", frozen)
    first = asyncio.create_task(web.run(Step.NETWORK))
    await frozen.arrived.wait()
    await until(lambda: cloud.calls("CreateInternetGateway"))
    await web.lose_lease()
    run = web.record.run
    taken = await web.worker.store.claim(web.id, run.id, Step.NETWORK, web.worker.settings.lease)
    begun_by_then = len(cloud.mutating)

    frozen.released.set()
    outcome = await first

    assert not outcome.is_done
    assert len(cloud.mutating) == begun_by_then
    assert web.record.epoch == taken.epoch
    assert web.record.resources[VPC].state is ResourceState.INTENDED

    await web.lose_lease()
    assert (await web.to_rest()).state is State.READY
    assert await counts(aws.url) == ALL_OF_WEB


async def test_a_stopping_worker_records_what_is_under_way_and_begins_nothing_more(
    web: Environment, cloud: Cloud, aws: LocalAws
) -> None:
    """The run is given back at once, without counting as an attempt, and another finishes it."""
    under_way = Held(after_effect=True)
    cloud.inject("CreateVpc", under_way)
    running = asyncio.create_task(web.run(Step.NETWORK))
    await under_way.arrived.wait()

    web.worker.keeper.stop()
    under_way.released.set()
    outcome = await running

    stopped = web.record
    assert not outcome.is_done
    assert (stopped.state, stopped.step, stopped.attempt) == (State.PROVISIONING, Step.NETWORK, 0)
    assert stopped.resources[VPC].state is ResourceState.CREATED
    assert stopped.resources[GATEWAY].state is ResourceState.CREATED
    assert sorted(cloud.mutating) == ["CreateInternetGateway", "CreateVpc"]

    web.start_another_worker()
    assert (await web.to_rest()).state is State.READY
    assert await counts(aws.url) == ALL_OF_WEB


async def test_a_create_that_is_looked_for_when_its_worker_stops_stays_an_open_intent(
    web: Environment, cloud: Cloud, aws: LocalAws
) -> None:
    """Its reply was lost and it does not show yet: the next worker must look for it too."""

    async def stop(call: Call, forward: Any) -> Reply:
        web.worker.keeper.stop()
        return await hiding("vpc-")(call, forward)

    cloud.inject("CreateVpc", dropped(after_effect=True))
    cloud.inject("DescribeTags", stop)
    await web.run(Step.NETWORK)

    assert web.record.resources[VPC].state is ResourceState.INTENDED

    web.start_another_worker()
    cloud.inject("DescribeTags", hiding("vpc-"))
    assert (await web.to_rest()).state is State.READY
    assert await counts(aws.url) == ALL_OF_WEB


async def test_a_create_that_is_looked_for_when_another_fails_is_cleaned_up(
    begin: Begin, cloud: Cloud, aws: LocalAws
) -> None:
    """Its reply was lost, it shows late, and its step fails meanwhile: still nothing is left."""
    gateway = Held(then=refused("InternetGatewayLimitExceeded"))

    async def fail(call: Call, forward: Any) -> Reply:
        gateway.released.set()
        return await hiding("vpc-")(call, forward)

    cloud.tag_lag = 1.0
    cloud.inject("CreateInternetGateway", gateway)
    cloud.inject("CreateVpc", dropped(after_effect=True))
    cloud.inject("DescribeTags", fail)

    async with begin(EVERYTHING, settle_time=2.0) as env:
        record = await env.to_rest()

    assert record.state is State.CLEANED
    assert record.failure is not None
    assert record.failure.code == "InternetGatewayLimitExceeded"
    assert await existing(aws.url) == {}


async def test_a_run_that_is_replaced_records_what_is_under_way(
    web: Environment, cloud: Cloud, aws: LocalAws
) -> None:
    """Destroyed in the middle of a create: it is recorded, nothing more begins, all is removed."""
    under_way = Held(after_effect=True)
    cloud.inject("CreateVpc", under_way)
    running = asyncio.create_task(web.run(Step.NETWORK))
    await under_way.arrived.wait()

    web.client.destroy(web.id)
    under_way.released.set()
    await running

    assert web.record.run.kind is RunKind.CLEANUP
    assert web.record.resources[VPC].state is ResourceState.CREATED
    assert sorted(cloud.mutating) == ["CreateInternetGateway", "CreateVpc"]
    assert (await web.to_rest()).state is State.DESTROYED
    assert await existing(aws.url) == {}
