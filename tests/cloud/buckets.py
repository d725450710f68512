"""AWS's request limits: a bucket of requests for each account, region and kind of call.

As in "Request throttling for the Amazon EC2 API": each bucket holds so many requests and is
refilled by so many a second; launches and terminations have one for instances as well.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Final

from tests.cloud.calls import Call, Reply, refusal


@dataclass(frozen=True)
class Size:
    capacity: float
    refill: float
    """By the second."""


READS: Final = Size(100, 20)
READS_OF_ALL: Final = Size(50, 10)
CHANGES: Final = Size(50, 5)
OWN: Final = {
    "RunInstances": Size(5, 2),
    "StartInstances": Size(5, 2),
    "TerminateInstances": Size(100, 5),
    "CreateNatGateway": Size(10, 1),
    "DeleteNatGateway": Size(10, 1),
    "CreateVpcEndpoint": Size(4, 0.3),
    "DeleteVpcEndpoints": Size(4, 0.3),
    "ModifyVpcEndpoint": Size(4, 0.3),
    "CreateTags": Size(100, 10),
    "DeleteTags": Size(100, 10),
    "CreateVolume": Size(100, 5),
    "DeleteVolume": Size(100, 5),
    "AssociateIamInstanceProfile": Size(100, 5),
    "DisassociateIamInstanceProfile": Size(100, 5),
}
OF_INSTANCES: Final = {
    "RunInstances": Size(1000, 2),
    "StartInstances": Size(1000, 2),
    "TerminateInstances": Size(1000, 20),
}
_DEARER_WHEN_UNBOUNDED: Final = frozenset(
    {
        "DescribeInstances",
        "DescribeInstanceStatus",
        "DescribeNetworkInterfaces",
        "DescribeSecurityGroups",
        "DescribeVolumes",
    }
)
_BOUNDS: Final = ("Filter.", "MaxResults", "NextToken", "InstanceId.", "GroupId.", "VolumeId.")


@dataclass
class Bucket:
    """What is left in one of them."""

    size: Size
    left: float = field(init=False)
    at: float = 0.0

    def __post_init__(self) -> None:
        self.left = self.size.capacity

    def fill(self, now: float, time_scale: float) -> None:
        gained = (now - self.at) * self.size.refill / time_scale
        self.left = min(self.size.capacity, self.left + gained)
        self.at = now


class Buckets:
    """Those of one region of an account."""

    def __init__(self) -> None:
        self._buckets: dict[tuple[str, str], Bucket] = {}

    def refused(self, call: Call, time_scale: float) -> Reply | None:
        """Take what the call costs out of its buckets; the refusal, where one has too little."""
        if call.service != "ec2":
            return None
        costs = self._costs(call, asyncio.get_running_loop().time(), time_scale)
        if any(bucket.left < cost for bucket, cost in costs):
            return refusal(call, "RequestLimitExceeded", "Request limit exceeded.", 503)
        for bucket, cost in costs:
            bucket.left -= cost
        return None

    def _costs(self, call: Call, now: float, time_scale: float) -> list[tuple[Bucket, int]]:
        costs = {"requests": (size_of(call), 1)}
        if call.action in OF_INSTANCES:
            costs["instances"] = (OF_INSTANCES[call.action], _instances(call))
        found = []
        for what, (size, cost) in costs.items():
            # A read of all has a bucket beside that of the same read with bounds.
            key = (call.action, f"{what}/{size.capacity}")
            bucket = self._buckets.setdefault(key, Bucket(size))
            bucket.fill(now, time_scale)
            found.append((bucket, cost))
        return found


def size_of(call: Call) -> Size:
    if call.mutates:
        return OWN.get(call.action, CHANGES)
    bounded = any(name.startswith(_BOUNDS) for name in call.parameters)
    if call.action in _DEARER_WHEN_UNBOUNDED and not bounded:
        return READS_OF_ALL
    return READS


def _instances(call: Call) -> int:
    if call.action == "RunInstances":
        return int(call.parameters["MaxCount"])
    return len(call.values("InstanceId"))
