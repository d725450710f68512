"""The strict cloud behaves as it is told, and the same seed gives the same faults again."""

import asyncio
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.cloud import Behaviour, Cloud, Reply, throttled
from tests.cloud.calls import Call
from tests.harness import outsider
from tests.integration.test_cloud_accounts import ONE, OTHER
from tests.site import NEVER, make_vpc, outcome


@pytest.mark.parametrize(
    ("fault", "seen", "made"),
    [
        ("throttled", "RequestLimitExceeded", 0),
        ("failed_before", "InternalError", 0),
        ("failed_after", "InternalError", 1),
        ("dropped_before", "dropped", 0),
        ("dropped_after", "dropped", 1),
    ],
)
async def test_a_fault_strikes_with_its_probability(
    cloud: Cloud, fault: str, seen: str, made: int
) -> None:
    """At 1 it always does; the journal tells truly whether the call had its effect."""
    cloud.behave(Behaviour(**{fault: 1.0}))
    async with outsider(cloud.url) as ec2:
        assert await outcome(make_vpc(ec2)) == seen

    assert len((await cloud.inventory()).of("vpc")) == made
    assert cloud.journal[0].took_effect is bool(made)


async def test_the_same_seed_gives_the_same_faults_again(cloud: Cloud) -> None:
    """Whatever runs beside it; another seed, and another account, gives others."""

    async def played(seed: int, account: str) -> list[str]:
        await cloud.forget(account)
        broken = Behaviour(seed=seed, throttled=0.3, failed_after=0.2, dropped_before=0.2)
        cloud.behave(broken, account=account)
        async with outsider(cloud.url, account) as ec2:
            return [await outcome(ec2.describe_vpcs()) for _ in range(30)]

    first, beside = await asyncio.gather(played(1, ONE), played(1, OTHER))
    again, another = await played(1, ONE), await played(2, ONE)

    assert first == again
    assert len({tuple(one) for one in (first, beside, another)}) == 3
    assert set(first) == {"done", "RequestLimitExceeded", "InternalError", "dropped"}


async def test_accounts_can_be_treated_differently_and_anew_at_any_time(cloud: Cloud) -> None:
    """One account's behaviour is its own; the others have the cloud's."""
    cloud.behave(Behaviour(throttled=1.0), account=ONE)
    async with outsider(cloud.url, ONE) as one, outsider(cloud.url, OTHER) as other:
        assert await outcome(one.describe_vpcs()) == "RequestLimitExceeded"
        assert await outcome(other.describe_vpcs()) == "done"
        cloud.behave(Behaviour(), account=ONE)
        assert await outcome(one.describe_vpcs()) == "done"


async def test_a_call_takes_its_time(cloud: Cloud) -> None:
    """By action, times the time scale; the effect falls in the middle."""
    cloud.behave(Behaviour(latency=NEVER, latencies={"DescribeVpcs": 20.0}, time_scale=0.01))
    async with outsider(cloud.url) as ec2:
        begun = time.monotonic()
        await ec2.describe_vpcs()
        took = time.monotonic() - begun

    assert 0.2 <= took < 5


async def test_a_range_of_seconds_is_drawn_from(cloud: Cloud) -> None:
    """Anything between the two, and the same for the same call."""
    behaviour = Behaviour(seed=1)
    calls = [Call("CreateVpc", "ec2", "eu-west-1", ONE, {}, nth=nth) for nth in range(50)]
    drawn = [behaviour.seconds((1.0, 3.0), call, "latency") for call in calls]

    assert all(1 <= one <= 3 for one in drawn)
    assert max(drawn) - min(drawn) > 1
    assert drawn == [behaviour.seconds((1.0, 3.0), call, "latency") for call in calls]


async def test_an_action_can_be_denied(cloud: Cloud) -> None:
    """As where the role's policy lacks it: with HTTP 403, and without effect."""
    cloud.behave(Behaviour(denied=frozenset({"CreateVpc"})))
    async with outsider(cloud.url) as ec2:
        with pytest.raises(ClientError) as told:
            await make_vpc(ec2)

    assert told.value.response["Error"]["Code"] == "UnauthorizedOperation"
    assert told.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert not await cloud.inventory()


async def test_rules_come_before_chance(cloud: Cloud) -> None:
    """What a test injects meets the call first, and what it passes on behaves as told."""

    async def passing(call: Call, forward: Any) -> Reply:
        reply: Reply = await forward()
        return reply

    cloud.behave(Behaviour(failed_before=1.0))
    cloud.inject("DescribeVpcs", throttled())
    cloud.inject("DescribeVpcs", passing)
    async with outsider(cloud.url) as ec2:
        assert await outcome(ec2.describe_vpcs()) == "RequestLimitExceeded"
        assert await outcome(ec2.describe_vpcs()) == "InternalError"
