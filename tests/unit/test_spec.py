"""What a valid spec says: defaults, derived subnets, its id, its canonical form and its digest."""

import copy
import json
import random
import subprocess
import sys
from ipaddress import IPv4Network
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from envwright.spec import EnvironmentSpec, KeyPair, Network, Rule, Tier, parse_spec

SECRET = "the-password-of-the-house"


def small(**fields: Any) -> dict[str, Any]:
    """The smallest spec there is, with `fields` in it."""
    network = {"cidr": "10.20.0.0/16", "zones": 2}
    return {"name": "web", "region": "eu-west-1", "network": network, **fields}


def full() -> dict[str, Any]:
    """A spec with something in every part."""
    return small(
        account={"role_arn": "arn:aws:iam::123456789012:role/builder", "external_id": "abc123"},
        tags={"team": "red", "cost": "42"},
        deadline="30m",
        network={"cidr": "10.20.0.0/16", "zones": ["eu-west-1a", "eu-west-1b"]},
        security={
            "groups": {
                "web": {
                    "ingress": [
                        {"ports": [443, "8000-8100", 80], "cidrs": ["10.0.0.0/8", "::/0"]},
                        {"ports": 5432, "groups": ["db"], "self": True},
                    ],
                    "egress": [],
                },
                "db": {"ingress": [{"protocol": "icmp", "groups": ["web"]}]},
            }
        },
        instances={
            "web": {
                "types": ["t3.micro", "t3a.micro"],
                "image": "ami-0123456789abcdef0",
                "security_groups": ["web", "db"],
                "user_data": SECRET,
            }
        },
    )


def test_a_small_spec_gets_the_safe_defaults():
    """What is left out is filled in: clean up on failure, an hour, AWS's own DNS settings."""
    spec = parse_spec(small())

    assert (spec.on_failure, spec.deadline, spec.account) == ("cleanup", 3600, None)
    assert (spec.network.dns.support, spec.network.dns.hostnames) == (True, False)
    assert (spec.security.groups, spec.security.key_pair, spec.instances) == ({}, None, {})


def test_an_instance_group_gets_the_safe_defaults():
    """One instance, on an encrypted gp3 volume of the image's own size."""
    group = parse_spec(full()).instances["web"]

    assert (group.count, group.zones) == (1, None)
    assert group.root_volume.model_dump() == {
        "size": None,
        "type": "gp3",
        "encrypted": True,
        "kms_key": None,
        "iops": None,
        "throughput": None,
        "device_name": None,
    }


def test_a_spec_cannot_be_changed():
    """A spec is frozen: what was accepted stays what it was."""
    with pytest.raises(ValidationError, match="frozen"):
        parse_spec(small()).name = "other"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("account", "expected"),
    [
        (None, "web.eu-west-1"),
        ({"role_arn": "arn:aws:iam::123456789012:role/a/b"}, "web.eu-west-1.123456789012"),
    ],
)
def test_the_id_names_environment_region_and_a_named_account(
    account: dict[str, str] | None, expected: str
):
    """The same name in the same region and account is the same environment."""
    assert parse_spec(small(account=account)).environment_id == expected


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("90s", 90), ("30m", 1800), ("2h", 7200), ("24h", 86400), (60, 60)],
)
def test_a_deadline_is_kept_in_seconds(written: object, seconds: int):
    """A duration can be written for people; the spec holds whole seconds."""
    assert parse_spec(small(deadline=written)).deadline == seconds


@pytest.mark.parametrize(
    ("written", "seconds"), [("5m", 300), ("8h", 28800), ("365d", 31_536_000), (None, None)]
)
def test_a_time_to_live_is_kept_in_seconds(written: object, seconds: int | None):
    """Without one, an environment lives until somebody takes it down."""
    assert parse_spec(small(ttl=written)).ttl == seconds


@pytest.mark.parametrize(
    ("rule", "ranges"),
    [
        ({"ports": 443}, ((443, 443),)),
        ({"ports": "443"}, ((443, 443),)),
        ({"ports": "8000-8100"}, ((8000, 8100),)),
        ({"ports": [80, "8000-8100"]}, ((80, 80), (8000, 8100))),
        ({"ports": "all"}, ((0, 65535),)),
        ({"protocol": "icmp"}, ((-1, -1),)),
        ({"protocol": "all"}, ((-1, -1),)),
    ],
)
def test_ports_become_ranges(rule: dict[str, Any], ranges: tuple[tuple[int, int], ...]):
    """However ports are written, the rule gives them as the EC2 API wants them."""
    assert Rule.model_validate({**rule, "cidrs": ["10.0.0.0/8"]}).port_ranges() == ranges


def test_addresses_take_their_shortest_form():
    """Two ways to write an IPv6 block are one."""
    rule = Rule(ports=443, cidrs=("2001:0DB8:0::/32",))

    assert rule.cidrs == ("2001:db8::/32",)


def test_given_subnets_are_taken_as_they_are():
    """Subnets that the caller cut are the environment's."""
    cidrs = ("10.20.7.0/24", "10.20.9.0/28")
    network = Network(
        cidr="10.20.0.0/16", zones=2, tiers=(Tier(name="web", access="public", cidrs=cidrs),)
    )

    assert network.subnet_cidrs("web") == cidrs


