"""What a call's form says, where moto does not read it."""

import re
from collections.abc import Mapping

_KEY = re.compile(r"(TagSpecification\.\d+)\.(Tag\.\d+)\.Key")


def tags(asked: Mapping[str, str], resource_type: str) -> dict[str, str]:
    """The tags that a create names for this type."""
    found: dict[str, str] = {}
    for name, value in asked.items():
        specification = _KEY.fullmatch(name)
        if specification and asked[f"{specification[1]}.ResourceType"] == resource_type:
            found[value] = asked.get(f"{specification[1]}.{specification[2]}.Value", "")
    return found


def structures(asked: Mapping[str, str], name: str) -> list[dict[str, str]]:
    """The members of a list of structures, such as `BlockDeviceMapping`."""
    found: dict[str, dict[str, str]] = {}
    for key, value in asked.items():
        if key.startswith(f"{name}."):
            number, _, member = key.removeprefix(f"{name}.").partition(".")
            found.setdefault(number, {})[member] = value
    return [found[number] for number in sorted(found, key=int)]
