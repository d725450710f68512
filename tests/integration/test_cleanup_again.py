"""What a cleanup that failed does when it is tried again."""

from collections.abc import AsyncIterator

import pytest

from envwright.failure import FailureCategory
from envwright.new_run import CLEANUP_DEADLINE
from envwright.record import ResourceState
from envwright.states import State
from tasks.network import VPC
from tasks.resources.internet_gateway import InternetGateway
from tests.cloud import ALWAYS, Cloud, refused, throttled
from tests.cloud.faults import Fault
from tests.everything import EVERYTHING, IMAGE
from tests.harness import Environment, existing, outsider
from tests.integration.conftest import Begin
from worker.servers import LocalAws

UNTAGGED = ("internet_gateway_attachment", "security_group_rules")

DYNAMODB = "com.amazonaws.eu-west-1.dynamodb"


@pytest.fixture
async def everything(begin: Begin) -> AsyncIterator[Environment]:
    """An environment with a resource of every kind, that does not wait long for what is in use."""
    async with begin(EVERYTHING, conflict_timeout=0.2) as env:
        assert (await env.to_rest()).state is State.READY
        yield env


@pytest.mark.parametrize("again", ["retry", "destroy"])
async def test_what_redis_forgot_is_found_the_second_time(
    everything: Environment, aws: LocalAws, again: str
) -> None:
    """An attachment and a rule have no tags: a second try finds them on what they stand on."""
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


