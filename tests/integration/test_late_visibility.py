"""What AWS does not show yet is neither gone nor never made: nothing may leak on that account."""

from copy import deepcopy
from typing import Any

from envwright.names import Step
from envwright.states import State
from tests.cloud import Behaviour, Call, Cloud, Durations, Reply, dropped, hiding, refused
from tests.everything import ALL_OF_EVERYTHING, EVERYTHING
from tests.harness import counts, existing, outsider
from tests.integration.conftest import Begin
from worker.servers import LocalAws

NO_INSTANCES = (
    '<?xml version="1.0"?><DescribeInstancesResponse '
    'xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId></requestId><reservationSet/>'
    "</DescribeInstancesResponse>"
)


async def test_a_new_vpc_that_delete_does_not_know_is_deleted_all_the_same(
    begin: Begin, cloud: Cloud, aws: LocalAws
) -> None:
    """Compensation follows a create so soon that AWS may answer NotFound to a true id."""
    cloud.inject("CreateInternetGateway", refused("InternetGatewayLimitExceeded"))
    cloud.inject("DeleteVpc", refused("InvalidVpcID.NotFound"))

    async with begin(EVERYTHING, settle_time=6.0) as env:
        assert (await env.to_rest()).state is State.CLEANED

    assert len(cloud.calls("DeleteVpc")) == 2
    assert await existing(aws.url) == {}


async def test_new_instances_that_aws_does_not_show_are_terminated_all_the_same(
    begin: Begin, cloud: Cloud, aws: LocalAws
) -> None:
    """An empty answer says nothing about instances that were launched a moment ago."""

    async def nothing(call: Call, forward: Any) -> Reply:
        return Reply(200, NO_INSTANCES)

    async with begin(EVERYTHING, settle_time=2.0) as env:
        await env.run(Step.NETWORK, Step.SECURITY, Step.INSTANCE)
        cloud.inject("TerminateInstances", refused("InvalidInstanceID.NotFound"))
        cloud.inject("DescribeInstances", nothing, times=2)
        assert (await env.take_down()).state is State.DESTROYED

    assert await existing(aws.url) == {}


async def test_tags_of_what_is_gone_do_not_stand_for_what_a_dead_worker_made(
    begin: Begin, cloud: Cloud, aws: LocalAws
) -> None:
    """An environment was taken down and built again: its first VPC's tags are still shown."""
    cloud.behave(Behaviour(durations=Durations(tags_outlive=3600.0)))
    async with begin(EVERYTHING, settle_time=3.0) as env:
        await env.to_rest()
        await env.take_down()
        env.client.enqueue(env.record.spec)
        cloud.tag_lag = 1.0
        await env.die_at(cloud, "CreateVpc", after_effect=True)
        assert (await env.take_down()).state is State.DESTROYED

    assert await existing(aws.url) == {}


async def test_a_group_that_is_not_known_yet_is_not_left_open(
    begin: Begin, cloud: Cloud, aws: LocalAws
) -> None:
    """`egress: []` means nothing out, also where the revoke met a group that AWS did not know."""
    cloud.inject("RevokeSecurityGroupEgress", refused("InvalidGroup.NotFound"), times=2)
    spec = deepcopy(EVERYTHING)
    spec["security"]["groups"]["admin"]["egress"] = []

    async with begin(spec) as env:
        record = await env.to_rest()
        assert record.state is State.READY
        group_id = record.resources["security/security_group/admin"].ids[0]
        async with outsider(aws.url) as ec2:
            (group,) = (await ec2.describe_security_groups(GroupIds=[group_id]))["SecurityGroups"]

    assert group["IpPermissionsEgress"] == []


async def test_a_subnet_that_shows_late_is_not_a_conflict(
    begin: Begin, cloud: Cloud, aws: LocalAws
) -> None:
    """The second create of a lost subnet is refused, since the first one has its addresses."""
    cloud.inject("CreateSubnet", dropped(after_effect=True))
    cloud.inject("DescribeTags", hiding("subnet-"), times=8)

    async with begin(EVERYTHING, settle_time=1.0) as env:
        assert (await env.to_rest()).state is State.READY

    assert await counts(aws.url) == ALL_OF_EVERYTHING
