"""The strict cloud itself: what the other tests' claims rest on."""

import asyncio
from typing import Any

import pytest
from botocore.exceptions import ClientError, HTTPClientError

from tests.cloud import Cloud, Held, dropped, failed, hiding, refused, throttled
from tests.everything import IMAGE, REGION
from tests.harness import counts, outsider
from worker.servers import LocalAws

TAGS = [{"ResourceType": "vpc", "Tags": [{"Key": "envwright:resource", "Value": "x/y"}]}]


async def make_vpc(ec2: Any) -> str:
    answer = await ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=TAGS)
    return str(answer["Vpc"]["VpcId"])


async def test_the_journal_says_what_was_called_and_answered(cloud: Cloud) -> None:
    """Action, region, parameters, status and error code, each reply with an id of its own."""
    async with outsider(cloud.url) as ec2:
        answer = await ec2.create_vpc(CidrBlock="10.0.0.0/16")
        with pytest.raises(ClientError) as told:
            await ec2.delete_vpc(VpcId="vpc-0123456789abcdef0")

    made, deleted = cloud.journal
    assert (made.action, made.service, made.region) == ("CreateVpc", "ec2", REGION)
    assert made.parameters["CidrBlock"] == "10.0.0.0/16"
    assert (made.status, made.code, made.took_effect) == (200, None, True)
    assert (deleted.status, deleted.code) == (400, "InvalidVpcID.NotFound")
    assert made.request_id == answer["ResponseMetadata"]["RequestId"]
    assert deleted.request_id == told.value.response["ResponseMetadata"]["RequestId"]
    assert made.request_id != deleted.request_id


@pytest.mark.parametrize(
    ("fault", "code", "status", "made"),
    [
        (throttled(), "RequestLimitExceeded", 503, 0),
        (refused("VpcLimitExceeded"), "VpcLimitExceeded", 400, 0),
        (failed(after_effect=False), "InternalError", 500, 0),
        (failed(after_effect=True), "InternalError", 500, 1),
    ],
)
async def test_an_error_comes_as_from_ec2(
    cloud: Cloud, aws: LocalAws, fault: Any, code: str, status: int, made: int
) -> None:
    """The SDK reads code and status out of it; the call has its effect, or has none."""
    cloud.inject("CreateVpc", fault)

    async with outsider(cloud.url) as ec2:
        with pytest.raises(ClientError) as told:
            await make_vpc(ec2)

    assert told.value.response["Error"]["Code"] == code
    assert told.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert cloud.journal[0].took_effect is bool(made)
    assert (await counts(aws.url)).get("vpc", 0) == made


@pytest.mark.parametrize("after_effect", [False, True])
async def test_a_reply_is_lost_before_or_after_the_effect(
    cloud: Cloud, aws: LocalAws, after_effect: bool
) -> None:
    """The caller sees a broken connection, and the journal no status."""
    cloud.inject("CreateVpc", dropped(after_effect=after_effect))

    async with outsider(cloud.url) as ec2:
        with pytest.raises(HTTPClientError):
            await make_vpc(ec2)

    assert cloud.journal[0].status is None
    assert (await counts(aws.url)).get("vpc", 0) == int(after_effect)


async def test_a_rule_is_for_the_calls_that_it_names(cloud: Cloud) -> None:
    """From the n-th call that fits, so many in a row; every other one is left alone."""
    cloud.inject("CreateVpc", throttled(), first=2, times=2)

    async with outsider(cloud.url) as ec2:
        await make_vpc(ec2)
        for _ in range(2):
            with pytest.raises(ClientError, match="RequestLimitExceeded"):
                await make_vpc(ec2)
        await ec2.create_internet_gateway()
        await make_vpc(ec2)


async def test_a_rule_can_be_for_some_parameters_alone(cloud: Cloud) -> None:
    """So that one of several calls that run side by side is hit, whichever comes first."""
    cloud.inject(
        "CreateVpc", throttled(), where=lambda call: call.parameters["CidrBlock"] == "10.1.0.0/16"
    )

    async with outsider(cloud.url) as ec2:
        await ec2.create_vpc(CidrBlock="10.0.0.0/16")
        with pytest.raises(ClientError):
            await ec2.create_vpc(CidrBlock="10.1.0.0/16")


async def test_tags_show_late(cloud: Cloud) -> None:
    """For as long as the lag is, DescribeTags does not know what a create has made."""
    cloud.tag_lag = 3600.0
    async with outsider(cloud.url) as ec2:
        vpc = await make_vpc(ec2)

        assert await tagged(ec2) == []
        cloud.tag_lag = 0.0
        assert await tagged(ec2) == [vpc]


async def test_tags_flap(cloud: Cloud) -> None:
    """A tag that was seen can be hidden again, for a number of calls."""
    cloud.inject("DescribeTags", hiding("vpc-"), first=2, times=2)
    async with outsider(cloud.url) as ec2:
        vpc = await make_vpc(ec2)

        assert [await tagged(ec2) for _ in range(4)] == [[vpc], [], [], [vpc]]


async def tagged(ec2: Any) -> list[str]:
    answer = await ec2.describe_tags(Filters=[{"Name": "key", "Values": ["envwright:resource"]}])
    return [tag["ResourceId"] for tag in answer["Tags"]]


async def test_what_is_terminated_can_be_terminated_again(cloud: Cloud, aws: LocalAws) -> None:
    """Together with what is not, also when it had a network interface of its own."""
    async with outsider(cloud.url) as ec2:
        subnet = (await ec2.describe_subnets())["Subnets"][0]["SubnetId"]
        first, second = [
            (
                await ec2.run_instances(
                    ImageId=IMAGE,
                    InstanceType="t3.micro",
                    MinCount=1,
                    MaxCount=1,
                    NetworkInterfaces=[{"DeviceIndex": 0, "SubnetId": subnet}],
                )
            )["Instances"][0]["InstanceId"]
            for _ in range(2)
        ]
        await ec2.terminate_instances(InstanceIds=[first])
        answer = await ec2.terminate_instances(InstanceIds=[first, second])

    assert [one["InstanceId"] for one in answer["TerminatingInstances"]] == [first, second]
    assert await counts(aws.url) == {}


async def test_a_call_can_be_held(cloud: Cloud, aws: LocalAws) -> None:
    """Until it is let go it is under way: its effect is there, its reply is not."""
    held = Held(after_effect=True)
    cloud.inject("CreateVpc", held)
    async with outsider(cloud.url) as ec2:
        making = asyncio.create_task(make_vpc(ec2))
        await held.arrived.wait()

        assert (await counts(aws.url))["vpc"] == 1
        assert not making.done()
        held.released.set()
        assert (await making).startswith("vpc-")
