"""Order and time: an environment takes as long as its critical path, and little more.

The path is computed here, from what needs what and from the times that the cloud is given.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

import pytest

from envwright.record import State
from tasks.lease import Look, clock
from tests.cloud import AWS_DURATIONS, Behaviour, Cloud
from tests.everything import IMAGE, REGION
from tests.integration.conftest import Begin
from tests.specs import with_instances

CALL = 0.15
"""Seconds that a call to AWS takes."""
DURATIONS = replace(AWS_DURATIONS, status_checks=10.0)
"""AWS's, but for the checks of instances: they would hide what else is waited for."""
MOST = 1.1
"""How much longer than its critical path an environment may take."""
UNHURRIED = {"instance_timeout": 60.0, "nat_gateway_timeout": 60.0, "conflict_timeout": 60.0}


@dataclass(frozen=True)
class Deed:
    """A call, how long it takes until its effect can be used, and what must be done before."""

    after: tuple[str, ...] = ()
    lasts: float = 0.0


COMES_UP = DURATIONS.instance_pending + DURATIONS.status_checks
PUBLIC: Mapping[str, Deed] = {
    "CreateVpc": Deed(),
    "CreateInternetGateway": Deed(),
    "AttachInternetGateway": Deed(("CreateVpc", "CreateInternetGateway")),
    "CreateSubnet": Deed(("CreateVpc",)),
    "DescribeRouteTables": Deed(("CreateVpc",)),
    "CreateRoute": Deed(("AttachInternetGateway", "DescribeRouteTables")),
    "CreateSecurityGroup": Deed(("CreateVpc",)),
    "AuthorizeSecurityGroupIngress": Deed(("CreateSecurityGroup",)),
    "RunInstances": Deed(("CreateSubnet", "CreateSecurityGroup"), COMES_UP),
    "DescribeInstanceStatus": Deed(("RunInstances",)),
    "DescribeTags": Deed(("DescribeInstanceStatus",)),
    "DescribeInstances": Deed(("DescribeTags",)),
}
PRIVATE: Mapping[str, Deed] = PUBLIC | {
    "AllocateAddress": Deed(),
    "CreateRouteTable": Deed(("CreateVpc",)),
    "CreateNatGateway": Deed(
        ("CreateSubnet", "AttachInternetGateway", "AllocateAddress"),
        DURATIONS.nat_gateway_pending,
    ),
    "DescribeNatGateways": Deed(("CreateNatGateway",)),
    "RouteToNatGateway": Deed(("DescribeNatGateways", "CreateRouteTable")),
    "RunInstances": Deed(("RouteToNatGateway", "CreateSecurityGroup"), COMES_UP),
}
PUBLIC_END: Mapping[str, Deed] = {
    "TerminateInstances": Deed(lasts=DURATIONS.shutting_down),
    "DescribeInstances": Deed(("TerminateInstances",)),
    "DeleteSecurityGroup": Deed(("DescribeInstances",)),
    "DetachInternetGateway": Deed(("DescribeInstances",)),
    "DeleteSubnet": Deed(("DescribeInstances",)),
    "DeleteVpc": Deed(("DeleteSubnet", "DeleteSecurityGroup", "DetachInternetGateway")),
}
PRIVATE_END: Mapping[str, Deed] = PUBLIC_END | {
    "DeleteNatGateway": Deed(lasts=DURATIONS.nat_gateway_deleting),
    "DescribeNatGateways": Deed(("DeleteNatGateway",)),
    "DetachInternetGateway": Deed(("DescribeInstances", "DescribeNatGateways")),
    "DeleteSubnet": Deed(("DescribeInstances", "DescribeNatGateways")),
    "DeleteRouteTable": Deed(("DeleteSubnet",)),
    "DeleteVpc": Deed(("DeleteRouteTable", "DeleteSecurityGroup", "DetachInternetGateway")),
}


def critical_path(deeds: Mapping[str, Deed]) -> float:
    """The longest way through these, in AWS's seconds."""

    @cache
    def done(name: str) -> float:
        deed = deeds[name]
        return max(map(done, deed.after), default=0.0) + CALL + deed.lasts

    return max(map(done, deeds))


TIERS = [
    {"name": "public", "access": "public"},
    {"name": "app", "access": "private"},
]


@pytest.mark.parametrize(
    ("tier", "scale", "building", "ending"),
    [("public", 0.5, PUBLIC, PUBLIC_END), ("app", 0.3, PRIVATE, PRIVATE_END)],
    ids=["public", "private"],
)
async def test_an_environment_takes_as_long_as_its_critical_path(
    begin: Begin,
    cloud: Cloud,
    tier: str,
    scale: float,
    building: Mapping[str, Deed],
    ending: Mapping[str, Deed],
) -> None:
    """A wait stands where something needs it, in building and in taking down.

    `scale` is what a second of AWS takes here: enough for the tests' own work to count for little.
    """
    spec = with_instances(IMAGE)
    spec["instances"]["web"] |= {
        "tier": tier,
        "root_volume": {"device_name": "/dev/xvda", "size": 8},
    }
    spec["network"]["tiers"] = TIERS[: 1 + (tier == "app")]
    cloud.behave(Behaviour(time_scale=scale, latency=CALL, durations=DURATIONS))

    async with begin(spec, lease=300.0, poll_every=0.1, **UNHURRIED) as env:
        for service in ("ec2", "ssm"):  # Loading the SDK is no part of it.
            await env.worker.clients.door(service, REGION, None, Look(60))
        begun = clock()
        assert (await env.to_rest()).state is State.READY
        built = clock()
        assert (await env.take_down()).state is State.DESTROYED
        ended = clock()

    took = {"building": (built - begun) / scale, "ending": (ended - built) / scale}
    path = {"building": critical_path(building), "ending": critical_path(ending)}
    assert all(took[one] <= MOST * path[one] for one in path), f"{took} against {path}"
