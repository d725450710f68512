"""How a group's instances are shared out over its zones, and launched."""

from hypothesis import given
from hypothesis import strategies as st

from envwright.spec import parse_spec
from tasks.instance import launches, spread
from tasks.known import Known

ZONES = [f"eu-west-1{letter}" for letter in "abcdef"]


@given(count=st.integers(1, 100), zones=st.integers(1, 6))
def test_instances_are_spread_evenly(count: int, zones: int) -> None:
    """All of them, no zone with more than one above another, the first zones first."""
    shares = dict(spread(count, ZONES[:zones]))

    assert sum(shares.values()) == count
    assert list(shares) == ZONES[: min(count, zones)]
    assert list(shares.values()) == sorted(shares.values(), reverse=True)
    assert max(shares.values()) - min(shares.values()) <= 1


def test_each_group_is_launched_once_in_each_of_its_zones() -> None:
    """Under a key of group and zone; a group may be in some of the network's zones only.

    What is to be tried next is the same type in the group's other zones, and then the next type.
    """
    common = {
        "types": ["t3.micro", "t3.small"],
        "image": "ami-0123456789abcdef0",
        "security_groups": ["web"],
        "root_volume": {"device_name": "/dev/xvda", "size": 8},
    }
    spec = parse_spec(
        {
            "name": "web",
            "region": "eu-west-1",
            "network": {"cidr": "10.0.0.0/16", "zones": ZONES[:3]},
            "security": {"groups": {"web": {}}},
            "instances": {
                "web": common | {"count": 4},
                "db": common | {"count": 2, "zones": [ZONES[1]]},
            },
        }
    )
    found = launches(Known(spec, {}))

    assert {(one.key, one.count, one.places[0].subnet) for one in found} == {
        ("instance/instances/web-eu-west-1a", 2, "network/subnet/public-eu-west-1a"),
        ("instance/instances/web-eu-west-1b", 1, "network/subnet/public-eu-west-1b"),
        ("instance/instances/web-eu-west-1c", 1, "network/subnet/public-eu-west-1c"),
        ("instance/instances/db-eu-west-1b", 2, "network/subnet/public-eu-west-1b"),
    }
    assert [str(place) for place in found[1].places] == [
        "t3.micro in eu-west-1b",
        "t3.micro in eu-west-1c",
        "t3.micro in eu-west-1a",
        "t3.small in eu-west-1b",
        "t3.small in eu-west-1c",
        "t3.small in eu-west-1a",
    ]
    assert {place.zone for place in found[3].places} == {ZONES[1]}
