"""The strict cloud keeps accounts apart, and knows what each of them truly holds."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.cloud import ANY, Behaviour, Cloud, Durations, Held, refused
from tests.cloud.accounts import DEFAULT_ACCOUNT
from tests.everything import IMAGE, REGION
from tests.harness import outsider

ONE, OTHER = "111111111111", "222222222222"


def tagged(kind: str, **tags: str) -> list[dict[str, Any]]:
    of_envwright = [{"Key": f"envwright:{key}", "Value": one} for key, one in tags.items()]
    return [{"ResourceType": kind, "Tags": of_envwright}]


async def build(ec2: Any) -> dict[str, str]:
    """A VPC with one resource of each kind that envwright makes; returns their ids by kind."""
    vpc = (
        await ec2.create_vpc(
            CidrBlock="10.0.0.0/16",
            TagSpecifications=tagged("vpc", resource="web/network/vpc/main", record="web/1"),
        )
    )["Vpc"]["VpcId"]
    subnet = (await ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24"))["Subnet"]["SubnetId"]
    gateway = (await ec2.create_internet_gateway())["InternetGateway"]["InternetGatewayId"]
    await ec2.attach_internet_gateway(VpcId=vpc, InternetGatewayId=gateway)
    group = await ec2.create_security_group(VpcId=vpc, GroupName="web", Description="Web")
    launched = await ec2.run_instances(
        ImageId=IMAGE,
        InstanceType="t3.micro",
        MinCount=1,
        MaxCount=1,
        SubnetId=subnet,
        SecurityGroupIds=[group["GroupId"]],
    )
    return {
        "vpc": vpc,
        "subnet": subnet,
        "internet_gateway": gateway,
        "security_group": group["GroupId"],
        "instance": launched["Instances"][0]["InstanceId"],
    }


async def test_accounts_do_not_see_each_other(cloud: Cloud) -> None:
    """The access key names the account, in EC2 as in STS; each holds what it made."""
    async with outsider(cloud.url, ONE) as one, outsider(cloud.url, OTHER) as other:
        made = await build(one)
        with pytest.raises(ClientError, match=r"InvalidVpcID\.NotFound"):
            await other.describe_vpcs(VpcIds=[made["vpc"]])
    async with outsider(cloud.url, ONE, "sts") as sts:
        assert (await sts.get_caller_identity())["Account"] == ONE
    async with outsider(cloud.url, service="sts") as sts:
        assert (await sts.get_caller_identity())["Account"] == DEFAULT_ACCOUNT

    assert (await cloud.inventory(ONE)).of("vpc")[0].id == made["vpc"]
    assert not await cloud.inventory(OTHER)
    assert not await cloud.inventory()
    assert {call.account for call in cloud.calls("CreateVpc")} == {ONE}


async def test_an_assumed_role_acts_in_its_own_account(cloud: Cloud) -> None:
    """The keys that AssumeRole gives out lead to the role's account."""
    async with outsider(cloud.url, ONE, "sts") as sts:
        role = f"arn:aws:iam::{OTHER}:role/builder"
        keys = (await sts.assume_role(RoleArn=role, RoleSessionName="test"))["Credentials"]
    async with outsider(cloud.url, keys["AccessKeyId"]) as ec2:
        await ec2.create_vpc(CidrBlock="10.0.0.0/16")

    assert (await cloud.inventory(OTHER)).counts == {"vpc": 1}
    assert not await cloud.inventory(ONE)


async def test_the_inventory_is_what_truly_exists(cloud: Cloud) -> None:
    """Tagged or not, with its state and what it hangs on, and nothing that came by itself."""
    async with outsider(cloud.url, ONE) as ec2:
        made = await build(ec2)
        await ec2.allocate_address()
        await ec2.delete_tags(Resources=[made["subnet"]])
        found = await cloud.inventory(ONE, REGION)

    assert found.counts == dict.fromkeys(made, 1) | {"volume": 1, "address": 1}
    assert {kind: ids[0] for kind, ids in found.ids.items() if kind in made} == made
    (vpc,), (subnet,), (instance,) = [found.of(kind) for kind in ("vpc", "subnet", "instance")]
    assert (vpc.key, vpc.owner, vpc.state) == ("web/network/vpc/main", "web/1", "available")
    assert (subnet.key, subnet.within) == (None, (vpc.id,))
    assert (instance.within, instance.region) == ((vpc.id, subnet.id), REGION)


async def test_the_inventory_lacks_what_is_gone(cloud: Cloud) -> None:
    """A terminated instance is only a memory; DescribeTags knows it still, but no deleted VPC."""
    async with outsider(cloud.url, ONE) as ec2:
        vpc = await ec2.create_vpc(
            CidrBlock="10.0.0.0/16", TagSpecifications=tagged("vpc", resource="web/vpc")
        )
        launched = await ec2.run_instances(
            ImageId=IMAGE,
            MinCount=1,
            MaxCount=1,
            TagSpecifications=tagged("instance", resource="web/instance"),
        )
        await ec2.delete_vpc(VpcId=vpc["Vpc"]["VpcId"])
        await ec2.terminate_instances(InstanceIds=[launched["Instances"][0]["InstanceId"]])
        tags = (await ec2.describe_tags())["Tags"]

    assert (await cloud.inventory(ONE)).ids == {}
    assert [tag["Value"] for tag in tags] == ["web/instance"]


