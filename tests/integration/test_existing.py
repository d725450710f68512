"""An environment in what exists already: used, and never changed or deleted."""

from collections import Counter
from typing import Any

import pytest

from envwright.failure import FailureCategory
from envwright.names import TAG_ENVIRONMENT, TAG_RECORD, TAG_RESOURCE, Step
from envwright.spec import load_spec
from envwright.states import State
from tasks import kinds
from tests.cloud import ALWAYS, Cloud, refused
from tests.estate import KINDS, Estate, mark, spec_in, tags, with_new_subnets
from tests.everything import ZONES
from tests.harness import Environment, existing
from tests.integration.conftest import Begin
from tests.integration.test_plan import plan_of
from tests.repository import ROOT
from tests.surveys import keys_of, look, recover
from worker.servers import LocalAws


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
