"""The tags on everything that envwright makes, and the inventory that is read from them."""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from envwright.names import TAG_ENVIRONMENT, TAG_RECORD, TAG_RESOURCE

if TYPE_CHECKING:
    from types_aiobotocore_ec2.client import EC2Client

_KEY: Final = re.compile(r"[a-z]+/[a-z_]+/[^/]+")


@dataclass(frozen=True, slots=True)
class Owner:
    """The record that a resource belongs to.

    An environment whose record was lost and made anew has the same id and another uid, so that
    the new record never takes the old one's resources for doubles of its own.
    """

    environment_id: str
    uid: str


@dataclass(frozen=True, slots=True)
class Inventory:
    """What carries an environment's tags: ids by resource key.

    A hint only: a tag shows late after a create, and outlives what it was on.
    """

    own: Mapping[str, list[str]]
    of_another_record: Mapping[str, list[str]]


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
    """Ask for the tags of all resources of the environment, a thousand in a call."""
    keys: dict[str, str] = {}
    uids: dict[str, str] = {}
    prefix = f"{owner.environment_id}/"
    page: dict[str, Any] = {"MaxResults": 1000}
    while True:
        answer = await ec2.describe_tags(
            Filters=[
                {"Name": "key", "Values": [TAG_RESOURCE, TAG_RECORD]},
                {"Name": "value", "Values": [f"{prefix}*"]},
            ],
            **page,
        )
        for tag in answer["Tags"]:
            told = keys if tag["Key"] == TAG_RESOURCE else uids
            told[tag["ResourceId"]] = tag["Value"].removeprefix(prefix)
        if not answer.get("NextToken"):
            break
        page["NextToken"] = answer["NextToken"]
    own: defaultdict[str, list[str]] = defaultdict(list)
    of_another: defaultdict[str, list[str]] = defaultdict(list)
    for resource_id, key in keys.items():
        uid = uids.get(resource_id)
        # One of its two tags may show before the other, and a tag by hand may say anything.
        if uid is not None and _KEY.fullmatch(key):
            (own if uid == owner.uid else of_another)[key].append(resource_id)
    return Inventory(own, of_another)