async def test_tags_outlive_what_they_are_on_for_a_while(cloud: Cloud) -> None:
    """For as long as the account's behaviour says."""
    async with outsider(cloud.url, ONE) as ec2:
        made = await ec2.create_vpc(
            CidrBlock="10.0.0.0/16", TagSpecifications=tagged("vpc", resource="web/vpc")
        )
        await ec2.delete_vpc(VpcId=made["Vpc"]["VpcId"])
        cloud.behave(Behaviour(durations=Durations(tags_outlive=3600.0)))
        assert len((await ec2.describe_tags())["Tags"]) == 1
        cloud.behave(Behaviour())
        assert (await ec2.describe_tags())["Tags"] == []


async def test_tags_are_found_by_every_filter(cloud: Cloud) -> None:
    """By key, value with wildcards, type, id and `tag:`; a type has the name that AWS gives it."""
    async with outsider(cloud.url, ONE) as ec2:
        tags = tagged("vpc", resource="web/vpc")
        vpc = (await ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=tags))["Vpc"]
        await ec2.allocate_address(TagSpecifications=tagged("elastic-ip", resource="web/address"))

        async def found(**filters: str) -> set[str]:
            asked = [{"Name": name, "Values": [value]} for name, value in filters.items()]
            return {tag["Value"] for tag in (await ec2.describe_tags(Filters=asked))["Tags"]}

        assert await found() == {"web/vpc", "web/address"}
        assert await found(value="web/v*") == {"web/vpc"}
        assert await found(value="web/?") == set()
        assert await found(key="envwright:resource") == {"web/vpc", "web/address"}
        assert await found(**{"resource-type": "elastic-ip"}) == {"web/address"}
        assert await found(**{"resource-id": vpc["VpcId"]}) == {"web/vpc"}
        assert await found(**{"tag:envwright:resource": "web/a*"}) == {"web/address"}


async def test_an_account_can_be_forgotten(cloud: Cloud) -> None:
    """With its resources, its calls and its behaviour, so that a long run does not grow."""
    cloud.behave(Behaviour(denied=frozenset({"DeleteVpc"})), account=ONE)
    async with outsider(cloud.url, ONE) as one, outsider(cloud.url, OTHER) as other:
        await one.create_vpc(CidrBlock="10.0.0.0/16")
        await other.create_vpc(CidrBlock="10.0.0.0/16")
        await cloud.forget(ONE)

    assert not await cloud.inventory(ONE)
    assert (await cloud.inventory(OTHER)).counts == {"vpc": 1}
    assert [call.account for call in cloud.journal] == [OTHER]
    assert not cloud.behaviour(ONE).denied


async def test_calls_are_numbered_by_account(cloud: Cloud) -> None:
    """Of all its calls, and of those of its action: so that a test can name one of them."""
    async with outsider(cloud.url, ONE) as one, outsider(cloud.url, OTHER) as other:
        await one.create_vpc(CidrBlock="10.0.0.0/16")
        await other.describe_vpcs()
        await one.describe_vpcs()
        await one.create_vpc(CidrBlock="10.1.0.0/16")

    told = [(call.account, call.action, call.number, call.nth) for call in cloud.journal]
    assert told == [
        (ONE, "CreateVpc", 1, 1),
        (OTHER, "DescribeVpcs", 1, 1),
        (ONE, "DescribeVpcs", 2, 1),
        (ONE, "CreateVpc", 3, 2),
    ]


async def test_the_kth_call_of_an_account_can_be_stopped_whatever_it_is(cloud: Cloud) -> None:
    """Other accounts' calls are neither counted nor stopped."""
    held = Held(then=refused("Stopped"))
    cloud.inject(ANY, held, first=3, account=ONE)
    async with outsider(cloud.url, ONE) as one, outsider(cloud.url, OTHER) as other:
        await one.create_vpc(CidrBlock="10.0.0.0/16")
        for _ in range(3):
            await other.describe_vpcs()
        await one.describe_vpcs()
        held.released.set()
        with pytest.raises(ClientError, match="Stopped"):
            await one.create_internet_gateway()

    assert held.arrived.is_set()
    assert (await cloud.inventory(ONE)).counts == {"vpc": 1}


async def test_an_error_of_the_emulator_itself_looks_like_one_of_aws(cloud: Cloud) -> None:
    """moto answers with a page of HTML, which no SDK can read."""
    async with outsider(cloud.url) as ec2:
        with pytest.raises(ClientError) as told:
            await ec2.describe_local_gateways()

    assert told.value.response["Error"]["Code"] == "InternalError"
    assert told.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
