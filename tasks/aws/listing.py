"""How AWS lists each kind of resource: the one describe call that finds it by id and by tag."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from envwright.names import TAG_RESOURCE

FILTER_VALUES: Final = 200
"""The most values that one filter of an EC2 describe call may have (EC2 API: Filter)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A describe call, the names in it and in its answer, and the states that mean "gone"."""

    operation: str
    items: str
    """Where the answer has them."""
    id_field: str
    id_filter: str | None
    """None where AWS has no filter for ids: then all that carry our tag are listed."""
    gone: frozenset[str] = frozenset()
    """States of what AWS still shows for a while after its end."""
    filters: str = "Filters"
    """What the call names its filters: a few operations of EC2 say `Filter`."""

    async def of_ids(self, ec2: Any, ids: Sequence[str]) -> list[dict[str, Any]]:
        """Those of these ids that AWS shows and that are not gone."""
        if self.id_filter is None:
            ours = await self.matching(ec2, [{"Name": "tag-key", "Values": [TAG_RESOURCE]}])
            return [item for item in ours if item[self.id_field] in ids]
        return [
            item
            for some in in_filters(ids)
            for item in await self.matching(ec2, [{"Name": self.id_filter, "Values": some}])
        ]

    async def shown(self, ec2: Any, ids: Sequence[str]) -> list[dict[str, Any]]:
        """Those of these ids that AWS shows, gone or not.

        Asked for by filter, since one unknown id makes AWS refuse a call by ids.
        """
        return await replace(self, gone=frozenset()).of_ids(ec2, ids)

    async def states(self, ec2: Any, ids: Sequence[str]) -> dict[str, str | None]:
        """The states of those that AWS shows, by id."""
        return {one[self.id_field]: state_of(one) for one in await self.shown(ec2, ids)}

    async def of_tag(self, ec2: Any, tag: str, value: str) -> list[dict[str, Any]]:
        """Those that carry this tag with this value and are not gone."""
        return await self.matching(ec2, [{"Name": f"tag:{tag}", "Values": [value]}])

    async def of_account(self, ec2: Any) -> list[dict[str, Any]]:
        """All that the account has in the region and that is not gone, whoever made it."""
        return await self.matching(ec2, [])

    def ids(self, items: Sequence[dict[str, Any]]) -> list[str]:
        return [item[self.id_field] for item in items]

    async def matching(self, ec2: Any, filters: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Those that fit these filters of the call and are not gone."""
        found: list[dict[str, Any]] = []
        asked: dict[str, Any] = {self.filters: filters} if filters else {}
        while True:
            answer = await getattr(ec2, self.operation)(**asked)
            found += [one for one in _flat(answer[self.items]) if state_of(one) not in self.gone]
            if not answer.get("NextToken"):
                return found
            asked["NextToken"] = answer["NextToken"]


def in_filters(ids: Sequence[str]) -> Iterator[list[str]]:
    """These ids in portions that fit the filter of one describe call."""
    for start in range(0, len(ids), FILTER_VALUES):
        yield [*ids[start : start + FILTER_VALUES]]


def _flat(items: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """DescribeInstances alone lists reservations, and in them instances."""
    for item in items:
        yield from item.get("Instances", [item])


def state_of(item: dict[str, Any]) -> str | None:
    """In small letters, as AWS has it in most places; None for what has no states."""
    state = item.get("State")
    named = state["Name"] if isinstance(state, dict) else state
    return named.lower() if named else None
