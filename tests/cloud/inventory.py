"""What truly exists in the cloud, as a test is told it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from envwright.names import TAG_RECORD, TAG_RESOURCE


@dataclass(frozen=True)
class Resource:
    """One resource, tagged or not."""

    kind: str
    id: str
    region: str
    state: str
    within: tuple[str, ...]
    """The ids of what it hangs on: of a subnet its VPC, of an instance its VPC and subnet."""
    tags: Mapping[str, str]

    @property
    def key(self) -> str | None:
        """`<environment id>/<key>`, where it says that it is an environment's."""
        return self.tags.get(TAG_RESOURCE)

    @property
    def owner(self) -> str | None:
        """The record that it says it belongs to."""
        return self.tags.get(TAG_RECORD)


class Inventory:
    """All that exists, but for what AWS gives every account, VPC and instance by itself."""

    def __init__(self, resources: Sequence[Resource]) -> None:
        self.resources = tuple(resources)

    @classmethod
    def told(cls, entries: Sequence[Mapping[str, Any]]) -> "Inventory":
        return cls([Resource(**entry | {"within": tuple(entry["within"])}) for entry in entries])

    @property
    def ids(self) -> dict[str, list[str]]:
        """By kind; kinds of which there is nothing are left out."""
        found: dict[str, list[str]] = {}
        for one in self.resources:
            found.setdefault(one.kind, []).append(one.id)
        return found

    @property
    def counts(self) -> dict[str, int]:
        """How many of each kind; kinds of which there is nothing are left out."""
        return dict(Counter(one.kind for one in self.resources))

    def of(self, kind: str) -> list[Resource]:
        return [one for one in self.resources if one.kind == kind]

    def __bool__(self) -> bool:
        return bool(self.resources)

    def __repr__(self) -> str:
        return f"Inventory({self.ids})"
