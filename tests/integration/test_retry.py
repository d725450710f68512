"""A retry goes on: what was done before it is not done again, counted by the calls to AWS."""

from collections import Counter

import pytest

from envwright.names import Step
from envwright.states import State
from tests.cloud import ALWAYS, Cloud, refused, throttled
from tests.everything import ALL_OF_EVERYTHING, EVERYTHING, MADE_ONCE
from tests.harness import counts
from tests.integration.conftest import Begin
from worker.servers import LocalAws

HOLDING = EVERYTHING | {"on_failure": "hold"}

FAILING = [
    (Step.NETWORK, "CreateInternetGateway", 1),
    (Step.NETWORK, "CreateSubnet", 2),
    (Step.NETWORK, "CreateRoute", 1),
    (Step.SECURITY, "CreateSecurityGroup", 2),
    (Step.SECURITY, "AuthorizeSecurityGroupIngress", 2),
    (Step.INSTANCE, "RunInstances", 1),
    (Step.INSTANCE, "RunInstances", 2),
    (Step.READY, "DescribeInstances", 1),
]
"""A step, and the call of it that AWS refuses."""


async def changes_by_step(begin: Begin, cloud: Cloud) -> dict[Step, list[str]]:
    """The calls that change something in each step of a build, by one that nothing happened to."""
    found = {}
    async with begin(EVERYTHING | {"name": "model"}) as env:
        for step in Step:
            cloud.journal.clear()
            await env.run(step)
            found[step] = cloud.mutating
        await env.take_down()
    return found


@pytest.mark.parametrize(("step", "action", "number"), FAILING)
async def test_a_retry_repeats_no_change_of_what_was_done(
    begin: Begin, cloud: Cloud, aws: LocalAws, step: Step, action: str, number: int
) -> None:
    """Refused in this step, held, mended: no finished step is repeated, no create made twice."""
    changes = await changes_by_step(begin, cloud)
    cloud.journal.clear()
    async with begin(HOLDING) as env:
        cloud.inject(action, refused("UnauthorizedOperation"), first=number)
        record = await env.to_rest()
        assert (record.state, record.step) == (State.FAILED, step)
        before = [call.action for call in cloud.journal if call.mutates and call.took_effect]

        cloud.journal.clear()
        cloud.heal()
        env.client.retry(env.id)
        assert (await env.to_rest()).state is State.READY
        after = cloud.mutating

    steps = list(Step)
    to_do = Counter(one for later in steps[steps.index(step) :] for one in changes[later])
    assert Counter(after) <= to_do
    assert {one: (before + after).count(one) for one in MADE_ONCE} == MADE_ONCE
    assert await counts(aws.url) == ALL_OF_EVERYTHING


async def test_a_deadline_that_passed_under_throttling_can_be_picked(
    begin: Begin, cloud: Cloud
) -> None:
    """It is told as what it was: AWS throttled until it was too late."""
    cloud.inject("CreateVpc", throttled(), times=ALWAYS)
    async with begin(HOLDING | {"deadline": 60}) as env:
        await env.shorten_deadline(3)
        record = await env.to_rest()

        assert record.failure is not None
        assert (record.failure.category, record.failure.error_class) == ("deadline", "throttled")
        assert "RequestLimitExceeded" in record.failure.message
        found = [one.environment_id for one in env.client.retryable(error="throttled")]
        assert found == [env.id]
        assert list(env.client.retryable(error="quota")) == []

        cloud.heal()
        (ticket,) = env.client.retry_many(found)
        assert ticket.accepted
        assert (await env.to_rest()).state is State.READY
