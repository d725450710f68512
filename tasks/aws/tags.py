"""The tags on everything that envwright makes, and the inventory that is read from them."""

import re
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from envwright.names import TAG_ENVIRONMENT, TAG_RECORD, TAG_RESOURCE

if TYPE_CHECKING:
    from types_aiobotocore_ec2.client import EC2Client

_KEY: Final = re.compile(r"[a-z]+/[a-z_]+/[^/]+")
MOST_TAGS: Final = 1000
"""The most tags that one call answers with (EC2 API: DescribeTags); the least are 5."""

_UID: Final = re.compile(r"[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Owner:
    """The record that a resource belongs to.

    An environment whose record was lost and made anew has the same id and another uid, so that
    the new record never takes the old one's resources for doubles of its own.
    """

    environment_id: str
    uid: str


@dataclass(frozen=True, slots=True)
class Marks:
    """The values of the two tags by which a resource is told; empty where it has none."""

    resource: str = ""
    record: str = ""
    aws_type: str = ""
    """What the resource is, by AWS and not by the tags, which may say anything."""

    @property
    def key(self) -> str | None:
        """The resource's key, as one of the tags says it."""
        key = self.resource.partition("/")[2]
        return key if _KEY.fullmatch(key) else None

    def told(self) -> tuple[Owner, str] | None:
        """Whose it is, and its key; None where the tags do not say it together.

        One of the two may show before the other, and a tag by hand may say anything.
        """
        environment_id = self.resource.partition("/")[0]
        owner, _, uid = self.record.partition("/")
        if self.key is None or owner != environment_id or not _UID.fullmatch(uid):
            return None
        return Owner(environment_id, uid), self.key


@dataclass(frozen=True, slots=True)
class Inventory:
    """What carries an environment's tags: ids by resource key.

    A hint only: a tag shows late after a create, and outlives what it was on.
    """

    own: Mapping[str, list[str]]
    of_another_record: Mapping[str, list[str]]

    def without(self, ids: Collection[str]) -> "Inventory":
        return Inventory(_without(self.own, ids), _without(self.of_another_record, ids))


def _without(some: Mapping[str, list[str]], ids: Collection[str]) -> dict[str, list[str]]:
    return {key: [one for one in have if one not in ids] for key, have in some.items()}


def tag_list(owner: Owner, key: str | None, name: str, own: Mapping[str, str]) -> Any:
    """The tags of the resource under this key: the caller's own, then ours, which win.

    What is only part of a resource, as a volume is of its instance, has no key.
    """
    tags = {"Name": name, **own, TAG_ENVIRONMENT: owner.environment_id}
    if key is not None:
        tags[TAG_RESOURCE] = f"{owner.environment_id}/{key}"
        tags[TAG_RECORD] = f"{owner.environment_id}/{owner.uid}"
    return [{"Key": tag, "Value": value} for tag, value in tags.items()]


async def read_inventory(ec2: "EC2Client", owner: Owner) -> Inventory:
    """What carries the tags of this environment."""
    own: defaultdict[str, list[str]] = defaultdict(list)
    of_another: defaultdict[str, list[str]] = defaultdict(list)
    for resource_id, marks in (await read_marks(ec2, owner.environment_id)).items():
        if (told := marks.told()) is not None:
            (own if told[0] == owner else of_another)[told[1]].append(resource_id)
    return Inventory(own, of_another)


async def read_marks(
    ec2: "EC2Client", environment_id: str | None = None, page_size: int = MOST_TAGS
) -> dict[str, Marks]:
    """The marks of all resources in the region, or of one environment's, by the resource's id."""
    filters: list[Any] = [{"Name": "key", "Values": [TAG_RESOURCE, TAG_RECORD]}]
    if environment_id is not None:
        filters.append({"Name": "value", "Values": [f"{environment_id}/*"]})
    found: defaultdict[str, Marks] = defaultdict(Marks)
    page: dict[str, Any] = {"MaxResults": page_size}
    while True:
        answer = await ec2.describe_tags(Filters=filters, **page)
        for tag in answer["Tags"]:
            field = "resource" if tag["Key"] == TAG_RESOURCE else "record"
            changes: Any = {field: tag["Value"], "aws_type": tag["ResourceType"]}
            found[tag["ResourceId"]] = replace(found[tag["ResourceId"]], **changes)
        if not answer.get("NextToken"):
            return found
        page["NextToken"] = answer["NextToken"]