async def test_rules_that_somebody_added_are_taken_away_the_second_time(
    everything: Environment, aws: LocalAws
) -> None:
    """Two groups that name each other, of which the spec says nothing, would never go."""
    outputs = everything.record.outputs
    assert outputs is not None
    web, admin = outputs.security_groups["web"], outputs.security_groups["admin"]
    async with outsider(aws.url) as ec2:
        for group, other in ((web, admin), (admin, web)):
            pair = {"UserIdGroupPairs": [{"GroupId": other}]}
            await ec2.authorize_security_group_egress(
                GroupId=group,
                IpPermissions=[{"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, **pair}],
            )
    assert (await everything.take_down()).state is State.CLEANUP_FAILED

    await everything.wake_up()

    assert (await everything.to_rest()).state is State.DESTROYED
    assert await existing(aws.url) == {}


@pytest.fixture
async def foreign(everything: Environment, aws: LocalAws) -> AsyncIterator[str]:
    """A subnet that somebody put into the environment's VPC by hand."""
    outputs = everything.record.outputs
    assert outputs is not None
    async with outsider(aws.url) as ec2:
        answer = await ec2.create_subnet(VpcId=outputs.vpc_id, CidrBlock="10.40.200.0/24")
        yield answer["Subnet"]["SubnetId"]


async def remove_subnet(url: str, subnet: str) -> None:
    async with outsider(url) as ec2:
        await ec2.delete_subnet(SubnetId=subnet)


async def test_a_cleanup_that_failed_is_tried_again_after_pauses_that_grow(
    begin: Begin, cloud: Cloud, aws: LocalAws
) -> None:
    """Each failure doubles the pause up to the longest; it is the same run, with a new deadline."""
    cloud.inject("TerminateInstances", refused("UnauthorizedOperation", status=403), times=ALWAYS)
    async with begin(EVERYTHING, cleanup_retry_first=60, cleanup_retry_longest=200) as env:
        await env.to_rest()
        run = (await env.take_down()).run
        for tries, pause in enumerate((60, 120, 200, 200), start=1):
            record = env.record
            assert (record.state, record.run.id) == (State.CLEANUP_FAILED, run.id)
            assert record.run.tries == tries
            assert await env.due_in() == pytest.approx(pause, abs=5)
            assert record.run.retry_at == pytest.approx(env.client.now() + pause, abs=5)
            assert record.run.limit == pytest.approx(CLEANUP_DEADLINE)
            told = env.client.events(env.id)[-1]
            assert told.message == f"It is tried again in {pause} s."

            (woken,) = await env.wake_up()
            assert (woken.run_id, env.record.state) == (run.id, State.CLEANING)
            await env.to_rest()

        cloud.heal()
        await env.wake_up()
        last = await env.to_rest()

    assert (last.state, last.run.id) == (State.DESTROYED, run.id)
    assert last.cleanup_failure is None
    assert await existing(aws.url) == {}


async def test_when_what_is_foreign_is_gone_the_next_try_ends_the_cleanup(
    everything: Environment, aws: LocalAws, foreign: str
) -> None:
    """Nobody has to ask for it: a sweep wakes it up."""
    assert (await everything.take_down()).state is State.CLEANUP_FAILED
    await everything.wake_up()
    assert (await everything.to_rest()).state is State.CLEANUP_FAILED

    await remove_subnet(aws.url, foreign)
    await everything.wake_up()

    assert (await everything.to_rest()).state is State.DESTROYED
    assert await everything.due_in() is None
    assert await existing(aws.url) == {}


async def test_retry_need_not_wait_for_the_pause(
    everything: Environment, aws: LocalAws, foreign: str
) -> None:
    """It starts a run of its own at once, whose pauses begin anew should it fail too."""
    first = await everything.take_down()
    await everything.wake_up()
    assert (await everything.to_rest()).run.tries == 2

    everything.client.retry(everything.id)
    again = await everything.to_rest()
    assert (again.state, again.run.tries) == (State.CLEANUP_FAILED, 1)
    assert again.run.id != first.run.id

    await remove_subnet(aws.url, foreign)
    everything.client.retry(everything.id)
    assert (await everything.to_rest()).state is State.DESTROYED
    assert await existing(aws.url) == {}


async def test_what_envwright_itself_failed_in_waits_for_a_person(
    everything: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would crash again, and may take its worker along each time."""

    async def crash(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(InternetGateway, "delete", crash)
    record = await everything.take_down()

    assert record.state is State.CLEANUP_FAILED
    assert record.cleanup_failure is not None
    assert record.cleanup_failure.category is FailureCategory.INTERNAL
    assert await everything.due_in() is None


async def test_a_failed_cleanup_of_the_first_version_waits_for_retry(
    everything: Environment, aws: LocalAws, foreign: str
) -> None:
    """Its run has none of the newer fields, and nothing makes it due."""
    await everything.take_down()
    await everything.as_the_first_version_left_it()

    assert await everything.wake_up() == []
    assert everything.record.state is State.CLEANUP_FAILED

    await remove_subnet(aws.url, foreign)
    everything.client.retry(everything.id)
    assert (await everything.to_rest()).state is State.DESTROYED


async def test_what_blocks_a_cleanup_is_named(everything: Environment, aws: LocalAws) -> None:
    """Whatever is in the VPC and not of the environment, with what helps to find whose it is."""
    outputs = everything.record.outputs
    assert outputs is not None
    vpc, own = outputs.vpc_id, outputs.security_groups["web"]
    async with outsider(aws.url) as ec2:
        subnet = (await ec2.create_subnet(VpcId=vpc, CidrBlock="10.40.200.0/24"))["Subnet"]
        interface = (
            await ec2.create_network_interface(
                SubnetId=subnet["SubnetId"], Description="ELB app/shop/0123"
            )
        )["NetworkInterface"]
        group = await ec2.create_security_group(VpcId=vpc, GroupName="shop", Description="-")
        table = (await ec2.create_route_table(VpcId=vpc))["RouteTable"]
        endpoint = (
            await ec2.create_vpc_endpoint(
                VpcId=vpc, ServiceName=DYNAMODB, RouteTableIds=[table["RouteTableId"]]
            )
        )["VpcEndpoint"]
        pair = {"UserIdGroupPairs": [{"GroupId": own}]}
        await ec2.authorize_security_group_ingress(
            GroupId=group["GroupId"],
            IpPermissions=[{"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, **pair}],
        )

    failure = (await everything.take_down()).cleanup_failure

    assert failure is not None
    assert failure.blockers == (
        f"network interface {interface['NetworkInterfaceId']} (ELB app/shop/0123) in "
        f"{subnet['SubnetId']}",
        f"subnet {subnet['SubnetId']} (10.40.200.0/24)",
        f"security group {group['GroupId']} (shop), whose rules name {own}",
        f"route table {table['RouteTableId']}",
        f"VPC endpoint {endpoint['VpcEndpointId']} ({DYNAMODB})",
    )
    told = f"In its VPC and not of this environment: {'; '.join(failure.blockers)}."
    assert failure.message.endswith(told)
    assert failure.left["security/security_group/web"] == (own,)
    assert f"security/security_group/web ({own})" in failure.message
    assert everything.client.events(everything.id)[-2].message == failure.message


async def test_an_instance_of_another_is_named_by_its_interface(
    everything: Environment, cloud: Cloud, aws: LocalAws, foreign: str
) -> None:
    """That is what holds on to the subnet; our own instances' are not named."""
    async with outsider(aws.url) as ec2:
        (theirs,) = (
            await ec2.run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1, SubnetId=foreign)
        )["Instances"]
    cloud.inject("TerminateInstances", refused("IncorrectInstanceState"), times=ALWAYS)

    failure = (await everything.take_down()).cleanup_failure

    assert failure is not None
    (interface, subnet) = failure.blockers
    assert interface.endswith(f"in {foreign} of instance {theirs['InstanceId']}")
    assert foreign in subnet


async def test_that_nothing_foreign_was_found_is_said(
    everything: Environment, cloud: Cloud
) -> None:
    """So that nobody looks where envwright did."""
    cloud.inject("DeleteVpc", refused("DependencyViolation"), times=ALWAYS)

    failure = (await everything.take_down()).cleanup_failure

    assert failure is not None
    assert failure.blockers == ()
    assert "look for VPN gateways and peerings" in failure.message


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (refused("UnauthorizedOperation", status=403), "AWS refused DescribeNetworkInterfaces"),
        (throttled(), "AWS did not answer in time."),
    ],
)
async def test_a_look_for_blockers_that_fails_hides_no_failure(
    everything: Environment,
    cloud: Cloud,
    monkeypatch: pytest.MonkeyPatch,
    fault: Fault,
    reason: str,
) -> None:
    """The failure stays what it was, and says why it does not name them."""
    monkeypatch.setattr("worker.step.BLOCKERS_PATIENCE", 0.5)
    cloud.inject("DeleteVpc", refused("DependencyViolation"), times=ALWAYS)
    cloud.inject("DescribeNetworkInterfaces", fault, times=ALWAYS)

    record = await everything.take_down()

    assert record.state is State.CLEANUP_FAILED
    assert record.cleanup_failure is not None
    assert record.cleanup_failure.code == "DependencyViolation"
    assert f"What uses it could not be looked up: {reason}" in record.cleanup_failure.message


async def test_an_error_of_our_own_in_that_look_hides_no_failure(
    everything: Environment, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It must not keep the failure from being put on record, or the step would crash for ever."""

    async def crash(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("worker.step.with_blockers", crash)
    cloud.inject("DeleteVpc", refused("DependencyViolation"), times=ALWAYS)

    record = await everything.take_down()

    assert record.state is State.CLEANUP_FAILED
    assert record.cleanup_failure is not None
    assert record.cleanup_failure.code == "DependencyViolation"
    assert record.cleanup_failure.left


async def test_a_cleanup_that_could_not_even_begin_says_what_is_left(
    everything: Environment,
) -> None:
    """No worker ran until its deadline, say: what costs money is named all the same."""
    everything.client.destroy(everything.id)
    vpc = everything.record.resources[VPC].ids
    await everything.shorten_deadline(-1)

    failure = (await everything.to_rest()).cleanup_failure

    assert failure is not None
    assert failure.category is FailureCategory.DEADLINE
    assert failure.left[VPC] == vpc
    assert vpc[0] in failure.message
