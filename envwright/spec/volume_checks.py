"""What the fields of volumes must agree on (see `envwright.spec.checks`).

The limits are those of the Amazon EBS User Guide, "Amazon EBS volume types".
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from envwright.spec.forms import Flaw, Loc, shown
from envwright.spec.instances import InstanceGroup
from envwright.spec.unsound import Unsound
from envwright.spec.volumes import RootVolume, Volume

if TYPE_CHECKING:
    from envwright.spec.environment import EnvironmentSpec

_MIB_A_SECOND_PER_IOPS: Final = 0.25
"""The most throughput that a gp3 volume may have for each of its IOPS."""


@dataclass(frozen=True, slots=True)
class _Limits:
    """Sizes in GiB, IOPS, and the most IOPS for each GiB."""

    smallest: int
    largest: int
    iops: tuple[int, int] | None = None
    iops_per_gib: int = 0
    iops_included: int = 0


_LIMITS: Final = {
    "gp3": _Limits(1, 65536, (3000, 80000), 500, iops_included=3000),
    "gp2": _Limits(1, 16384),
    "io2": _Limits(4, 65536, (100, 256000), 1000),
    "io1": _Limits(4, 16384, (100, 64000), 50),
    "st1": _Limits(125, 16384),
    "sc1": _Limits(125, 16384),
    "standard": _Limits(1, 1024),
}


def volume_type_takes_the_size(
    volume: RootVolume | Volume, _: Loc, __: "EnvironmentSpec"
) -> Iterator[Flaw]:
    limits = _LIMITS[volume.type]
    if volume.size is not None and not limits.smallest <= volume.size <= limits.largest:
        yield (
            ("size",),
            f"A {volume.type} volume has {limits.smallest} to {limits.largest} GiB.",
        )


def volume_type_takes_the_iops(
    volume: RootVolume | Volume, _: Loc, __: "EnvironmentSpec"
) -> Iterator[Flaw]:
    limits, iops = _LIMITS[volume.type], volume.iops
    if iops is None:
        if volume.type in ("io1", "io2"):
            yield (), f"An {volume.type} volume needs `iops`: say how many."
        return
    if limits.iops is None:
        yield ("iops",), f"A {volume.type} volume takes no IOPS: leave them out, or choose gp3."
        return
    least, most = limits.iops
    if not least <= iops <= most:
        yield ("iops",), f"An {volume.type} volume takes {least} to {most} IOPS."
        return
    if volume.size is None or iops <= limits.iops_included:
        return
    if iops > (room := volume.size * limits.iops_per_gib):
        yield (
            ("iops",),
            f"An {volume.type} volume takes up to {limits.iops_per_gib} IOPS for each GiB, which "
            f"makes {room} here: ask for fewer, or for a larger volume.",
        )


def volume_type_takes_the_throughput(
    volume: RootVolume | Volume, _: Loc, __: "EnvironmentSpec"
) -> Iterator[Flaw]:
    if volume.throughput is None:
        return
    if volume.type != "gp3":
        yield ("throughput",), "Only gp3 volumes take a throughput: leave it out, or choose gp3."
        return
    iops = volume.iops or _LIMITS["gp3"].iops_included
    if volume.throughput > (most := int(iops * _MIB_A_SECOND_PER_IOPS)):
        yield (
            ("throughput",),
            f"A gp3 volume takes up to 0.25 MiB/s for each of its IOPS, which makes {most} with "
            f"{iops} IOPS: ask for less, or for more IOPS.",
        )


def key_is_used(volume: RootVolume | Volume, _: Loc, __: "EnvironmentSpec") -> Iterator[Flaw]:
    if volume.kms_key is not None and not volume.encrypted:
        yield ("kms_key",), "A volume that is not encrypted uses no key: leave one of the two out."


def volume_has_a_size(volume: Volume, _: Loc, __: "EnvironmentSpec") -> Iterator[Flaw]:
    if volume.size is None and volume.snapshot is None:
        yield (), "This volume needs a `size`, or a `snapshot` to take it from."


def devices_are_distinct(group: InstanceGroup, _: Loc, __: "EnvironmentSpec") -> Iterator[Flaw]:
    try:
        root = group.root_volume.device_name
    except Unsound:
        root = None
    taken = {root: "the root volume"} if root else {}
    for index, volume in enumerate(group.volumes):
        try:
            device = volume.device_name
        except Unsound:
            continue
        if device in taken:
            at = ("volumes", index, "device_name")
            yield at, f"{shown(device)} is the device of {taken[device]} already: choose another."
        taken.setdefault(device, f"entry {index} of this list")