def test_a_given_prefix_cuts_the_network_from_its_start():
    """A prefix length alone says how large the subnets are."""
    network = Network(
        cidr="10.20.0.0/16", zones=3, tiers=(Tier(name="web", access="public", prefix=24),)
    )

    assert network.subnet_cidrs("web") == ("10.20.0.0/24", "10.20.1.0/24", "10.20.2.0/24")


@given(prefix=st.integers(16, 28), zones=st.integers(1, 6), block=st.integers(0, 2**12 - 1))
def test_derived_subnets_fit_and_leave_room(prefix: int, zones: int, block: int):
    """One subnet a zone, inside the VPC, none overlapping; half stays free until /28 is reached."""
    vpc = IPv4Network(((10 << 24) + (block << (32 - prefix)) % 2**24, prefix))
    network = Network(cidr=str(vpc), zones=zones)
    assume(2 ** (28 - prefix) >= zones)

    subnets = [IPv4Network(cidr) for cidr in network.subnet_cidrs("public")]

    assert len(subnets) == zones
    assert all(subnet.subnet_of(vpc) for subnet in subnets)
    assert not any(a.overlaps(b) for i, a in enumerate(subnets) for b in subnets[:i])
    sizes = {subnet.prefixlen for subnet in subnets}
    used = zones * subnets[0].num_addresses
    assert len(sizes) == 1
    assert sizes == {28} or used * 2 <= vpc.num_addresses


def shuffled(value: Any, chance: random.Random) -> Any:
    """The same data, with the keys of every mapping in another order."""
    if isinstance(value, dict):
        keys = list(value)
        chance.shuffle(keys)
        return {key: shuffled(value[key], chance) for key in keys}
    return [shuffled(entry, chance) for entry in value] if isinstance(value, list) else value


@given(st.randoms(use_true_random=False))
def test_the_order_of_fields_does_not_change_the_digest(chance: random.Random):
    """The digest belongs to the wish, not to the way that it was written down."""
    assert parse_spec(shuffled(full(), chance)).digest == parse_spec(full()).digest


def _as_seconds(spec: dict[str, Any]) -> None:
    spec["deadline"] = 1800


def _defaults_written_out(spec: dict[str, Any]) -> None:
    spec["network"]["dns"] = {"support": True}
    spec["on_failure"] = "cleanup"
    spec["instances"]["web"]["root_volume"] = {}


def _groups_in_another_order(spec: dict[str, Any]) -> None:
    spec["instances"]["web"]["security_groups"].reverse()


def _rules_in_another_order(spec: dict[str, Any]) -> None:
    ingress = spec["security"]["groups"]["web"]["ingress"]
    ingress.reverse()
    ingress[-1]["ports"].reverse()
    ingress[-1]["cidrs"].reverse()


@pytest.mark.parametrize(
    "rewrite",
    [_as_seconds, _defaults_written_out, _groups_in_another_order, _rules_in_another_order],
)
def test_the_same_wish_in_other_words_has_the_same_digest(rewrite: Any):
    """Durations, defaults and lists that mean sets have one canonical form."""
    other = full()
    rewrite(other)

    assert other != full()
    assert parse_spec(other).digest == parse_spec(full()).digest


def _other_preference(spec: dict[str, Any]) -> None:
    spec["instances"]["web"]["types"].reverse()


def _other_zone_order(spec: dict[str, Any]) -> None:
    spec["network"]["zones"].reverse()


def _nothing_out(spec: dict[str, Any]) -> None:
    spec["security"]["groups"]["db"]["egress"] = []


@pytest.mark.parametrize("change", [_other_preference, _other_zone_order, _nothing_out])
def test_another_wish_has_another_digest(change: Any):
    """What would be built in another way is another spec."""
    other = full()
    change(other)

    assert parse_spec(other).digest != parse_spec(full()).digest


def test_the_canonical_json_can_be_parsed_again():
    """A record keeps the canonical JSON, and gets the same wish out of it."""
    spec = parse_spec(full())

    again = parse_spec(json.loads(spec.canonical_json()))

    assert again.canonical_json() == spec.canonical_json()
    assert again.instances["web"].user_data == SECRET


def test_parsing_leaves_the_callers_data_alone():
    """Whoever hands data over gets it back as it was."""
    data = full()
    before = copy.deepcopy(data)

    parse_spec(data)

    assert data == before


def test_a_spec_does_not_show_its_secrets():
    """User data, key material and the external id never reach a log by way of `repr`."""
    spec = parse_spec(full())
    key_pair = KeyPair.model_construct(public_key="ssh-ed25519 " + SECRET)

    assert SECRET not in f"{spec!r} {spec} {key_pair!r} {key_pair}"
    assert "abc123" not in repr(spec)


def test_a_spec_made_in_python_is_checked_as_well():
    """Not only parsed data: no inconsistent spec can come to be at all."""
    network = Network(cidr="10.20.0.0/16", zones=("us-east-1a",))

    with pytest.raises(ValidationError, match="us-east-1a is not a zone of the spec's region"):
        EnvironmentSpec(name="web", region="eu-west-1", network=network)


def test_importing_the_spec_loads_nothing_heavy():
    """Every command of the command line pays for this import."""
    code = (
        "import sys, envwright.spec\n"
        "print(*{'celery', 'kombu', 'redis', 'botocore', 'yaml', 'rich'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == ""
