"""The tiers of a network: what they default to, what is refused, and how version 0.1.0 said it."""

import json
from typing import Any

import pytest

from envwright.record import Record
from envwright.spec import EnvironmentSpec, parse_spec
from tests.spec_data import faults_of, valid, with_value

PUBLIC = {"name": "public", "access": "public"}
PRIVATE = {"name": "app", "access": "private"}
ISOLATED = {"name": "data", "access": "isolated"}


def with_network(**fields: Any) -> dict[str, Any]:
    data = valid()
    data["network"] |= fields
    return data


@pytest.mark.parametrize("asked", [{}, {"prefix": 24}, {"cidrs": ["10.20.7.0/24", "10.20.9.0/24"]}])
def test_public_subnets_are_a_tier_named_public(asked: dict[str, Any]) -> None:
    """What version 0.1.0 wrote is the same wish as the tier, with one digest."""
    earlier = parse_spec(with_network(public_subnets=asked))
    today = parse_spec(with_network(tiers=[PUBLIC | asked]))

    assert earlier == today
    assert earlier.digest == today.digest
    assert EnvironmentSpec.model_validate(with_network(public_subnets=asked)) == today


def test_a_record_of_version_0_1_0_is_read(tmp_path: Any) -> None:
    """Its spec is taken out of the record as JSON, without `parse_spec`."""
    written = json.dumps(with_network(public_subnets={"cidrs": None, "prefix": None}))

    assert EnvironmentSpec.model_validate_json(written).digest == parse_spec(valid()).digest
    assert Record.model_fields["spec"].annotation == EnvironmentSpec | None


def test_both_ways_at_once_are_refused() -> None:
    """Nobody has to guess which of the two counts."""
    ((path, sentence),) = faults_of(with_network(public_subnets={}, tiers=[PUBLIC]))

    assert path == "network.public_subnets"
    assert "There is no such field" in sentence


@pytest.mark.parametrize(
    ("tiers", "asked", "count"),
    [
        ([PUBLIC], None, 0),
        ([PUBLIC, PRIVATE], None, 1),
        ([PUBLIC, ISOLATED], None, 0),
        ([PUBLIC, PRIVATE], "one_per_zone", 2),
    ],
)
def test_private_tiers_get_one_nat_gateway(
    tiers: list[dict[str, str]], asked: str | None, count: int
) -> None:
    """Where there is a private tier, and unless one for each zone is asked for."""
    network = parse_spec(with_network(tiers=tiers, nat_gateways=asked)).network

    assert network.nat_gateway_count == count


def test_over_ipv6_a_private_tier_leads_out_without_a_nat_gateway() -> None:
    """By an egress-only gateway: then there need not be a public tier either."""
    asked = with_network(tiers=[PRIVATE], nat_gateways="none", ipv6=True)

    assert parse_spec(asked).network.nat_gateway_count == 0


FAULTS = [
    ({"tiers": []}, "network.tiers", "needs 1 entry or more"),
    ({"tiers": [PUBLIC] * 2}, "network.tiers[1].name", "is the name of a tier before this one"),
    ({"tiers": [{"name": "x"}]}, "network.tiers[0].access", "This field is missing"),
    (
        {"tiers": [PUBLIC | {"prefix": 17}, ISOLATED | {"prefix": 20}]},
        "network.tiers[1].prefix",
        "holds 0 subnets of /20 for the tier `data`, and 2 are needed",
    ),
    (
        {"tiers": [PUBLIC | {"prefix": 18}], "reserved_zones": 3},
        "network.tiers[0].prefix",
        "holds 4 subnets of /18 for the tier `public`, and 5 are needed, the reserved zones'",
    ),
    (
        {
            "tiers": [
                PUBLIC | {"cidrs": ["10.20.0.0/24", "10.20.1.0/24"]},
                ISOLATED | {"cidrs": ["10.20.2.0/24", "10.20.1.128/25"]},
            ]
        },
        "network.tiers[1].cidrs[1]",
        "10.20.1.128/25 overlaps 10.20.1.0/24",
    ),
    ({"reserved_zones": 5}, "network.reserved_zones", "more than 6 zones"),
    ({"reserved_zones": 6}, "network.reserved_zones", "at most 5"),
    ({"nat_gateways": "one"}, "network.nat_gateways", "there is none: leave this out"),
    (
        {"tiers": [PUBLIC, PRIVATE], "nat_gateways": "none"},
        "network.nat_gateways",
        "The tier `app` is private and has no way out",
    ),
    ({"tiers": [PRIVATE]}, "network.tiers", "stands in a public subnet: add a public tier"),
    ({"nat_gateways": "two"}, "network.nat_gateways", "This must be"),
]


@pytest.mark.parametrize(("fields", "path", "sentence"), FAULTS)
def test_tiers_that_cannot_be_are_refused(fields: dict[str, Any], path: str, sentence: str) -> None:
    """With one sentence, at its place."""
    ((told_at, told),) = faults_of(with_network(**fields))

    assert told_at == path
    assert sentence in told


@pytest.mark.parametrize(
    ("fields", "path", "sentence"),
    [
        ({"tier": "data"}, "tier", "has no tier `data`; it has `public`, `app`."),
        ({"tier": "app", "public_address": True}, "public_address", "would lead nowhere there"),
    ],
)
def test_groups_stand_in_a_tier_that_suits_them(
    fields: dict[str, Any], path: str, sentence: str
) -> None:
    """A tier that there is, and a public address only where it leads somewhere."""
    data = with_network(tiers=[PUBLIC, PRIVATE])
    data["instances"]["web"] |= fields

    ((told_at, told),) = faults_of(data)

    assert told_at == f"instances.web.{path}"
    assert sentence in told


@pytest.mark.parametrize(("count", "fits"), [(20, True), (21, False)])
def test_a_nat_gateway_takes_an_address_of_its_subnet(count: int, fits: bool) -> None:
    """Of the 11 addresses of a public /28, the zone with the NAT gateway has 10 for instances."""
    data = with_value("network.tiers", [PUBLIC | {"prefix": 28}, PRIVATE])
    data["instances"]["web"]["count"] = count

    if fits:
        assert parse_spec(data).instances["web"].count == count
        return
    ((path, sentence),) = faults_of(data)
    assert path == "instances.web.count"
    assert "5 are AWS's own and one is the NAT gateway's" in sentence
