"""What the engine promises of making resources: exactly one of each, whatever happens."""

import asyncio
from typing import Any

import pytest

from envwright.failure import FailureCategory
from envwright.record import ResourceState
from envwright.states import State
from tasks.network import subnet
from tasks.resources.base import kind_name
from tests.cloud import (
    ALWAYS,
    Call,
    Cloud,
    Held,
    Reply,
    dropped,
    failed,
    refused,
    throttled,
)
from tests.everything import ALL_OF_EVERYTHING, ALL_OF_WEB, CREATES, EVERYTHING, MADE_ONCE
from tests.harness import Environment, counts, existing, outsider, until
from tests.integration.conftest import Begin
from worker.servers import LocalAws

WITHOUT_TOKEN = [
    "CreateVpc",
    "CreateInternetGateway",
    "CreateSubnet",
    "CreateSecurityGroup",
    "ImportKeyPair",
]


async def test_an_intent_is_on_record_before_each_create(begin: Begin, cloud: Cloud) -> None:
    """So whoever comes after a crash knows what may have been made."""
    believed: dict[str, ResourceState] = {}

    async with begin(EVERYTHING) as env:
        for action, key in CREATES.items():

            async def look(call: Call, forward: Any, action: str = action, key: str = key) -> Reply:
                # Of those that wait for something, each has its intent when its turn comes.
                believed[action] = next(
                    one.state
                    for name, one in env.record.resources.items()
                    if kind_name(name) == kind_name(key)
                )
                reply: Reply = await forward()
                return reply

            cloud.inject(action, look)
        assert (await env.to_rest()).state is State.READY

    assert believed == dict.fromkeys(CREATES, ResourceState.INTENDED)


@pytest.mark.parametrize("after_effect", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("fault", [dropped, failed])
async def test_an_unanswered_create_makes_exactly_one(
    begin: Begin, cloud: Cloud, aws: LocalAws, fault: Any, after_effect: bool
) -> None:
    """Lost replies and internal errors, of creates that AWS has no token for."""
    for action in WITHOUT_TOKEN:
        cloud.inject(action, fault(after_effect=after_effect))

    async with begin(EVERYTHING) as env:
        record = await env.to_rest()

    assert record.state is State.READY
    assert await counts(aws.url) == ALL_OF_EVERYTHING
    assert {action: cloud.done(action) for action in MADE_ONCE} == MADE_ONCE


async def test_what_shows_late_is_waited_for(begin: Begin, cloud: Cloud, aws: LocalAws) -> None:
    """A lost reply, and a DescribeTags that does not show at once what was made."""
    cloud.tag_lag = 0.5
    for action in WITHOUT_TOKEN:
        cloud.inject(action, dropped(after_effect=True))

    async with begin(EVERYTHING, settle_time=2.0) as env:
        assert (await env.to_rest()).state is State.READY

    assert await counts(aws.url) == ALL_OF_EVERYTHING
    assert {action: cloud.done(action) for action in MADE_ONCE} == MADE_ONCE


@pytest.mark.parametrize("after_effect", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("fault", [dropped, failed])
async def test_an_unanswered_launch_is_repeated_under_its_token(
    web: Environment, cloud: Cloud, aws: LocalAws, fault: Any, after_effect: bool
) -> None:
    """AWS honours the token, so that there is one launch a zone, and nothing to wait for."""
    cloud.inject("RunInstances", fault(after_effect=after_effect), times=2)

    assert (await web.to_rest()).state is State.READY

    tokens = [call.parameters["ClientToken"] for call in cloud.calls("RunInstances")]
    assert (len(tokens), len(set(tokens))) == (4, 2)
    assert await counts(aws.url) == ALL_OF_WEB


async def test_throttled_calls_are_repeated(begin: Begin, cloud: Cloud, aws: LocalAws) -> None:
    """Throttling fails nothing and doubles nothing."""
    for action in (*CREATES, "DescribeTags", "DescribeInstances", "DescribeInstanceStatus"):
        cloud.inject(action, throttled())

    async with begin(EVERYTHING) as env:
        assert (await env.to_rest()).state is State.READY

    assert await counts(aws.url) == ALL_OF_EVERYTHING


async def test_a_new_id_that_aws_does_not_know_yet_is_asked_for_again(
    web: Environment, cloud: Cloud, aws: LocalAws
) -> None:
    """A create's id may be unknown to the next call for seconds."""
    cloud.inject("CreateSubnet", refused("InvalidVpcID.NotFound"), times=2)
    cloud.inject("AttachInternetGateway", refused("InvalidInternetGatewayID.NotFound"))
    cloud.inject("RunInstances", refused("InvalidSubnetID.NotFound"))
    cloud.inject("DescribeInstanceStatus", refused("InvalidInstanceID.NotFound"))

    assert (await web.to_rest()).state is State.READY

    assert await counts(aws.url) == ALL_OF_WEB


async def test_what_has_our_name_and_is_anothers_is_not_taken(
    begin: Begin, cloud: Cloud, aws: LocalAws
) -> None:
    """A key pair of our name that does not carry our tag is another's: nothing is touched."""
    async with outsider(aws.url) as ec2:
        theirs = await ec2.import_key_pair(
            KeyName="envwright-everything.eu-west-1",
            PublicKeyMaterial=EVERYTHING["security"]["key_pair"]["public_key"].encode(),
        )

    async with begin(EVERYTHING) as env:
        record = await env.to_rest()

    assert record.state is State.CLEANED
    assert record.failure is not None
    assert record.failure.category is FailureCategory.CONFLICT
    assert record.failure.resource == "security/key_pair/main"
    assert await existing(aws.url) == {"key_pair": [theirs["KeyPairId"]]}


async def test_a_failing_member_stops_the_others_and_what_was_under_way_is_on_record(
    begin: Begin, cloud: Cloud
) -> None:
    """The one is refused, the second under way, the third waits to be repeated."""
    under_way = Held(after_effect=True)
    cloud.inject("CreateSubnet", under_way, where=in_zone("eu-west-1a"))
    cloud.inject("CreateSubnet", throttled(), times=ALWAYS, where=in_zone("eu-west-1b"))
    refusal = Held(then=refused("UnauthorizedOperation"))
    cloud.inject("AttachInternetGateway", refusal)

    async with begin(EVERYTHING | {"on_failure": "hold"}) as env:
        running = asyncio.create_task(env.to_rest())
        await under_way.arrived.wait()
        await refusal.arrived.wait()
        refusal.released.set()
        await until(lambda: cloud.calls("AttachInternetGateway")[0].code)
        begun_by_then = len(cloud.mutating)
        under_way.released.set()
        record = await running

    assert record.state is State.FAILED
    assert record.failure is not None
    assert record.failure.resource == "network/internet_gateway_attachment/main"
    assert record.failure.category is FailureCategory.PERMISSION
    made = record.resources[subnet("public", "eu-west-1a")]
    assert (made.state, len(made.ids)) == (ResourceState.CREATED, 1)
    assert record.resources[subnet("public", "eu-west-1b")].state is ResourceState.GONE
    assert cloud.calls("CreateRoute") == []
    assert len(cloud.mutating) <= begun_by_then + 1, "one may begin while the refusal travels"


def in_zone(zone: str) -> Any:
    return lambda call: call.parameters["AvailabilityZone"] == zone
