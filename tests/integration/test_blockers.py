"""A cleanup that failed says what is in its way, or what is left."""

import pytest

from envwright.failure import FailureCategory
from envwright.states import State
from tasks.network import VPC
from tests.cloud import ALWAYS, Cloud, refused, throttled
from tests.cloud.faults import Fault
from tests.everything import IMAGE
from tests.harness import Environment, outsider
from worker.servers import LocalAws

DYNAMODB = "com.amazonaws.eu-west-1.dynamodb"


async def test_what_blocks_a_cleanup_is_named(impatient: Environment, aws: LocalAws) -> None:
    """Whatever is in the VPC and not of the environment, with what helps to find whose it is."""
    outputs = impatient.record.outputs
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

    failure = (await impatient.take_down()).cleanup_failure

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
    assert impatient.client.events(impatient.id)[-2].message == failure.message


async def test_an_instance_of_another_is_named_by_its_interface(
    impatient: Environment, cloud: Cloud, aws: LocalAws, foreign: str
) -> None:
    """That is what holds on to the subnet; our own instances' are not named."""
    async with outsider(aws.url) as ec2:
        (theirs,) = (
            await ec2.run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1, SubnetId=foreign)
        )["Instances"]
    cloud.inject("TerminateInstances", refused("IncorrectInstanceState"), times=ALWAYS)

    failure = (await impatient.take_down()).cleanup_failure

    assert failure is not None
    (interface, subnet) = failure.blockers
    assert interface.endswith(f"in {foreign} of instance {theirs['InstanceId']}")
    assert foreign in subnet


async def test_that_nothing_foreign_was_found_is_said(impatient: Environment, cloud: Cloud) -> None:
    """So that nobody looks where envwright did."""
    cloud.inject("DeleteVpc", refused("DependencyViolation"), times=ALWAYS)

    failure = (await impatient.take_down()).cleanup_failure

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
    impatient: Environment,
    cloud: Cloud,
    monkeypatch: pytest.MonkeyPatch,
    fault: Fault,
    reason: str,
) -> None:
    """The failure stays what it was, and says why it does not name them."""
    monkeypatch.setattr("worker.step.BLOCKERS_PATIENCE", 0.5)
    cloud.inject("DeleteVpc", refused("DependencyViolation"), times=ALWAYS)
    cloud.inject("DescribeNetworkInterfaces", fault, times=ALWAYS)

    record = await impatient.take_down()

    assert record.state is State.CLEANUP_FAILED
    assert record.cleanup_failure is not None
    assert record.cleanup_failure.code == "DependencyViolation"
    assert f"What uses it could not be looked up: {reason}" in record.cleanup_failure.message


async def test_an_error_of_our_own_in_that_look_hides_no_failure(
    impatient: Environment, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It must not keep the failure from being put on record, or the step would crash for ever."""

    async def crash(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("worker.step.with_blockers", crash)
    cloud.inject("DeleteVpc", refused("DependencyViolation"), times=ALWAYS)

    record = await impatient.take_down()

    assert record.state is State.CLEANUP_FAILED
    assert record.cleanup_failure is not None
    assert record.cleanup_failure.code == "DependencyViolation"
    assert record.cleanup_failure.left


async def test_a_cleanup_that_could_not_even_begin_says_what_is_left(
    impatient: Environment,
) -> None:
    """No worker ran until its deadline, say: what costs money is named all the same."""
    impatient.client.destroy(impatient.id)
    vpc = impatient.record.resources[VPC].ids
    await impatient.shorten_deadline(-1)

    failure = (await impatient.to_rest()).cleanup_failure

    assert failure is not None
    assert failure.category is FailureCategory.DEADLINE
    assert failure.left[VPC] == vpc
    assert vpc[0] in failure.message
