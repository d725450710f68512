"""What a spec may say of things that exist already."""

from typing import Any

import pytest

from envwright.spec import parse_spec
from tests.spec_data import faults_of, valid

VPC = "vpc-0123456789abcdef0"
SUBNET = "subnet-0123456789abcdef0"
GROUP = "sg-0123456789abcdef0"
TAGS = {"Name": "shared", "aws:cloudformation:stack-name": "base", "envwright:environment": "net"}


def guest() -> dict[str, Any]:
    data = valid()
    data["network"] = {
        "existing_vpc": {"id": VPC},
        "tiers": [{"name": "front", "access": "public", "existing": {"ids": [SUBNET]}}],
    }
    data["security"]["existing_groups"] = {"theirs": {"tags": TAGS}}
    data["security"]["key_pair"] = {"name": "team key"}
    data["security"]["groups"]["web"]["ingress"][0]["groups"] = ["theirs"]
    data["instances"]["web"]["security_groups"] = ["web", "theirs"]
    return data


def test_all_that_exists_can_be_named_by_id_or_tags() -> None:
    """Tags of others too, whatever they begin with; and each wish has a digest of its own."""
    by_id, by_tags = guest(), guest()
    by_tags["network"]["existing_vpc"] = {"tags": TAGS}
    by_tags["network"]["tiers"][0]["existing"] = {"tags": TAGS}
    by_tags["security"]["existing_groups"] = {"theirs": {"id": GROUP}}
    by_tags["security"]["key_pair"] = {"tags": TAGS}

    first, second = parse_spec(by_id), parse_spec(by_tags)

    assert first.digest != second.digest
    assert parse_spec(second.model_dump(mode="json")).digest == second.digest


MISTAKES = [
    ("network.cidr", "10.0.0.0/16", "network.existing_vpc", "give one of them"),
    ("network.existing_vpc", {}, "network.existing_vpc", "names nothing: give one of `tags`, `id`"),
    ("network.existing_vpc.tags", TAGS, "network.existing_vpc", "exclude each other"),
    ("network.existing_vpc.id", "vpc-1", "network.existing_vpc.id", "not the id of a VPC"),
    ("network.existing_vpc", {"tags": {}}, "network.existing_vpc.tags", "names no tag"),
    (
        "network.existing_vpc",
        {"tags": {"Name": "a*"}},
        "network.existing_vpc.tags.Name",
        "characters that AWS does not take",
    ),
    ("network.dns", {"hostnames": True}, "network.dns", "never changed"),
    ("network.nat_gateways", "one", "network.nat_gateways", "never changed"),
    ("network.reserved_zones", 1, "network.reserved_zones", "never changed"),
    ("network.flow_logs", [{"bucket": "arn:aws:s3:::logs"}], "network.flow_logs", "never changed"),
    (
        "network.tiers",
        [{"name": "a", "access": "public", "existing": {"tags": TAGS}, "prefix": 20}],
        "network.tiers[0]",
        "`prefix` and `existing` exclude each other",
    ),
    (
        "network.tiers",
        [{"name": "a", "access": "public", "existing": {"ids": [SUBNET, SUBNET]}}],
        "network.tiers[0].existing.ids[1]",
        "in this list already",
    ),
    ("security.default_group", "stripped", "security.default_group", "never changed"),
    (
        "security.existing_groups.web",
        {"id": GROUP},
        "security.existing_groups.web",
        "one of `security.groups` too",
    ),
    ("security.key_pair.tags", TAGS, "security.key_pair", "exclude each other"),
    ("security.key_pair", {}, "security.key_pair", "`public_key`, `name`, `tags`"),
    ("security.key_pair.name", " team", "security.key_pair.name", "no space at either end"),
    ("instances.web.zones", ["eu-west-1a"], "instances.web.zones", "does not name its zones"),
]


@pytest.mark.parametrize(("place", "value", "path", "words"), MISTAKES)
def test_one_mistake_is_one_fault(place: str, value: Any, path: str, words: str) -> None:
    """At its place, and with what to do about it."""
    data = target = guest()
    *outer, last = place.split(".")
    for key in outer:
        target = target[key]
    target[last] = value

    ((at, sentence),) = faults_of(data)

    assert at == path
    assert words in sentence


@pytest.mark.parametrize(
    ("field", "value"), [("cidr", "10.0.0.0/16"), ("zones", ["eu-west-1a", "eu-west-1b"])]
)
def test_a_network_that_is_made_needs_both(field: str, value: Any) -> None:
    """They are left out for an existing VPC alone."""
    data = valid()
    given = data["network"].pop(field)
    assert given

    ((path, sentence),) = faults_of(data)

    assert path == f"network.{field}"
    assert sentence.startswith("This field is missing. The ")


def test_what_belongs_to_a_vpc_needs_that_to_exist() -> None:
    """Neither a subnet nor a group can be taken into a VPC that is made."""
    data = guest()
    data["network"] |= {"cidr": "10.0.0.0/16", "zones": 1}
    del data["network"]["existing_vpc"]

    assert [path for path, _ in faults_of(data)] == [
        "network.tiers[0].existing",
        "security.existing_groups.theirs",
    ]


def test_new_subnets_of_an_existing_vpc_are_given_whole() -> None:
    """Which addresses are free, and in which zones, is not known; nor are there NAT gateways."""
    data = guest()
    data["network"]["tiers"] += [
        {"name": "sized", "access": "public", "prefix": 24},
        {"name": "out", "access": "private", "cidrs": ["10.0.9.0/24"]},
        {"name": "data", "access": "isolated", "cidrs": ["10.0.8.0/24"]},
    ]

    assert [(path, sentence.split(":")[0][:30]) for path, sentence in faults_of(data)] == [
        ("network.tiers[1]", "Nobody knows here which addres"),
        ("network.tiers[2].access", "NAT gateways are not made in a"),
        ("network.zones", "This field is missing. The ava"),
    ]
    data["network"]["zones"] = ["eu-west-1a"]
    del data["network"]["tiers"][1:3]
    assert parse_spec(data).network.subnet_cidrs("data") == ("10.0.8.0/24",)
