"""AWS's request limits: which buckets a call takes tokens from, and how these are refilled.

The figures are those of AWS's documents: "Request throttling for the Amazon EC2 API" (each account
has, in each region, a bucket for each action), "AWS Systems Manager endpoints and quotas"
(GetParameter), "IAM and AWS STS quotas", and "Service quotas for Service Quotas".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from config.settings import AwsLimit, WorkerSettings
from envwright.errors import EnvwrightError
from tasks.aws.actions import ACTIONS, Effect

OF_INSTANCES: Final = "/instances"
"""What the name of a bucket ends with that holds instances, beside the one of the requests."""

OF_ALL: Final = "/all"
"""What the name of a bucket ends with that is for reads without a filter and without pages."""


def _limit(capacity: float, refill: float) -> AwsLimit:
    return AwsLimit(capacity=capacity, refill=refill)


SLACK: Final = 1.0
"""Seconds by which calls may be apart on their way to AWS: those that were let go one after the
other and come together find as many more tokens there as are refilled in that time."""

_READS: Final = _limit(100, 20)
_CHANGES: Final = _limit(50, 5)
_OWN: Final[Mapping[str, AwsLimit]] = {
    "AssociateIamInstanceProfile": _limit(100, 5),
    "CreateNatGateway": _limit(10, 1),
    "CreateVpcEndpoint": _limit(4, 0.3),
    "DeleteNatGateway": _limit(10, 1),
    "DeleteVpcEndpoints": _limit(4, 0.3),
    "DescribeInstanceStatus/all": _limit(50, 10),
    "DescribeInstances/all": _limit(50, 10),
    "DescribeNetworkInterfaces/all": _limit(50, 10),
    "DescribeSecurityGroups/all": _limit(50, 10),
    "GetAWSDefaultServiceQuota": _limit(10, 5),
    "GetCallerIdentity": _limit(600, 600),
    "GetParameter": _limit(40, 40),
    "GetServiceQuota": _limit(10, 5),
    "RunInstances": _limit(5, 2),
    "RunInstances/instances": _limit(1000, 2),
    "StartInstances": _limit(5, 2),
    "StartInstances/instances": _limit(1000, 2),
    "TerminateInstances": _limit(100, 5),
    "TerminateInstances/instances": _limit(1000, 20),
}

LIMITS: Final[Mapping[str, AwsLimit]] = {
    **{action: _READS if effect is Effect.READ else _CHANGES for action, effect in ACTIONS.items()},
    **_OWN,
}
"""All buckets by their names: an action, or an action and what else AWS counts of it."""

_NO_BOUNDS: Final = frozenset({"DryRun", "IncludeAllInstances"})
"""Parameters of a read that neither filter what it shows nor ask for a page of it."""


@dataclass(frozen=True, slots=True)
class Toll:
    """What a call takes: one token of its first bucket, and units of the second, if it has one."""

    buckets: tuple[str, ...]
    units: int = 0


def toll(action: str, parameters: Mapping[str, Any]) -> Toll:
    """What AWS takes for a call, be it a dry run or not."""
    if f"{action}{OF_INSTANCES}" in LIMITS:
        units = parameters["MaxCount"] if "MaxCount" in parameters else _named(parameters)
        return Toll((action, f"{action}{OF_INSTANCES}"), units)
    if f"{action}{OF_ALL}" in LIMITS and parameters.keys() <= _NO_BOUNDS:
        return Toll((f"{action}{OF_ALL}",))
    return Toll((action,))


def _named(parameters: Mapping[str, Any]) -> int:
    return len(parameters.get("InstanceIds", ()))


OWN_ACCOUNT: Final = "own"
"""The name of the worker's own account here, whose id it need not know."""

_ALL_ACCOUNTS: Final = "all"


class Limits:
    """The limits that a worker keeps to: its shares of AWS's."""

    def __init__(self, settings: WorkerSettings) -> None:
        """Raises `EnvwrightError` when the settings name a bucket that AWS does not have."""
        self._settings = settings
        self._given = settings.aws_limits
        for place, limits in self._given.items():
            if unknown := sorted(limits.keys() - LIMITS.keys()):
                raise EnvwrightError(
                    f"ENVWRIGHT_AWS_LIMITS.{place}.{unknown[0]}: no call of envwright has such a "
                    f"limit. Name an action as AWS writes it, such as RunInstances, or a bucket "
                    f"such as RunInstances{OF_INSTANCES} or DescribeInstances{OF_ALL}."
                )
        self._shares: dict[tuple[str, str], Mapping[str, AwsLimit]] = {}

    def of(self, account: str, region: str) -> Mapping[str, AwsLimit]:
        """Those of an account (its id, or `OWN_ACCOUNT`) in a region, by the names of buckets."""
        shares = self._shares.get((account, region))
        if shares is None:
            limits = {**LIMITS}
            # What is said of fewer stands before what is said of more.
            for place in (
                _ALL_ACCOUNTS,
                f"{_ALL_ACCOUNTS}/{region}",
                account,
                f"{account}/{region}",
            ):
                limits |= self._given.get(place, {})
            shares = {name: self._share_of(limit) for name, limit in limits.items()}
            self._shares[account, region] = shares
        return shares

    def _share_of(self, limit: AwsLimit) -> AwsLimit:
        burst, rate = self._settings.aws_burst_share, self._settings.aws_rate_share
        return AwsLimit(
            # A bucket that never holds a token would let nothing through.
            capacity=max(1.0, limit.capacity * burst - limit.refill * SLACK),
            refill=limit.refill * rate,
        )
