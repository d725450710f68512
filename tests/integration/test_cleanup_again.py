"""What a cleanup that failed does when it is tried again."""

from collections.abc import AsyncIterator

import pytest

from envwright.record import FailureCategory, ResourceState, State
from tests.cloud import ALWAYS, Cloud
from tests.cloud.calls import Call, Reply, refusal
from tests.cloud.faults import Forward
from tests.harness import EVERYTHING, Environment, existing, outsider
from tests.integration.conftest import Begin
from worker.servers import LocalAws

UNTAGGED = ("internet_gateway_attachment", "security_group_rules")


@pytest.fixture
async def everything(begin: Begin) -> AsyncIterator[Environment]:
    """An environment with a resource of every kind, that does not wait long for what is in use."""
    async with begin(EVERYTHING, conflict_timeout=0.2) as env:
        assert (await env.to_rest()).state is State.READY
        yield env


def groups_in_use(cloud: Cloud, url: str) -> None:
    """No group goes while another one's rules name it."""

    async def fault(call: Call, forward: Forward) -> Reply:
        group = call.parameters["GroupId"]
        async with outsider(url) as ec2:
            for one in (await ec2.describe_security_groups())["SecurityGroups"]:
                if one["GroupId"] != group and group in str(one["IpPermissions"]):
                    return refusal(call, "DependencyViolation", "It has a dependent object", 400)
        return await forward()

    cloud.inject("DeleteSecurityGroup", fault, times=ALWAYS)


@pytest.mark.parametrize("again", ["retry", "destroy"])
async def test_what_redis_forgot_is_found_the_second_time(
    everything: Environment, cloud: Cloud, aws: LocalAws, again: str
) -> None:
    """An attachment and a rule have no tags: a second try finds them on what they stand on."""
    groups_in_use(cloud, aws.url)
    await everything.forget_resources(*UNTAGGED)

    first = await everything.take_down()
    assert first.state is State.CLEANUP_FAILED
    assert first.cleanup_failure is not None
    assert first.cleanup_failure.category is FailureCategory.BLOCKED

    getattr(everything.client, again)(everything.id)
    last = await everything.to_rest()

    assert last.state is State.DESTROYED, last.cleanup_failure
    assert await existing(aws.url) == {}
    assert {one.state for one in last.resources.values()} == {ResourceState.GONE}
