"""What a cleanup that failed does when it is tried again."""

import pytest

from envwright.failure import FailureCategory
from envwright.new_run import CLEANUP_DEADLINE
from envwright.record import ResourceState
from envwright.states import State
from tasks.resources.internet_gateway import InternetGateway
from tests.cloud import ALWAYS, Cloud, refused
from tests.everything import EVERYTHING
from tests.harness import Environment, existing, outsider
from tests.integration.conftest import Begin
from worker.servers import LocalAws

UNTAGGED = ("internet_gateway_attachment", "security_group_rules")


@pytest.mark.parametrize("again", ["retry", "destroy"])
async def test_what_redis_forgot_is_found_the_second_time(
    impatient: Environment, aws: LocalAws, again: str
) -> None:
    """An attachment and a rule have no tags: a second try finds them on what they stand on."""
    await impatient.forget_resources(*UNTAGGED)

    first = await impatient.take_down()
    assert first.state is State.CLEANUP_FAILED
    assert first.cleanup_failure is not None
    assert first.cleanup_failure.category is FailureCategory.BLOCKED

    getattr(impatient.client, again)(impatient.id)
    last = await impatient.to_rest()

    assert last.state is State.DESTROYED, last.cleanup_failure
    assert await existing(aws.url) == {}
    assert {one.state for one in last.resources.values()} == {ResourceState.GONE}


async def test_rules_that_somebody_added_are_taken_away_the_second_time(
    impatient: Environment, aws: LocalAws
) -> None:
    """Two groups that name each other, of which the spec says nothing, would never go."""
    outputs = impatient.record.outputs
    assert outputs is not None
    web, admin = outputs.security_groups["web"], outputs.security_groups["admin"]
    async with outsider(aws.url) as ec2:
        for group, other in ((web, admin), (admin, web)):
            pair = {"UserIdGroupPairs": [{"GroupId": other}]}
            await ec2.authorize_security_group_egress(
                GroupId=group,
                IpPermissions=[{"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, **pair}],
            )
    assert (await impatient.take_down()).state is State.CLEANUP_FAILED

    await impatient.wake_up()

    assert (await impatient.to_rest()).state is State.DESTROYED
    assert await existing(aws.url) == {}


async def remove_subnet(url: str, subnet: str) -> None:
    async with outsider(url) as ec2:
        await ec2.delete_subnet(SubnetId=subnet)


async def test_a_cleanup_that_failed_is_tried_again_after_pauses_that_grow(
    begin: Begin, cloud: Cloud, aws: LocalAws
) -> None:
    """Each failure doubles the pause up to the longest; it is the same run, with a new deadline."""
    cloud.inject("TerminateInstances", refused("UnauthorizedOperation", status=403), times=ALWAYS)
    async with begin(EVERYTHING, cleanup_retry_first=60, cleanup_retry_longest=200) as env:
        await env.to_rest()
        run = (await env.take_down()).run
        for tries, pause in enumerate((60, 120, 200, 200), start=1):
            record = env.record
            assert (record.state, record.run.id) == (State.CLEANUP_FAILED, run.id)
            assert record.run.tries == tries
            assert await env.due_in() == pytest.approx(pause, abs=5)
            assert record.run.retry_at == pytest.approx(env.client.now() + pause, abs=5)
            assert record.run.limit == pytest.approx(CLEANUP_DEADLINE)
            told = env.client.events(env.id)[-1]
            assert told.message == f"It is tried again in {pause} s."

            (woken,) = await env.wake_up()
            assert (woken.run_id, env.record.state) == (run.id, State.CLEANING)
            await env.to_rest()

        cloud.heal()
        await env.wake_up()
        last = await env.to_rest()

    assert (last.state, last.run.id) == (State.DESTROYED, run.id)
    assert last.cleanup_failure is None
    assert await existing(aws.url) == {}


async def test_when_what_is_foreign_is_gone_the_next_try_ends_the_cleanup(
    impatient: Environment, aws: LocalAws, foreign: str
) -> None:
    """Nobody has to ask for it: a sweep wakes it up."""
    assert (await impatient.take_down()).state is State.CLEANUP_FAILED
    await impatient.wake_up()
    assert (await impatient.to_rest()).state is State.CLEANUP_FAILED

    await remove_subnet(aws.url, foreign)
    await impatient.wake_up()

    assert (await impatient.to_rest()).state is State.DESTROYED
    assert await impatient.due_in() is None
    assert await existing(aws.url) == {}


async def test_retry_need_not_wait_for_the_pause(
    impatient: Environment, aws: LocalAws, foreign: str
) -> None:
    """It starts a run of its own at once, whose pauses begin anew should it fail too."""
    first = await impatient.take_down()
    await impatient.wake_up()
    assert (await impatient.to_rest()).run.tries == 2

    impatient.client.retry(impatient.id)
    again = await impatient.to_rest()
    assert (again.state, again.run.tries) == (State.CLEANUP_FAILED, 1)
    assert again.run.id != first.run.id

    await remove_subnet(aws.url, foreign)
    impatient.client.retry(impatient.id)
    assert (await impatient.to_rest()).state is State.DESTROYED
    assert await existing(aws.url) == {}


async def test_what_envwright_itself_failed_in_waits_for_a_person(
    impatient: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would crash again, and may take its worker along each time."""

    async def crash(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(InternetGateway, "delete", crash)
    record = await impatient.take_down()

    assert record.state is State.CLEANUP_FAILED
    assert record.cleanup_failure is not None
    assert record.cleanup_failure.category is FailureCategory.INTERNAL
    assert await impatient.due_in() is None


async def test_a_failed_cleanup_of_the_first_version_waits_for_retry(
    impatient: Environment, aws: LocalAws, foreign: str
) -> None:
    """Its run has none of the newer fields, and nothing makes it due."""
    await impatient.take_down()
    await impatient.as_the_first_version_left_it()

    assert await impatient.wake_up() == []
    assert impatient.record.state is State.CLEANUP_FAILED

    await remove_subnet(aws.url, foreign)
    impatient.client.retry(impatient.id)
    assert (await impatient.to_rest()).state is State.DESTROYED
