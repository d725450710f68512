"""How many calls to AWS an environment costs: the claims of docs/concepts.md, counted."""

from collections import Counter

import pytest

from envwright.names import Step
from envwright.spec import EnvironmentSpec, load_spec
from envwright.states import State
from tasks.aws.errors import AwsError
from tests.cloud import Cloud
from tests.everything import IMAGE
from tests.fewest import fewest
from tests.harness import Environment
from tests.integration.conftest import Begin, Crowd
from tests.repository import ROOT
from tests.specs import with_instances as with_two_instances

WEB = load_spec(ROOT / "examples" / "web.yaml")


def with_instances(spec: EnvironmentSpec, name: str, count: int) -> EnvironmentSpec:
    group = spec.instances["web"].model_copy(update={"count": count})
    return spec.model_copy(update={"name": name, "instances": {"web": group}})


async def test_the_example_is_built_with_few_calls(web: Environment, cloud: Cloud) -> None:
    """Two instances in two zones cost 10 calls that change something and 4 that read."""
    assert (await web.to_rest()).state is State.READY

    assert len(cloud.mutating) <= 10, cloud.counted()
    assert len(cloud.reading) <= 4, cloud.counted()


async def test_a_call_that_ec2_s_model_does_not_know_fails_these_tests(crowd: Crowd) -> None:
    """A worker leaves it to AWS to refuse it, and the fake AWS does not."""
    door = await crowd.door()

    with pytest.raises(AwsError) as caught:
        await door.create_vpc(CidrBlock=10)

    assert caught.value.code == "ParamValidationError"


async def test_a_finished_environment_is_not_touched_again(web: Environment, cloud: Cloud) -> None:
    """Each step done once more, as after a lost last write, changes nothing in AWS."""
    built = await web.to_rest()
    cloud.journal.clear()

    for step in Step:
        await web.rewind(step)
        await web.run(step)
    again = web.record

    assert cloud.mutating == [], cloud.counted()
    assert (again.state, again.outputs) == (State.READY, built.outputs)
    assert ids(again.resources) == ids(built.resources)


async def test_the_example_is_taken_down_with_few_calls(web: Environment, cloud: Cloud) -> None:
    """One call for all instances, one for each thing that AWS does not take along by itself."""
    await web.to_rest()
    cloud.journal.clear()

    assert (await web.take_down()).state is State.DESTROYED

    assert Counter(cloud.mutating) == {
        "TerminateInstances": 1,
        "DeleteSecurityGroup": 1,
        "DetachInternetGateway": 1,
        "DeleteInternetGateway": 1,
        "DeleteSubnet": 2,
        "DeleteVpc": 1,
    }, cloud.counted()
    assert len(cloud.reading) <= 5, cloud.counted()


async def test_more_instances_cost_no_more_calls(begin: Begin, cloud: Cloud, aws) -> None:
    """A launch is one call a zone, however many instances it makes."""
    async with begin(with_instances(WEB, "two", 2)) as two:
        await two.to_rest()
    for_two = cloud.mutating
    cloud.journal.clear()

    async with begin(with_instances(WEB, "four", 4)) as four:
        record = await four.to_rest()

    assert record.outputs is not None
    assert len(record.outputs.instances) == 4
    assert Counter(cloud.mutating) == Counter(for_two), cloud.counted()


async def test_everything_costs_what_the_table_says(everything: Environment, cloud: Cloud) -> None:
    """docs/aws.md has what each thing costs, beside the least that it could cost."""
    built = everything.record
    assert built.spec is not None
    least = fewest(built.spec, built.resources)
    assert len(cloud.mutating) == least.build, cloud.counted()
    cloud.journal.clear()

    await everything.take_down()

    assert len(cloud.mutating) == least.take_down, cloud.counted()


TIERS = [{"name": "public", "access": "public"}, {"name": "app", "access": "private"}]
POLLS = ("DescribeNatGateways", "DescribeInstanceStatus")


async def test_a_private_tier_behind_a_nat_gateway_costs_few_calls(
    begin: Begin, cloud: Cloud
) -> None:
    """Public and private, 2 zones, 1 NAT gateway, 1 group, 2 instances: 18 changes and 4 reads,
    and 12 changes to take it down."""
    wanted = with_two_instances(IMAGE)
    wanted["network"]["tiers"] = TIERS
    wanted["instances"]["web"] |= {
        "tier": "app",
        "root_volume": {"device_name": "/dev/xvda", "size": 8},
    }
    async with begin(wanted) as env:
        assert (await env.to_rest()).state is State.READY
        reading = [one for one in cloud.reading if one not in POLLS]
        assert len(cloud.mutating) <= 18, cloud.counted()
        assert len(reading) <= 4, cloud.counted()

        cloud.journal.clear()
        assert (await env.take_down()).state is State.DESTROYED

    assert Counter(cloud.mutating) == {
        "TerminateInstances": 1,
        "DeleteNatGateway": 1,
        "DeleteSecurityGroup": 1,
        "DetachInternetGateway": 1,
        "DeleteSubnet": 4,
        "DeleteRouteTable": 1,
        "ReleaseAddress": 1,
        "DeleteInternetGateway": 1,
        "DeleteVpc": 1,
    }, cloud.counted()


def ids(resources) -> dict[str, tuple[str, ...]]:
    return {key: resource.ids for key, resource in resources.items()}
