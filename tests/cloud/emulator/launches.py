"""Launches: what AWS looks at before it launches anything."""

from typing import Any, Final

from moto.ec2.exceptions import InvalidParameterDependency

from tests.cloud.emulator import forms
from tests.cloud.emulator.errors import refused
from tests.cloud.emulator.instances import BURSTING

_TENANCIES: Final = ("default", "dedicated", "host")
_WITH_IOPS: Final = {"io1": True, "io2": True, "gp3": False}
"""The types of volumes that can say how many, and whether they must."""
_TYPES: Final = frozenset({*_WITH_IOPS, "gp2", "st1", "sc1", "standard"})


class Launches:
    """What `StrictBackend` does with them."""

    def run_instances(self: Any, image_id: str, count: int, *rest: Any, **more: Any) -> Any:
        zone = self._zone_of_launch(more)
        self._refuse_ipv6(more)
        self._refuse_options(more["instance_type"])
        self.refuse_volumes(count)
        self.refuse_addresses(more, count)
        if more.get("instance_market_options") == "spot":
            self._refuse_spot(more["instance_type"], count)
        else:
            self.refuse_beyond_vcpus(more["instance_type"], count)
        if self.terms.lack(zone, more["instance_type"]):
            told = (
                f"We currently do not have sufficient {more['instance_type']} capacity in {zone}."
            )
            raise refused("InsufficientInstanceCapacity", told)
        self._map_the_root(image_id, more)
        launched = super().run_instances(image_id, count, *rest, **more)  # type: ignore[misc]
        for one in launched.instances:
            one.note(self.asked)
            self.begin(one)
        if profile := more.get("iam_instance_profile_name"):
            # moto gives it to the first one alone.
            for one in launched.instances[1:]:
                self.associate_iam_instance_profile(one.id, iam_instance_profile_name=profile)
        return launched

    def _zone_of_launch(self: Any, asked: dict[str, Any]) -> str:
        subnet_id = subnet_of(asked)
        if subnet_id:
            return str(self.get_subnet(subnet_id).availability_zone)
        return asked.get("placement") or f"{self.region_name}a"

    def _refuse_ipv6(self: Any, asked: dict[str, Any]) -> None:
        """Refuse addresses that the subnet does not have; moto stumbles over them."""
        wanted = [(asked.get("subnet_id"), asked.get("ipv6_address_count"))]
        nics = asked.get("nics") or []
        wanted.extend((nic.get("SubnetId"), nic.get("Ipv6AddressCount")) for nic in nics)
        for subnet_id, count in wanted:
            if count and not (subnet_id and self.get_subnet(subnet_id).ipv6_blocks):
                told = f"The subnet '{subnet_id}' has no IPv6 CIDR block"
                raise refused("InvalidParameterValue", told)

    def _refuse_options(self: Any, instance_type: str) -> None:
        group = self.asked.get("Placement.GroupName")
        if group and group not in self.__dict__.get("placement_groups", ()):
            told = f"The placement group '{group}' is unknown."
            raise refused("InvalidPlacementGroup.Unknown", told)
        tenancy = self.asked.get("Placement.Tenancy", "default")
        if tenancy not in _TENANCIES:
            raise refused("InvalidParameterValue", f"Invalid value '{tenancy}' for tenancy.")
        credit = self.asked.get("CreditSpecification.CpuCredits")
        if credit and not instance_type.startswith(BURSTING):
            told = f"CreditSpecification is not supported for the type {instance_type}."
            raise refused("InvalidParameterCombination", told)

    def _refuse_spot(self: Any, instance_type: str, count: int) -> None:
        self.refuse_beyond_vcpus(instance_type, count, spot=True)
        most = self.asked.get("InstanceMarketOptions.SpotOptions.MaxPrice")
        price = self.terms.spot_price
        if most is not None and float(most) < price:
            told = (
                f"Your Spot request price of {most} is lower than the minimum required Spot "
                f"request fulfillment price of {price}."
            )
            raise refused("SpotMaxPriceTooLow", told)

    def refuse_volumes(self: Any, count: int) -> None:
        """Refuse what no volume can be, before there is an instance."""
        seen: set[str] = set()
        size = 0
        for told in forms.structures(self.asked, "BlockDeviceMapping"):
            device = told.get("DeviceName", "")
            if device in seen:
                raise refused(
                    "InvalidBlockDeviceMapping", f"The device '{device}' is used more than once."
                )
            seen.add(device)
            _refuse_volume(told)
            if snapshot := told.get("Ebs.SnapshotId"):
                size += self.get_snapshot(snapshot).volume.size
            size += int(told.get("Ebs.VolumeSize", 0))
        self.refuse_beyond_gib(size * count)

    def _map_the_root(self: Any, image_id: str, more: dict[str, Any]) -> None:
        """Launch with the image's own volume, where the mappings leave it out."""
        mappings = more.get("block_device_mappings")
        image = self.amis.get(image_id)
        if not mappings or image is None:
            return
        root = image.root_device_name
        if all(one["DeviceName"] != root for one in mappings):
            ebs = {"VolumeSize": 8, "DeleteOnTermination": True, "VolumeType": "gp2"}
            mappings.insert(0, {"DeviceName": root, "NoDevice": None, "Ebs": ebs})


def subnet_of(asked: dict[str, Any]) -> str | None:
    """Where a launch says it wants to be."""
    of_nics = (nic["SubnetId"] for nic in asked.get("nics") or [] if "SubnetId" in nic)
    return asked.get("subnet_id") or next(of_nics, None)


def _refuse_volume(told: dict[str, str]) -> None:
    kind = told.get("Ebs.VolumeType", "gp2")
    if kind not in _TYPES:
        raise refused("InvalidParameterValue", f"Invalid volume type: {kind}")
    if _WITH_IOPS.get(kind) and "Ebs.Iops" not in told:
        raise refused(
            "MissingParameter", f"The parameter iops must be specified for {kind} volumes."
        )
    if "Ebs.Iops" in told and kind not in _WITH_IOPS:
        told_of = f"The parameter iops is not supported for {kind} volumes."
        raise refused("InvalidParameterCombination", told_of)
    if "Ebs.Throughput" in told and kind != "gp3":
        told_of = f"The parameter throughput is not supported for {kind} volumes."
        raise refused("InvalidParameterCombination", told_of)
    if "Ebs.KmsKeyId" in told and told.get("Ebs.Encrypted") != "true":
        raise InvalidParameterDependency("KmsKeyId", "Encrypted")
