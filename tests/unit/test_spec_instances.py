"""What a spec may ask of instances and their volumes, and what AWS would refuse of it."""

from typing import Any

import pytest

from envwright.spec import parse_spec
from tests.spec_data import faults_of, with_value

WEB = "instances.web"


def with_group(**changed: Any) -> dict[str, Any]:
    """The valid spec, with these fields in its group of instances."""
    data = with_value("name", "web")
    data["instances"]["web"] |= changed
    return data


@pytest.mark.parametrize(
    "volume",
    [
        {"size": 1},
        {"size": 65536, "iops": 80000, "throughput": 2000},
        {"size": 6, "iops": 3000, "throughput": 750},
        {"type": "gp2", "size": 16384},
        {"type": "io1", "size": 4, "iops": 200},
        {"type": "io1", "size": 16384, "iops": 64000},
        {"type": "io2", "size": 256, "iops": 256000},
        {"type": "st1", "size": 125},
        {"type": "sc1", "size": 16384},
        {"type": "standard", "size": 1024},
        {"snapshot": "snap-0123456789abcdef0", "encrypted": False},
        {"size": 1, "kms_key": "alias/disks", "delete_on_termination": False},
    ],
    ids=str,
)
def test_volumes_go_up_to_the_limits_of_their_types(volume: dict[str, Any]):
    """The last size, IOPS and throughput that AWS takes are taken."""
    spec = parse_spec(with_group(volumes=[{"device_name": "/dev/sdf", **volume}]))

    assert spec.instances["web"].volumes[0].device_name == "/dev/sdf"


@pytest.mark.parametrize(
    ("volume", "field", "told"),
    [
        ({"type": "gp2", "size": 16385}, ".size", "A gp2 volume has 1 to 16384 GiB"),
        ({"type": "st1", "size": 124}, ".size", "A st1 volume has 125 to 16384 GiB"),
        ({"type": "io1", "size": 3, "iops": 100}, ".size", "A io1 volume has 4 to 16384 GiB"),
        ({"type": "io2", "size": 8}, "", "An io2 volume needs `iops`"),
        ({"type": "gp2", "size": 8, "iops": 3000}, ".iops", "A gp2 volume takes no IOPS"),
        ({"size": 8, "iops": 2999}, ".iops", "3000 to 80000 IOPS"),
        ({"size": 8, "iops": 4001}, ".iops", "500 IOPS for each GiB, which makes 4000 here"),
        ({"type": "io1", "size": 4, "iops": 201}, ".iops", "which makes 200 here"),
        ({"size": 8, "throughput": 751}, ".throughput", "which makes 750 with 3000 IOPS"),
        ({"type": "gp2", "size": 8, "throughput": 125}, ".throughput", "Only gp3 volumes take"),
        ({"size": 8, "encrypted": False, "kms_key": "alias/a"}, ".kms_key", "uses no key"),
        ({"size": 8, "kms_key": "disks"}, ".kms_key", "is not a KMS key"),
        ({}, "", "needs a `size`, or a `snapshot`"),
        ({"size": 8, "device_name": "/dev/xvda"}, ".device_name", "the root volume already"),
    ],
    ids=str,
)
def test_a_volume_that_aws_would_refuse_is_told_at_its_place(
    volume: dict[str, Any], field: str, told: str
):
    """One fault, with the limit in it."""
    data = with_group(
        volumes=[{"device_name": "/dev/sdf", **volume}],
        root_volume={"device_name": "/dev/xvda", "size": 8},
    )

    ((path, sentence),) = faults_of(data)

    assert path == f"{WEB}.volumes[0]{field}"
    assert told in sentence


def test_two_volumes_share_no_device():
    """AWS would refuse the launch."""
    one = {"device_name": "/dev/sdf", "size": 8}

    ((path, sentence),) = faults_of(with_group(volumes=[one, one]))

    assert path == f"{WEB}.volumes[1].device_name"
    assert "entry 0 of this list" in sentence


def test_the_root_volume_has_the_limits_of_its_type():
    """It takes IOPS and throughput as every other volume does."""
    ((path, sentence),) = faults_of(with_group(root_volume={"size": 8, "iops": 80000}))

    assert path == f"{WEB}.root_volume.iops"
    assert "which makes 4000 here" in sentence


@pytest.mark.parametrize(
    ("changed", "path", "told"),
    [
        (
            {"spot": {}, "termination_protection": True},
            ".termination_protection",
            "AWS protects no spot instances",
        ),
        ({"credit_mode": "unlimited", "types": ["t3.micro", "m5.large"]}, ".types[1]", "no CPU"),
        ({"private_address": "10.20.0.10", "count": 2}, ".private_address", "say `count: 1`"),
        ({"private_address": "10.9.0.10"}, ".private_address", "in no subnet that this group"),
        ({"private_address": "10.20.0.3"}, ".private_address", "AWS keeps 10.20.0.3 for itself"),
        ({"private_address": "10.20.63.255"}, ".private_address", "AWS keeps 10.20.63.255"),
        ({"private_address": "10.20.0.300", "count": 1}, ".private_address", "not an IPv4"),
        (
            {"metadata": {"tags": True}, "tags": {"cost centre": "7"}},
            ".metadata.tags",
            "The tag `cost centre`",
        ),
        ({"metadata": {"hop_limit": 65}}, ".metadata.hop_limit", "64"),
        ({"spot": {"max_price": "0.0"}}, ".spot.max_price", "price of zero"),
        ({"spot": {"max_price": "cheap"}}, ".spot.max_price", "is not a price"),
        ({"placement_group": {"name": " a"}}, ".placement_group.name", "no space at either end"),
        (
            {"instance_profile": "a/b"},
            ".instance_profile",
            "is not the name of an instance profile",
        ),
    ],
    ids=str,
)
def test_an_option_that_aws_would_refuse_is_told_at_its_place(
    changed: dict[str, Any], path: str, told: str
):
    """One fault, and a sentence on what to change."""
    ((found, sentence),) = faults_of(with_group(**changed))

    assert found == f"{WEB}{path}"
    assert told in sentence


def test_two_groups_share_no_private_address():
    """The second launch would fail."""
    data = with_group(private_address="10.20.0.10")
    data["instances"]["db"] = data["instances"]["web"]

    ((path, sentence),) = faults_of(data)

    assert path == "instances.db.private_address"
    assert "that of `web` already" in sentence
