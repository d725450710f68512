"""What is to be made, as far as it is known: the spec, and what AWS said of what it leaves open."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from envwright.spec import EnvironmentSpec, InstanceGroup, Tier

ZONES: Final = "zones"
KEY_PAIR_NAME: Final = "key_pair_name"

_EXISTING: Final = "existing:"


@dataclass(frozen=True, slots=True)
class Known:
    """A spec, and the answers of `tasks.lookups` to what it asks AWS for."""

    spec: EnvironmentSpec
    lookups: Mapping[str, Any]

    @property
    def zones(self) -> tuple[str, ...]:
        """The names of the network's zones: as the spec gives them, or the region's first ones."""
        asked = self.spec.network.zones
        return asked if isinstance(asked, tuple) else tuple(self.lookups[ZONES])

    def tier_of(self, group: InstanceGroup) -> Tier:
        """The tier that a group's instances stand in."""
        return self.spec.network.tier(group.tier)

    def has_public_address(self, group: InstanceGroup) -> bool:
        """Whether each of a group's instances is to get a public address."""
        if group.public_address is None:
            return self.tier_of(group).access == "public"
        return group.public_address

    def image_of(self, group: InstanceGroup) -> str:
        """The AMI id of a group's image."""
        return str(self.lookups[image(group.image)]) if is_path(group.image) else group.image

    def root_device_of(self, group: InstanceGroup) -> tuple[str, int]:
        """The name of the root device of a group's instances, and its size in GiB."""
        asked = group.root_volume
        found = self.lookups.get(root_volume(self.image_of(group)), {})
        return asked.device_name or found["device_name"], asked.size or found["size"]

    def brought_along_by(self, group: InstanceGroup) -> Mapping[str, int]:
        """The sizes in GiB of further EBS volumes that a group's image has, by device.

        None, where the image was not looked up.
        """
        found = self.lookups.get(root_volume(self.image_of(group)), {})
        return dict(found.get("brought_along", {}))

    def ipv6_block_of(self, vpc_id: str) -> str:
        """The IPv6 block that AWS gave a VPC."""
        return str(self.lookups[ipv6_block(vpc_id)])

    @property
    def key_pair_name(self) -> str | None:
        """The name of the key pair that exists; None where it is ours."""
        name: str | None = self.lookups.get(KEY_PAIR_NAME)
        return name

    def existing(self, key: str) -> tuple[str, ...]:
        """The ids of what stands in a resource's place and is not ours; none where it is ours."""
        return tuple(self.lookups.get(existing(key), ()))


def is_path(image: str) -> bool:
    """Whether an image is given by the SSM parameter that holds its id."""
    return image.startswith("/")


def image(path: str) -> str:
    """The lookup that holds the AMI id of an SSM parameter."""
    return f"image:{path}"


def root_volume(image: str) -> str:
    """The lookup that holds the root device of an AMI."""
    return f"root_volume:{image}"


def ipv6_block(vpc_id: str) -> str:
    """The lookup that holds the IPv6 block that AWS gave a VPC."""
    return f"ipv6_block:{vpc_id}"


def kept_volumes(key: str) -> str:
    """What holds the ids of volumes that outlived the instances under this key."""
    return f"kept_volumes:{key}"


def existing(key: str) -> str:
    """The lookup that holds the ids of what stands in a resource's place and is not ours."""
    return f"{_EXISTING}{key}"


def all_existing(lookups: Mapping[str, Any]) -> set[str]:
    """The ids of all that is used and not ours."""
    return {one for name, ids in lookups.items() if name.startswith(_EXISTING) for one in ids}


def public_ip(allocation_id: str) -> str:
    """The lookup that holds the public IPv4 address of an elastic address."""
    return f"public_ip:{allocation_id}"
