"""An environment in what exists already: used, and never changed or deleted."""

import json
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest

from envwright.failure import FailureCategory
from envwright.names import TAG_ENVIRONMENT, TAG_RECORD, TAG_RESOURCE, Step
from envwright.spec import load_spec
from envwright.states import State
from tasks import kinds
from tests.cloud import ALWAYS, Cloud, refused
from tests.estate import KINDS, LOG_BUCKET, Estate, tags
from tests.everything import IMAGE, REGION, ZONES
from tests.harness import Environment, existing, outsider
from tests.integration.conftest import Begin
from tests.integration.test_plan import plan_of
from tests.repository import ROOT
from tests.surveys import keys_of, look, recover
from worker.servers import LocalAws


@pytest.fixture
async def estate(cloud: Cloud, aws: LocalAws) -> AsyncIterator[Estate]:
    async with outsider(aws.url) as ec2:
        await cloud.provide("bucket", LOG_BUCKET)
        one = Estate(ec2)
        await one.build()
        yield one


def spec_in(estate: Estate, **changes: Any) -> dict[str, Any]:
    """An environment that uses one of each kind that it can: some by id, some by tags."""
    groups = {
        "web": {"ingress": [{"ports": 443, "groups": ["theirs", "app"], "self": True}]},
        "app": {"egress": [{"ports": 443, "groups": ["web"]}]},
    }
    instance = {"types": ["t3.micro"], "image": IMAGE}
    return {
        "name": "guest",
        "region": REGION,
        "network": {
            "existing_vpc": {"tags": {"Name": "shared"}},
            "tiers": [
                {"name": "front", "access": "public", "existing": {"ids": estate.subnets["front"]}},
                {"name": "back", "access": "private", "existing": {"tags": {"Tier": "back"}}},
            ],
        },
        "security": {
            "groups": groups,
            "existing_groups": {
                "theirs": {"id": estate.groups["app"]},
                "watch": {"tags": {"Name": "monitoring"}},
            },
            "key_pair": {"name": "team key"},
        },
        "instances": {
            "web": instance | {"count": 2, "security_groups": ["web", "theirs"]},
            "job": instance | {"tier": "back", "security_groups": ["app", "watch"]},
        },
    } | changes


async def found_instances(env: Environment, ec2: Any) -> dict[str, Any]:
    outputs = env.record.outputs
    assert outputs is not None
    group_of = {one.id: one.group for one in outputs.instances}
    answer = await ec2.describe_instances(InstanceIds=[*group_of])
    flat = [one for some in answer["Reservations"] for one in some["Instances"]]
    return {f"{group_of[one['InstanceId']]} {one['SubnetId']}": one for one in flat}


async def test_what_exists_is_used_and_told_of(begin: Begin, cloud: Cloud, estate: Estate) -> None:
    """Instances stand in the subnets, in the groups and under the key; outputs name them all."""
    async with begin(spec_in(estate)) as env:
        assert (await env.to_rest()).state is State.READY, env.record.failure
        record = env.record
        instances = await found_instances(env, estate.ec2)

    front, back = estate.subnets["front"], estate.subnets["back"]
    assert set(instances) == {f"web {front[0]}", f"web {front[1]}", f"job {back[0]}"}
    assert {one["KeyName"] for one in instances.values()} == {"team key"}
    assert "PublicIpAddress" in instances[f"web {front[0]}"]
    assert "PublicIpAddress" not in instances[f"job {back[0]}"]
    outputs = record.outputs
    assert outputs is not None
    assert outputs.vpc_id == estate.vpc
    assert outputs.key_pair == "team key"
    assert outputs.subnets == {
        f"{tier}-{zone}": subnet
        for tier, subnets in estate.subnets.items()
        for zone, subnet in zip(ZONES, subnets, strict=True)
    }
    assert outputs.security_groups["theirs"] == estate.groups["app"]
    assert outputs.security_groups["watch"] == estate.groups["monitoring"]
    (interface,) = instances[f"job {back[0]}"]["NetworkInterfaces"]
    groups = {one["GroupId"] for one in interface["Groups"]}
    assert groups == {outputs.security_groups["app"], estate.groups["monitoring"]}
    assert not estate.ids & {one for some in record.resources.values() for one in some.ids}
    for action in ("Vpcs", "Subnets", "SecurityGroups", "KeyPairs"):
        assert len(cloud.calls(f"Describe{action}")) == 1
    assert cloud.calls("DescribeInternetGateways") == []
    assert sorted(cloud.mutating) == sorted(
        ["CreateSecurityGroup"] * 2
        + ["AuthorizeSecurityGroupIngress", "AuthorizeSecurityGroupEgress"]
        + ["RevokeSecurityGroupEgress"]
        + ["RunInstances"] * 3
    )


