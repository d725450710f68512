"""Cancelled at any moment: a run ends in cleanup or held, as its spec says, and nothing leaks."""

import asyncio

import pytest

from envwright.errors import NotAllowed
from envwright.failure import FailureCategory
from envwright.names import Step
from envwright.record import ResourceState, RunKind
from envwright.states import State
from tasks.network import VPC
from tests.cloud import Cloud, Held
from tests.everything import ALL_OF_EVERYTHING, EVERYTHING, MADE_ONCE
from tests.harness import Environment, counts, existing, until
from tests.integration.conftest import Begin
from worker.servers import LocalAws

HOLDING = EVERYTHING | {"on_failure": "hold"}


async def actions_of_a_build(begin: Begin, cloud: Cloud, aws: LocalAws) -> list[str]:
    """All that a build calls, each action once, by the journal of one that nothing happened to.

    The two tests that go through them share them out: what they tell apart is what follows a
    cancel, and an environment for each call, twice over, would take minutes.
    """
    async with begin(EVERYTHING) as env:
        assert (await env.to_rest()).state is State.READY
        actions = [*dict.fromkeys(call.action for call in cloud.journal)]
        await env.take_down()
    assert await existing(aws.url) == {}
    return actions


async def cancel_at(env: Environment, cloud: Cloud, action: str) -> None:
    """Cancel while the first call of this action waits for its reply."""
    cloud.heal()
    held = Held(after_effect=True)
    cloud.inject(action, held)
    building = asyncio.create_task(env.to_rest())
    arrived = asyncio.create_task(held.arrived.wait())
    await asyncio.wait([building, arrived], return_when=asyncio.FIRST_COMPLETED)
    assert arrived.done(), f"{action} was never called: {building.result()}"
    env.client.cancel(env.id)
    held.released.set()
    # Its last step ends by itself: what was begun is answered and recorded.
    await building


async def test_cancelled_at_any_call_nothing_is_left(
    begin: Begin, cloud: Cloud, aws: LocalAws
) -> None:
    """Cancelled in the middle of a call, with `on_failure: cleanup`: all is removed."""
    actions = await actions_of_a_build(begin, cloud, aws)
    for number, action in enumerate(actions[::2]):
        async with begin(EVERYTHING | {"name": f"cancelled-{number}"}) as env:
            await cancel_at(env, cloud, action)
            record = await env.to_rest()
            assert record.state is State.CLEANED, action
            assert record.run.reason == "cancel"
            assert record.failure is not None
            assert record.failure.category is FailureCategory.CANCELLED
        assert await existing(aws.url) == {}, action


async def test_cancelled_at_any_call_and_held_a_retry_makes_one_of_each(
    begin: Begin, cloud: Cloud, aws: LocalAws
) -> None:
    """Cancelled in the middle of a call, with `on_failure: hold`: nothing is made twice."""
    actions = await actions_of_a_build(begin, cloud, aws)
    for number, action in enumerate(actions[1::2]):
        cloud.journal.clear()
        async with begin(HOLDING | {"name": f"held-{number}"}) as env:
            await cancel_at(env, cloud, action)
            record = env.record
            assert record.state is State.FAILED, action
            assert record.failure is not None
            assert record.failure.category is FailureCategory.CANCELLED
            env.client.retry(env.id)
            assert (await env.to_rest()).state is State.READY, action
            assert await counts(aws.url) == ALL_OF_EVERYTHING, action
            assert {one: cloud.done(one) for one in MADE_ONCE} == MADE_ONCE, action
            await env.take_down()


