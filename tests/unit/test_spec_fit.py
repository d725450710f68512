"""What no field of a spec can say alone: whether its parts fit together."""

import pytest

from envwright.spec import parse_spec
from tests.spec_data import faults_of, many_tags, with_value


def test_zones_by_name_need_a_network_that_names_its_zones():
    """A network that does not name its zones has no names to place by."""
    data = with_value("network.zones", 2)
    data["instances"]["web"]["zones"] = ["eu-west-1a"]

    ((path, sentence),) = faults_of(data)

    assert path == "instances.web.zones"
    assert "does not name its zones" in sentence


@pytest.mark.parametrize(("count", "fits"), [(22, True), (23, False)])
def test_the_instances_must_fit_into_the_subnets(count: int, fits: bool):
    """AWS keeps 5 of a subnet's addresses: a /28 takes 11, and two of them 22 spread evenly."""
    data = with_value("network.public_subnets", {"prefix": 28})
    data["instances"]["web"]["count"] = count

    if fits:
        assert parse_spec(data).instances["web"].count == count
        return
    ((path, sentence),) = faults_of(data)
    assert path == "instances.web.count"
    assert "12 instances would share the subnet 10.20.0.0/28, which has 11 addresses" in sentence


@pytest.mark.parametrize(("count", "fits"), [(20, True), (21, False)])
def test_endpoints_of_interfaces_take_addresses_too(count: int, fits: bool):
    """Each takes one in every zone of its tier; a gateway endpoint takes none."""
    data = with_value("network.public_subnets", {"prefix": 28})
    data["network"]["dns"] = {"hostnames": True}
    data["network"]["endpoints"] = {"s3": {}, "ssm": {"security_groups": ["web"]}}
    data["instances"]["web"]["count"] = count

    if fits:
        assert parse_spec(data).instances["web"].count == count
        return
    ((path, sentence),) = faults_of(data)
    assert path == "instances.web.count"
    assert "has 10 addresses (5 are AWS's own, and 1 for VPC endpoints)" in sentence


def test_groups_that_share_a_zone_share_its_subnet():
    """What fits alone need not fit together."""
    data = with_value("network.public_subnets", {"prefix": 28})
    group = data["instances"]["web"]
    data["instances"] = {
        "a": {**group, "count": 11, "zones": ["eu-west-1b"]},
        "b": {**group, "count": 2},
    }

    ((path, sentence),) = faults_of(data)

    assert path == "instances.a.count"
    assert "12 instances would share the subnet 10.20.0.16/28" in sentence


@pytest.mark.parametrize(("own", "fits"), [(21, True), (22, False)])
def test_tags_of_environment_and_group_count_together(own: int, fits: bool):
    """46 tags are the caller's; a name that stands in both counts once."""
    data = with_value("tags", {**many_tags(25), "both": "here"})
    data["instances"]["web"]["tags"] = {f"own-{n}": "x" for n in range(own - 1)} | {"both": "there"}

    if fits:
        assert len(parse_spec(data).instances["web"].tags) == own
        return
    ((path, sentence),) = faults_of(data)
    assert path == "instances.web.tags"
    assert "these are 47 tags" in sentence