async def up_again_and_down(env: Environment, cloud: Cloud) -> None:
    assert (await env.to_rest()).state is State.READY, env.record.failure
    done = len(cloud.mutating)
    await env.rewind(Step.NETWORK)
    assert (await env.to_rest()).state is State.READY, env.record.failure
    assert len(cloud.mutating) == done, cloud.counted()
    assert (await env.take_down()).state is State.DESTROYED


async def a_build_that_fails(env: Environment, cloud: Cloud) -> None:
    cloud.inject("RunInstances", refused("VcpuLimitExceeded"), times=ALWAYS)
    assert (await env.to_rest()).state is State.CLEANED


async def a_record_that_was_lost(env: Environment, cloud: Cloud) -> None:
    assert (await env.to_rest()).state is State.READY, env.record.failure
    with keys_of(env) as keys:
        keys.forget(env.id)
    recover(env, await look(env))
    assert env.record.state is State.RECOVERED
    assert (await env.take_down()).state is State.DESTROYED


async def a_thorough_cleanup(env: Environment, cloud: Cloud) -> None:
    assert (await env.to_rest()).state is State.READY, env.record.failure
    await env.forget_resources("security_group_rules")
    cloud.inject("DeleteSecurityGroup", refused("DependencyViolation"), times=2)
    assert (await env.take_down()).state is State.CLEANUP_FAILED
    await env.wake_up()
    assert (await env.to_rest()).state is State.DESTROYED


def with_new_subnets(spec: dict[str, Any]) -> dict[str, Any]:
    """Tiers of its own beside those that exist: one that leads out, one that leads nowhere."""
    spec["network"]["zones"] = ZONES
    spec["network"]["tiers"] += [
        {"name": "open", "access": "public", "cidrs": ["10.90.200.0/24", "10.90.201.0/24"]},
        {"name": "data", "access": "isolated", "cidrs": ["10.90.202.0/24", "10.90.203.0/24"]},
    ]
    for tier in ("open", "data"):
        spec["instances"][tier] = spec["instances"]["job"] | {"tier": tier}
    return spec


@pytest.mark.parametrize(
    "life", [up_again_and_down, a_build_that_fails, a_record_that_was_lost, a_thorough_cleanup]
)
async def test_nothing_of_another_is_changed_or_deleted(
    begin: Begin, cloud: Cloud, aws: LocalAws, estate: Estate, life: Any
) -> None:
    """One of every kind that envwright knows stands there, and is byte for byte as it was."""
    assert kinds.TAGGED.keys() <= KINDS, "an estate has one of every kind: build the new one too"
    assert [kind for kind in KINDS if not estate.before[kind]] == []
    everything = await existing(aws.url)

    async with begin(with_new_subnets(spec_in(estate)), conflict_timeout=0.2) as env:
        await life(env, cloud)

    assert await estate.changed() == {}
    assert estate.touched(cloud) == []
    assert await existing(aws.url) == everything


async def test_the_example_is_built_as_it_is_planned(
    begin: Begin, cloud: Cloud, estate: Estate
) -> None:
    """Up, again without a change, and down; the plan says the same calls, and changes nothing."""
    async with begin(load_spec(ROOT / "examples" / "existing-vpc.yaml")) as env:
        told = await plan_of(env)
        assert cloud.mutating == []
        await up_again_and_down(env, cloud)
        built = Counter(cloud.mutating)

    assert all(built[action] == count for action, count in told.changes.items())
    assert set(told.changes) == {
        "CreateSecurityGroup",
        "AuthorizeSecurityGroupIngress",
        "RunInstances",
    }
    assert await estate.changed() == {}
    assert estate.touched(cloud) == []


async def test_what_was_found_is_kept(begin: Begin, cloud: Cloud, estate: Estate) -> None:
    """Another that fits, later, changes nothing; a new environment does not know which to use."""
    async with begin(spec_in(estate)) as env:
        await env.run(Step.NETWORK)
        await estate.ec2.create_vpc(
            CidrBlock="10.91.0.0/16", TagSpecifications=tags("vpc", "shared")
        )
        cloud.journal.clear()
        await env.rewind(Step.NETWORK)
        assert (await env.to_rest()).state is State.READY, env.record.failure
        assert cloud.calls("DescribeVpcs") == []

    async with begin(spec_in(estate, name="other")) as env:
        record = await env.to_rest()

    assert record.state is State.CLEANED
    assert record.failure is not None
    assert record.failure.category is FailureCategory.SPEC
    assert record.failure.message.startswith(
        "network.existing_vpc: eu-west-1 has 2 VPCs with the tags Name=shared (vpc-"
    )


