"""Specs for tests: small ones that are quick to build."""

from collections.abc import Iterator
from typing import Any, Final

from envwright.spec import EnvironmentSpec, parse_spec

REGION: Final = "eu-west-1"
ZONES: Final = ("eu-west-1a", "eu-west-1b")


def spec_data(name: str = "web", **changes: Any) -> dict[str, Any]:
    """A network in one zone and nothing in it, as plain data, with these fields changed."""
    network = {"cidr": "10.20.0.0/16", "zones": [ZONES[0]]}
    return {"name": name, "region": REGION, "network": network} | changes


def spec(name: str = "web", **changes: Any) -> EnvironmentSpec:
    """The same as a spec."""
    return parse_spec(spec_data(name, **changes))


def some(count: int, **changes: Any) -> Iterator[EnvironmentSpec]:
    """So many of them, `web-0` and so on."""
    return (spec(f"web-{n}", **changes) for n in range(count))


def with_instances(image: str, name: str = "web", **changes: Any) -> dict[str, Any]:
    """Two zones, a security group, and one instance in each zone, as plain data."""
    web = {
        "count": 2,
        "types": ["t3.micro"],
        "image": image,
        "security_groups": ["web"],
        "root_volume": {"device_name": "/dev/xvda"},
    }
    groups = {"web": {"ingress": [{"ports": 443, "cidrs": ["0.0.0.0/0"]}]}}
    built = {
        "network": {"cidr": "10.20.0.0/16", "zones": [*ZONES]},
        "security": {"groups": groups},
        "instances": {"web": web},
    }
    return spec_data(name, **built) | changes
