"""DescribeTags as AWS answers it: with all its filters, and after a while without what is gone.

A terminated instance and a deleted NAT gateway are shown for an hour more, and so are their tags.
"""

import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from moto.ec2.utils import EC2_PREFIX_TO_RESOURCE, get_prefix

from tests.cloud.emulator.patterns import Patterns, literal_start

_NAMES = {
    "vpc-elastic-ip": "elastic-ip",
    "nat-gateway": "natgateway",
    "flow-logs": "vpc-flow-log",
}
"""The types of which moto has another name than AWS."""
_LOOKS_IN_THAT_TIME = 10
"""How often all that is gone is looked for, in the time for which its tags outlive it."""


class Index:
    """Which resources had which tags, so that not all of them need be looked through."""

    def __init__(self) -> None:
        self._values: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
        self._order: dict[str, int] = {}

    def add(self, resource_id: str, tags: dict[str, str]) -> None:
        """A value that is changed later stays beside the new one: it finds too much, no more."""
        self._order.setdefault(resource_id, len(self._order))
        for key, value in tags.items():
            values, entry = self._values[key], (value, resource_id)
            place = bisect_left(values, entry)
            if values[place : place + 1] != [entry]:
                values.insert(place, entry)

    def find(self, keys: Iterable[str], patterns: Collection[str]) -> list[str]:
        """At least those whose tag of one of these keys fits one of the patterns, the oldest
        first."""
        found = set()
        for values in (self._values[key] for key in keys):
            for start in map(literal_start, patterns):
                place = bisect_left(values, (start, ""))
                while place < len(values) and values[place][0].startswith(start):
                    found.add(values[place][1])
                    place += 1
        return sorted(found, key=self._order.__getitem__)


class Tags:
    """What `StrictBackend` does with tags."""

    @property
    def _index(self: Any) -> Index:
        # Not in __init__: moto calls those of its own parts alone.
        index: Index = self.__dict__.setdefault("_index_of_tags", Index())
        return index

    def create_tags(self: Any, resource_ids: Sequence[str], tags: dict[str, str]) -> bool:
        super().create_tags(resource_ids, tags)  # type: ignore[misc]
        for one in resource_ids:
            self._index.add(one, tags)
        return True

    def describe_tags(self: Any, filters: dict[str, list[str]] | None = None) -> list[Any]:
        filters = filters or {}
        wanted = {name: Patterns(values) for name, values in filters.items()}
        ids = self._worth_looking_at(filters)
        forgotten = self._forgotten(ids)
        return [
            tag
            for one in ids
            if one not in forgotten
            for key, value in self.tags[one].items()
            for tag in [
                {"resource_id": one, "key": key, "value": value, "resource_type": _type(one)}
            ]
            if all(_fits(tag, name, patterns) for name, patterns in wanted.items())
        ]

    def _worth_looking_at(self: Any, filters: dict[str, list[str]]) -> Sequence[str]:
        """Those that can fit, the oldest first: of what is asked for by tag, or else all."""
        for name, patterns in filters.items():
            if name.startswith("tag:"):
                return self._index.find([name.removeprefix("tag:")], patterns)
        keys = filters.get("key", [])
        if keys and "value" in filters and all(literal_start(one) == one for one in keys):
            return self._index.find(keys, filters["value"])
        return list(self.tags)

    def _forgotten(self: Any, ids: Sequence[str]) -> set[str]:
        """What of these is gone for longer than its tags outlive it."""
        outlive = self.terms.durations.tags_outlive
        missed: dict[str, float] = self.__dict__.setdefault("_missed", {})
        now = time.monotonic()
        for one in self._to_be_looked_for(ids, now, outlive / _LOOKS_IN_THAT_TIME):
            # When it was first missed: nobody looks at tags between that and its end.
            if not self._is_there(one):
                missed.setdefault(one, now)
        return {one for one in ids if one in missed and now - missed[one] >= outlive}

    def _to_be_looked_for(self: Any, ids: Sequence[str], now: float, every: float) -> Sequence[str]:
        """These; and now and then all there are, since what is gone is to be forgotten in time."""
        if every and now >= self.__dict__.setdefault("_look_for_all_at", now):
            self._look_for_all_at = now + every
            return list(self.tags)
        return ids

    def _is_there(self: Any, one: str) -> bool:
        match one.split("-")[0]:
            case "subnet":
                return any(one in subnets for subnets in self.subnets.values())
            case "sg":
                return self.get_security_group_from_id(one) is not None
            case "key":
                return any(pair.id == one for pair in self.key_pairs.values())
            case "eipalloc":
                return any(address.id == one for address in self.addresses)
            case prefix:
                holder = _HOLDERS.get(prefix)
                return holder is None or one in getattr(self, holder)


_HOLDERS = {
    "vpc": "vpcs",
    "igw": "internet_gateways",
    "rtb": "route_tables",
    "vol": "volumes",
    "eni": "enis",
    "vpce": "vpc_end_points",
    "acl": "network_acls",
    "eigw": "egress_only_internet_gateways",
    "dopt": "dhcp_options_sets",
    "fl": "flow_logs",
}
"""Where moto has what there is, by its ids' prefix. Of others the tags stay for ever."""


def _type(resource_id: str) -> str:
    named = EC2_PREFIX_TO_RESOURCE.get(get_prefix(resource_id), "")
    return _NAMES.get(named, named)


def _fits(tag: dict[str, str], name: str, patterns: Patterns) -> bool:
    if name.startswith("tag:"):
        return tag["key"] == name.removeprefix("tag:") and patterns.fit(tag["value"])
    return patterns.fit(tag[name.replace("-", "_")])
