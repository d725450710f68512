"""The critical path of two servers in two zones: the longest way through what needs what.

It follows from what each call needs, from how long AWS takes until its effect can be used, and
from how long a call takes. Nobody can build an environment in less.
"""

from dataclasses import dataclass
from functools import cache

from tests.cloud import Durations


@dataclass(frozen=True)
class Deed:
    """A call, how long it takes until its effect can be used, and what must be done before."""

    after: tuple[str, ...] = ()
    lasts: float = 0.0


Deeds = dict[str, Deed]


def building(durations: Durations, *, private: bool) -> Deeds:
    """All that an environment needs until it is ready: in public subnets, or behind a gateway."""
    comes_up = durations.instance_pending + durations.status_checks
    public = {
        "CreateVpc": Deed(),
        "CreateInternetGateway": Deed(),
        "AttachInternetGateway": Deed(("CreateVpc", "CreateInternetGateway")),
        "CreateSubnet": Deed(("CreateVpc",)),
        "DescribeRouteTables": Deed(("CreateVpc",)),
        "CreateRoute": Deed(("AttachInternetGateway", "DescribeRouteTables")),
        "CreateSecurityGroup": Deed(("CreateVpc",)),
        "AuthorizeSecurityGroupIngress": Deed(("CreateSecurityGroup",)),
        "RunInstances": Deed(("CreateSubnet", "CreateSecurityGroup"), comes_up),
        "DescribeInstanceStatus": Deed(("RunInstances",)),
    }
    if not private:
        return public
    return public | {
        "AllocateAddress": Deed(),
        "CreateRouteTable": Deed(("CreateVpc",)),
        "CreateNatGateway": Deed(
            ("CreateSubnet", "AttachInternetGateway", "AllocateAddress"),
            durations.nat_gateway_pending,
        ),
        "DescribeNatGateways": Deed(("CreateNatGateway",)),
        "RouteToNatGateway": Deed(("DescribeNatGateways", "CreateRouteTable")),
        "RunInstances": Deed(("RouteToNatGateway", "CreateSecurityGroup"), comes_up),
    }


def and_compared(building: Deeds) -> Deeds:
    """The same, and what envwright alone does at the end: hold the inventory against the record."""
    return building | {
        "DescribeTags": Deed(("DescribeInstanceStatus",)),
        "DescribeInstances": Deed(("DescribeTags",)),
    }


def ending(durations: Durations, *, private: bool) -> Deeds:
    """All that it needs until nothing of it is left."""
    public = {
        "TerminateInstances": Deed(lasts=durations.shutting_down),
        "DescribeInstances": Deed(("TerminateInstances",)),
        "DeleteSecurityGroup": Deed(("DescribeInstances",)),
        "DetachInternetGateway": Deed(("DescribeInstances",)),
        "DeleteSubnet": Deed(("DescribeInstances",)),
        "DeleteVpc": Deed(("DeleteSubnet", "DeleteSecurityGroup", "DetachInternetGateway")),
    }
    if not private:
        return public
    return public | {
        "DeleteNatGateway": Deed(lasts=durations.nat_gateway_deleting),
        "DescribeNatGateways": Deed(("DeleteNatGateway",)),
        "DetachInternetGateway": Deed(("DescribeInstances", "DescribeNatGateways")),
        "DeleteSubnet": Deed(("DescribeInstances", "DescribeNatGateways")),
        "DeleteRouteTable": Deed(("DeleteSubnet",)),
        "DeleteVpc": Deed(("DeleteRouteTable", "DeleteSecurityGroup", "DetachInternetGateway")),
    }


def critical_path(deeds: Deeds, call: float) -> float:
    """The longest way through these, in AWS's seconds, where a call takes so many."""

    @cache
    def done(name: str) -> float:
        deed = deeds[name]
        return max(map(done, deed.after), default=0.0) + call + deed.lasts

    return max(map(done, deeds))
