"""What RunInstances is told of an instance group, beside where it is to be launched.

A field is sent only where the spec asks for something else than AWS's default.
"""

from collections.abc import Mapping
from typing import Any

from envwright.spec import InstanceGroup, RootVolume, Volume


def options(wish: InstanceGroup) -> dict[str, Any]:
    """All that is asked of the instances themselves (Amazon EC2 API Reference, RunInstances)."""
    asked: dict[str, Any] = {
        # Plain: the SDK encodes it, as the EC2 API wants it.
        "UserData": wish.user_data,
        "IamInstanceProfile": wish.instance_profile and {"Name": wish.instance_profile},
        "Monitoring": {"Enabled": True} if wish.detailed_monitoring else None,
        "EbsOptimized": wish.ebs_optimized,
        "DisableApiTermination": wish.termination_protection or None,
        "InstanceInitiatedShutdownBehavior": _unless(wish.shutdown_behavior, "stop"),
        "CreditSpecification": wish.credit_mode and {"CpuCredits": wish.credit_mode},
        "InstanceMarketOptions": _market(wish),
        "Placement": _placement(wish) or None,
        "PrivateDnsNameOptions": _names(wish),
    }
    return {name: value for name, value in asked.items() if value is not None}


def metadata(wish: InstanceGroup) -> Any:
    """The metadata service's options: tokens are required, whatever is asked for."""
    asked = {"HttpTokens": "required", "HttpPutResponseHopLimit": wish.metadata.hop_limit}
    if wish.metadata.tags:
        asked["InstanceMetadataTags"] = "enabled"
    if wish.metadata.ipv6:
        asked["HttpProtocolIpv6"] = "enabled"
    return asked


def block_devices(
    wish: InstanceGroup, root_device: str, root_size: int, brought_along: Mapping[str, int]
) -> list[dict[str, Any]]:
    """The volumes; `brought_along` are further ones that the image has, by device, in GiB.

    What the spec does not name of these is made safe: as the image has them, they may be without
    encryption, and outlive the instance.
    """
    named = {volume.device_name for volume in wish.volumes} | {root_device}
    root = _ebs(wish.root_volume) | {"VolumeSize": root_size, "DeleteOnTermination": True}
    return [
        {"DeviceName": root_device, "Ebs": root},
        *({"DeviceName": volume.device_name, "Ebs": _further(volume)} for volume in wish.volumes),
        *(
            {"DeviceName": device, "Ebs": _safe(size)}
            for device, size in brought_along.items()
            if device not in named
        ),
    ]


def _safe(size: int) -> dict[str, Any]:
    return {"VolumeSize": size, "Encrypted": True, "DeleteOnTermination": True}


def _further(volume: Volume) -> dict[str, Any]:
    asked = _ebs(volume) | {"DeleteOnTermination": volume.delete_on_termination}
    if volume.size is not None:
        asked["VolumeSize"] = volume.size
    if volume.snapshot is not None:
        asked["SnapshotId"] = volume.snapshot
    return asked


def _ebs(volume: RootVolume | Volume) -> dict[str, Any]:
    asked: dict[str, Any] = {"Encrypted": volume.encrypted, "VolumeType": volume.type}
    optional = {
        "KmsKeyId": volume.kms_key,
        "Iops": volume.iops,
        "Throughput": volume.throughput,
    }
    return asked | {name: value for name, value in optional.items() if value is not None}


def _market(wish: InstanceGroup) -> Any:
    if wish.spot is None:
        return None
    asked = {"SpotInstanceType": "one-time", "InstanceInterruptionBehavior": "terminate"}
    if wish.spot.max_price is not None:
        asked["MaxPrice"] = wish.spot.max_price
    return {"MarketType": "spot", "SpotOptions": asked}


def _placement(wish: InstanceGroup) -> dict[str, Any]:
    asked: dict[str, Any] = {}
    if wish.tenancy != "default":
        asked["Tenancy"] = wish.tenancy
    if wish.placement_group is not None:
        asked["GroupName"] = wish.placement_group.name
        if wish.placement_group.partition is not None:
            asked["PartitionNumber"] = wish.placement_group.partition
    return asked


def _names(wish: InstanceGroup) -> Any:
    if wish.hostname is None:
        return None
    return {
        "HostnameType": wish.hostname.type,
        "EnableResourceNameDnsARecord": wish.hostname.a_record,
        "EnableResourceNameDnsAAAARecord": wish.hostname.aaaa_record,
    }


def _unless(value: str, default: str) -> str | None:
    return None if value == default else value