async def elsewhere(estate: Estate) -> dict[str, str]:
    """What another VPC has, as somebody may name it by mistake."""
    made = await estate.ec2.create_vpc(CidrBlock="10.92.0.0/16")
    vpc = made["Vpc"]["VpcId"]
    made = await estate.ec2.create_subnet(
        VpcId=vpc, CidrBlock="10.92.0.0/24", AvailabilityZone=ZONES[0]
    )
    group = await estate.ec2.create_security_group(
        VpcId=vpc, GroupName="far", Description="of another VPC"
    )
    return {"vpc": vpc, "subnet": made["Subnet"]["SubnetId"], "group": group["GroupId"]}


WRONG: list[tuple[str, Any, str]] = [
    ("network.existing_vpc", {"id": "vpc-00000001"}, "network.existing_vpc: eu-west-1 has no VPC"),
    ("network.existing_vpc", {"tags": {"Name": "x"}}, "no VPC with the tags Name=x."),
    ("network.tiers.0.existing", {"ids": ["{subnet}"]}, "The tier front: {theirs} has no subnet"),
    ("network.tiers.1.existing", {"tags": {"Tier": "x"}}, "The tier back has no subnet in eu-west"),
    ("network.tiers.1.existing", {"ids": ["{back}"]}, "The tier back has no subnet in eu-west-1b"),
    ("network.zones", 3, "all have subnets in 2 zones (eu-west-1a, eu-west-1b) alone"),
    ("network.zones", ["eu-west-1c"], "The tier front has no subnet in eu-west-1c"),
    ("network.tiers.0.existing", {"tags": {"Name": "same"}}, "has 2 subnets in eu-west-1a"),
    ("security.existing_groups.watch", {"id": "{group}"}, "{theirs} has no security group {group}"),
    ("security.existing_groups.watch", {"tags": {"Kind": "both"}}, "has 2 security groups with"),
    ("security.key_pair", {"name": "lost"}, "security.key_pair: eu-west-1 has no key pair lost."),
    ("security.key_pair", {"tags": {"Name": "x"}}, "no key pair with the tags Name=x."),
]


async def test_what_is_not_there_or_not_the_only_one_is_told_before_anything_is_made(
    begin: Begin, cloud: Cloud, estate: Estate
) -> None:
    """By its place in the spec, and with what to do; what is of another VPC is not there."""
    far = await elsewhere(estate)
    for number in range(2):
        await estate.make_subnet("same", ZONES[0], f"10.90.{100 + number}.0/24")
    for group in estate.groups.values():
        await mark(estate.ec2, group, {"Kind": "both"})
    names = far | {"theirs": estate.vpc, "back": estate.subnets["back"][0]}

    for number, (place, value, words) in enumerate(WRONG):
        spec: Any = spec_in(estate, name=f"guest-{number}")
        *outer, last = place.split(".")
        target = spec
        for key in outer:
            target = target[int(key) if key.isdecimal() else key]
        target[last] = json.loads(filled(json.dumps(value), names))
        async with begin(spec) as env:
            record = await env.to_rest()

        assert record.state is State.CLEANED
        assert record.failure is not None
        assert record.failure.category is FailureCategory.SPEC
        assert filled(words, names) in record.failure.message
    assert cloud.mutating == []


def filled(text: str, names: dict[str, str]) -> str:
    for name, value in names.items():
        text = text.replace(f"{{{name}}}", value)
    return text


async def test_fewer_zones_can_be_used_than_there_are_subnets_in(
    begin: Begin, estate: Estate
) -> None:
    """Counted, they are the first ones; the other subnets stay unused."""
    spec = spec_in(estate)
    spec["network"]["zones"] = 1
    async with begin(spec) as env:
        record = await env.to_rest()

    assert record.outputs is not None
    assert {one.zone for one in record.outputs.instances} == {ZONES[0]}
    assert list(record.outputs.subnets) == [f"front-{ZONES[0]}", f"back-{ZONES[0]}"]


async def test_copied_tags_make_nothing_of_another_ours(
    begin: Begin, cloud: Cloud, aws: LocalAws, estate: Estate
) -> None:
    """Tools copy tags from what they work on. What the environment uses stays another's with all
    of its tags; a bystander, as long as one of the three is missing."""
    async with begin(spec_in(estate)) as env:
        owner = {TAG_ENVIRONMENT: env.id, TAG_RECORD: f"{env.id}/{env.record.uid}"}
        (key_pair,) = estate.before["key_pair"]
        used = {
            estate.vpc: "network/vpc/main",
            estate.subnets["front"][0]: f"network/subnet/front-{ZONES[0]}",
            estate.groups["app"]: "security/security_group/theirs",
            key_pair: "security/key_pair/main",
        }
        for one, key in used.items():
            await mark(estate.ec2, one, owner | {TAG_RESOURCE: f"{env.id}/{key}"})
        bystanders = {
            estate.instance: owner,
            estate.gateway: {TAG_RESOURCE: f"{env.id}/network/internet_gateway/main"},
        }
        for one, marks in bystanders.items():
            await mark(estate.ec2, one, marks)
        estate.before = await estate.seen()

        await up_again_and_down(env, cloud)

    assert await estate.changed() == {}
    assert estate.touched(cloud) == []


