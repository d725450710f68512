"""The tags on everything that envwright makes, and the inventory that is read from them."""

from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from envwright.names import TAG_ENVIRONMENT, TAG_RESOURCE

if TYPE_CHECKING:
    from types_aiobotocore_ec2.client import EC2Client


def tag_list(environment_id: str, key: str | None, name: str, own: Mapping[str, str]) -> Any:
    """The tags of the resource under this key: the caller's own, then ours, which win.

    What is only part of a resource, as a volume is of its instance, has no key.
    """
    tags = {"Name": name, **own, TAG_ENVIRONMENT: environment_id}
    if key is not None:
        tags[TAG_RESOURCE] = f"{environment_id}/{key}"
    return [{"Key": tag, "Value": value} for tag, value in tags.items()]


async def tagged_ids(ec2: "EC2Client", environment_id: str) -> dict[str, list[str]]:
    """The ids that carry this environment's tag, by resource key.

    A hint only: a tag shows late after a create, and outlives what it was on.
    """
    found: defaultdict[str, list[str]] = defaultdict(list)
    prefix = f"{environment_id}/"
    page: dict[str, Any] = {"MaxResults": 1000}
    while True:
        answer = await ec2.describe_tags(
            Filters=[
                {"Name": "key", "Values": [TAG_RESOURCE]},
                {"Name": "value", "Values": [f"{prefix}*"]},
            ],
            **page,
        )
        for tag in answer["Tags"]:
            found[tag["Value"].removeprefix(prefix)].append(tag["ResourceId"])
        if not answer.get("NextToken"):
            return dict(found)
        page["NextToken"] = answer["NextToken"]
