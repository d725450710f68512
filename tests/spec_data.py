"""A valid spec as plain data, ways to spoil it, and what is then said about it."""

from typing import Any

import pytest

from envwright.errors import SpecError
from envwright.spec import parse_spec


def valid() -> dict[str, Any]:
    return {
        "name": "web",
        "region": "eu-west-1",
        "network": {"cidr": "10.20.0.0/16", "zones": ["eu-west-1a", "eu-west-1b"]},
        "security": {"groups": {"web": {"ingress": [{"ports": 443, "cidrs": ["0.0.0.0/0"]}]}}},
        "instances": {
            "web": {
                "types": ["t3.micro"],
                "image": "ami-0123456789abcdef0",
                "security_groups": ["web"],
            }
        },
    }


def with_value(place: str, value: Any) -> dict[str, Any]:
    """The valid spec with another value at a place such as `network.cidr`."""
    data = target = valid()
    *outer, last = place.split(".")
    for key in outer:
        target = target.setdefault(key, {})
    target[last] = value
    return data


def faults_of(data: Any) -> list[tuple[str, str]]:
    with pytest.raises(SpecError) as caught:
        parse_spec(data)
    return [(fault.path, fault.message) for fault in caught.value.faults]


def many_tags(count: int) -> dict[str, str]:
    return {f"tag-{number}": "x" for number in range(count)}