async def mark(ec2: Any, one: str, marks: dict[str, str]) -> None:
    await ec2.create_tags(
        Resources=[one], Tags=[{"Key": key, "Value": value} for key, value in marks.items()]
    )


async def test_what_holds_on_to_its_groups_is_named(
    begin: Begin, cloud: Cloud, estate: Estate
) -> None:
    """And all else that is in the VPC is not looked at."""
    async with begin(spec_in(estate), conflict_timeout=0.2) as env:
        assert (await env.to_rest()).state is State.READY
        outputs = env.record.outputs
        assert outputs is not None
        ours = outputs.security_groups
        answer = await estate.ec2.create_network_interface(
            SubnetId=estate.subnets["back"][1], Groups=[ours["web"]]
        )
        interface = answer["NetworkInterface"]["NetworkInterfaceId"]
        pair = {"UserIdGroupPairs": [{"GroupId": ours["app"]}]}
        await estate.ec2.authorize_security_group_egress(
            GroupId=estate.groups["app"],
            IpPermissions=[{"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, **pair}],
        )
        cloud.journal.clear()

        record = await env.take_down()

    assert record.state is State.CLEANUP_FAILED
    failure = record.cleanup_failure
    assert failure is not None
    assert "Using its security groups and not of this environment" in failure.message
    assert sorted(failure.blockers) == [
        f"network interface {interface} in {estate.subnets['back'][1]}",
        f"security group {estate.groups['app']} (app), whose rules name {ours['app']}",
    ]
    for call in cloud.journal:
        assert estate.vpc not in call.parameters.values(), call.action


async def test_another_account_is_noticed(
    begin: Begin, estate: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker with its credentials would see nothing of the environment, and call that gone."""

    async def another_account(*_: object) -> str:
        return "999999999999"

    async with begin(spec_in(estate)) as env:
        assert (await env.to_rest()).state is State.READY
        monkeypatch.setattr(env.worker.clients, "own_account", another_account)

        record = await env.take_down()

    assert record.state is State.CLEANUP_FAILED
    assert record.cleanup_failure is not None
    assert record.cleanup_failure.category is FailureCategory.PERMISSION


async def test_new_subnets_have_a_route_table_of_their_own(
    begin: Begin, cloud: Cloud, estate: Estate
) -> None:
    """The VPC's main one is not touched, nor relied on: a public tier leads to the VPC's own
    internet gateway, and an isolated one nowhere, whatever the main table says."""
    async with begin(with_new_subnets(spec_in(estate))) as env:
        assert (await env.to_rest()).state is State.READY, env.record.failure
        outputs = env.record.outputs
        assert outputs is not None
        tables = (await estate.ec2.describe_route_tables())["RouteTables"]
        instances = await found_instances(env, estate.ec2)

    def ways_out(subnet: str) -> list[str]:
        (table,) = (
            table
            for table in tables
            for one in table["Associations"]
            if one.get("SubnetId") == outputs.subnets[subnet]
        )
        assert table["RouteTableId"] not in estate.ids
        return [one["GatewayId"] for one in table["Routes"] if one["GatewayId"] != "local"]

    assert ways_out(f"open-{ZONES[0]}") == ways_out(f"open-{ZONES[1]}") == [estate.gateway]
    assert ways_out(f"data-{ZONES[0]}") == ways_out(f"data-{ZONES[1]}") == []
    assert "PublicIpAddress" in instances[f"open {outputs.subnets[f'open-{ZONES[0]}']}"]
    assert "PublicIpAddress" not in instances[f"data {outputs.subnets[f'data-{ZONES[0]}']}"]


async def test_a_public_tier_needs_the_internet_gateway_of_its_vpc(
    begin: Begin, cloud: Cloud, estate: Estate
) -> None:
    """None is attached to a VPC of another's."""
    far = await elsewhere(estate)
    spec = with_new_subnets(spec_in(estate))
    spec["network"] |= {"existing_vpc": {"id": far["vpc"]}, "tiers": spec["network"]["tiers"][2:]}
    spec["instances"] = {}
    async with begin(spec) as env:
        record = await env.to_rest()

    assert record.failure is not None
    assert record.failure.message.startswith(
        f"network.tiers: The tier open is public, and {far['vpc']} has no internet gateway"
    )
    assert cloud.mutating == []