async def test_a_worker_that_is_at_it_begins_nothing_more(
    begin: Begin, cloud: Cloud, aws: LocalAws
) -> None:
    """Its create is answered and recorded, though the environment is held already; and what asks
    for a retry at once waits for the worker to let go."""
    under_way = Held(after_effect=True)
    cloud.inject("CreateVpc", under_way)
    async with begin(HOLDING) as env:
        running = asyncio.create_task(env.run(Step.NETWORK))
        await under_way.arrived.wait()
        await until(lambda: cloud.calls("CreateInternetGateway"))

        env.client.cancel(env.id)
        assert env.record.state is State.FAILED
        env.client.retry(env.id)
        retried = env.record
        refusal = await env.worker.store.claim(env.id, retried.run.id, retried.step, 10)
        assert refusal == "busy"
        under_way.released.set()
        outcome = await running

        assert not outcome.is_done
        assert set(cloud.mutating) == {
            "AllocateAddress",
            "CreateDhcpOptions",
            "CreateInternetGateway",
            "CreateVpc",
        }
        assert env.record.resources[VPC].state is ResourceState.CREATED
        assert (env.record.state, env.record.step) == (State.QUEUED, Step.NETWORK)
        assert (await env.to_rest()).state is State.READY

    assert await counts(aws.url) == ALL_OF_EVERYTHING
    assert {one: cloud.done(one) for one in MADE_ONCE} == MADE_ONCE


async def test_what_is_held_is_not_due(begin: Begin) -> None:
    """Nobody is woken up for it, neither before a worker began nor after one let go."""
    async with begin(HOLDING) as env:
        env.client.cancel(env.id)
        assert await env.due() == []
        assert env.record.failure is not None
        assert env.record.failure.message == "The run was cancelled before it began."

        env.client.retry(env.id)
        assert await env.due() == [env.id]
        assert (await env.to_rest()).state is State.READY
        await env.take_down()


@pytest.mark.parametrize(("on_failure", "state"), [("cleanup", "cleaning"), ("hold", "failed")])
async def test_a_second_cancel_finds_the_first(begin: Begin, on_failure: str, state: str) -> None:
    """Whoever does not know whether the first was taken asks again, and nothing happens twice."""
    async with begin(EVERYTHING | {"on_failure": on_failure}) as env:
        first = env.client.cancel(env.id)
        events = env.client.events(env.id)
        second = env.client.cancel(env.id)

        assert (first.accepted, first.state) == (True, state)
        assert (second.accepted, second.state, second.run_id) == (False, state, first.run_id)
        assert env.client.events(env.id) == events


async def test_only_building_can_be_cancelled(begin: Begin) -> None:
    """A cleanup cannot be called off, and at rest there is nothing to cancel."""
    async with begin(EVERYTHING) as env:
        assert (await env.to_rest()).state is State.READY
        with pytest.raises(NotAllowed, match="is ready: nobody builds it"):
            env.client.cancel(env.id)

        env.client.destroy(env.id)
        with pytest.raises(NotAllowed, match="a cleanup cannot be called off"):
            env.client.cancel(env.id)

        assert (await env.to_rest()).state is State.DESTROYED
        with pytest.raises(NotAllowed, match="is destroyed: nobody builds it"):
            env.client.cancel(env.id)


async def test_the_history_tells_of_a_cancel(begin: Begin) -> None:
    """The run that was cancelled failed of it, and then the other one takes its place."""
    for on_failure in ("cleanup", "hold"):
        async with begin(
            EVERYTHING | {"name": f"told-{on_failure}", "on_failure": on_failure}
        ) as env:
            await env.run(Step.NETWORK)
            began = env.record.run.id
            env.client.cancel(env.id)
            ended = env.record.run
            told = [
                (one.type, one.run, one.state, one.message) for one in env.client.events(env.id)
            ]

        why = ("failure", began, "cancelled", "The run was cancelled in the security step.")
        if on_failure == "hold":
            assert told[-2:] == [why, ("state", ended.id, "failed", None)]
        else:
            asked = ("accepted", ended.id, "cleaning", "cleanup (cancel)")
            assert told[-3:] == [why, ("state", began, "failed", None), asked]
            assert ended.kind is RunKind.CLEANUP
