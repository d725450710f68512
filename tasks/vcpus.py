"""How many vCPUs launches would take, and how many of the same quota run already.

EC2 counts them by family of instance types, and spot instances apart (Amazon EC2 User Guide,
"Amazon EC2 instance type quotas").
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tasks.aws.rehearsal import Rehearsed
from tasks.resources.instances import Instances

if TYPE_CHECKING:
    from types_aiobotocore_ec2.client import EC2Client

_TYPES_A_CALL: Final = 100


class Quota(NamedTuple):
    """A quota of a region, by its name and its codes in Service Quotas."""

    name: str
    service: str
    code: str


_STANDARD: Final = "Standard (A, C, D, H, I, M, R, T, Z)"
_ON_DEMAND: Final = {
    _STANDARD: "L-1216C47A",
    "DL": "L-6E869C2A",
    "F": "L-74FC7D96",
    "G and VT": "L-DB2E81BA",
    "High Memory": "L-43DA4232",
    "Inf": "L-1945791B",
    "P": "L-417A185B",
    "Trn": "L-2C3B7624",
    "X": "L-7295265B",
}
_SPOT: Final = {
    _STANDARD: "L-34B43A08",
    "DL": "L-85EED4F7",
    "F": "L-88CF9481",
    "G and VT": "L-3819A6DF",
    "Inf": "L-B5D1601B",
    "P": "L-7212CCBC",
    "Trn": "L-6B0D517C",
    "X": "L-E3A00192",
}
_FAMILIES: Final = (
    {
        "dl": "DL",
        "f": "F",
        "g": "G and VT",
        "inf": "Inf",
        "p": "P",
        "trn": "Trn",
        "u": "High Memory",
        "vt": "G and VT",
        "x": "X",
    }
    | dict.fromkeys("acdhimrtz", _STANDARD)
    | {"is": _STANDARD, "im": _STANDARD}
)
"""By the letters that a type begins with; others, as `mac`, are not counted by vCPUs here."""

Launch = tuple[str, bool]
"""An instance type, and whether it is spot."""


async def vcpus_of_launches(ec2: "EC2Client", changes: Sequence[Rehearsed]) -> dict[Quota, int]:
    """The vCPUs that these calls would launch, by the quota that they count against."""
    launches: Counter[Launch] = Counter()
    for one in changes:
        if one.action == "RunInstances":
            is_spot = one.parameters.get("InstanceMarketOptions", {}).get("MarketType") == "spot"
            launches[one.parameters["InstanceType"], is_spot] += one.parameters["MaxCount"]
    return await _vcpus(ec2, launches)


async def vcpus_in_use(ec2: "EC2Client", quota: Quota) -> int:
    """The vCPUs of the account's instances that count against this quota."""
    running = await Instances.listing.of_account(ec2)
    launches = Counter(
        (one["InstanceType"], one.get("InstanceLifecycle") == "spot")
        for one in running
        if one["State"]["Name"] in ("pending", "running")
    )
    of_quota = Counter({one: count for one, count in launches.items() if _quota(one) == quota})
    return (await _vcpus(ec2, of_quota)).get(quota, 0)


async def _vcpus(ec2: "EC2Client", launches: Mapping[Launch, int]) -> dict[Quota, int]:
    vcpus = await _vcpus_by_type(ec2, {instance_type for instance_type, _ in launches})
    sums: Counter[Quota] = Counter()
    for launch, count in launches.items():
        if (quota := _quota(launch)) is not None:
            sums[quota] += vcpus[launch[0]] * count
    return dict(sums)


def _quota(launch: Launch) -> Quota | None:
    instance_type, is_spot = launch
    letters = re.match(r"[a-z]+", instance_type)
    family = _FAMILIES.get(letters[0]) if letters else None
    code = (_SPOT if is_spot else _ON_DEMAND).get(family or "")
    if code is None:
        return None
    name = f"All {family} Spot Instance Requests" if is_spot else f"Running On-Demand {family}"
    return Quota(f"{name}, in vCPUs", "ec2", code)


async def _vcpus_by_type(ec2: "EC2Client", types: Iterable[str]) -> dict[str, int]:
    vcpus: dict[str, int] = {}
    for some in _portions(sorted(types)):
        answer = await ec2.describe_instance_types(InstanceTypes=some)
        vcpus |= {
            one["InstanceType"]: one["VCpuInfo"]["DefaultVCpus"] for one in answer["InstanceTypes"]
        }
    return vcpus


def _portions(types: Sequence[str]) -> Iterator[Any]:
    for start in range(0, len(types), _TYPES_A_CALL):
        yield types[start : start + _TYPES_A_CALL]
