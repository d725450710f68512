"""DescribeTags as AWS answers it: with all its filters, and after a while without what is gone.

A terminated instance and a deleted NAT gateway are shown for an hour more, and so are their tags.
"""

import re
import time
from fnmatch import translate
from functools import cache
from typing import Any

from moto.ec2.utils import EC2_PREFIX_TO_RESOURCE, get_prefix

from tests.cloud.emulator.contents import subnets_of

_NAMES = {
    "vpc-elastic-ip": "elastic-ip",
    "nat-gateway": "natgateway",
    "flow-logs": "vpc-flow-log",
}
"""The types of which moto has another name than AWS."""


class Tags:
    """What `StrictBackend` does with tags."""

    def describe_tags(self: Any, filters: dict[str, list[str]] | None = None) -> list[Any]:
        wanted = {name: _either(tuple(values)) for name, values in (filters or {}).items()}
        forgotten = self._forgotten()
        return [
            tag
            for one, tags in self.tags.items()
            if one not in forgotten
            for key, value in tags.items()
            for tag in [
                {"resource_id": one, "key": key, "value": value, "resource_type": _type(one)}
            ]
            if all(_fits(tag, name, pattern) for name, pattern in wanted.items())
        ]

    def _forgotten(self: Any) -> set[str]:
        """What is gone for longer than its tags outlive it."""
        alive = {
            "vpc": self.vpcs,
            "subnet": {subnet.id for subnet in subnets_of(self)},
            "igw": self.internet_gateways,
            "rtb": self.route_tables,
            "sg": {one for groups in self.groups.values() for one in groups},
            "vol": self.volumes,
            "eni": self.enis,
            "key": {pair.id for pair in self.key_pairs.values()},
            "eipalloc": {address.id for address in self.addresses},
            "vpce": self.vpc_end_points,
            "acl": self.network_acls,
            "eigw": self.egress_only_internet_gateways,
            "dopt": self.dhcp_options_sets,
            "fl": self.flow_logs,
        }
        # When it was first missed: nobody looks at tags between that and its end.
        missed = self.__dict__.setdefault("_missed", {})
        now = time.monotonic()
        for one in self.tags:
            if one not in alive.get(one.split("-")[0], self.tags):
                missed.setdefault(one, now)
        return {one for one, at in missed.items() if now - at >= self.terms.durations.tags_outlive}


def _type(resource_id: str) -> str:
    named = EC2_PREFIX_TO_RESOURCE.get(get_prefix(resource_id), "")
    return _NAMES.get(named, named)


def _fits(tag: dict[str, str], name: str, pattern: re.Pattern[str]) -> bool:
    if name.startswith("tag:"):
        return tag["key"] == name.removeprefix("tag:") and bool(pattern.match(tag["value"]))
    return bool(pattern.match(tag[name.replace("-", "_")]))


@cache
def _either(values: tuple[str, ...]) -> re.Pattern[str]:
    """`*` and `?` stand for any text and any letter."""
    return re.compile("|".join(translate(value.replace("[", "[[]")) for value in values))
