"""What AWS itself holds of an environment, kind by kind: a look that trusts no record of ours.

It describes what exists and never asks DescribeTags, since a tag outlives what it was on. It uses
the SDK directly, past the request limits that workers share: it is for emulators, whose limits are
not AWS's.
"""

from collections.abc import Mapping

import aioboto3

from envwright.names import TAG_ENVIRONMENT
from tasks.aws.listing import Listing


async def census(
    listings: Mapping[str, Listing],
    environment_id: str,
    region: str,
    endpoint_url: str | None = None,
) -> dict[str, list[str]]:
    """The ids of what carries the environment's tag in a region, by kind; kinds without any too.

    Credentials come from the process's environment, as for every SDK. `endpoint_url` is that of
    an emulator. What AWS only remembers, as it does terminated instances, does not count.
    """
    session = aioboto3.Session()
    async with session.client("ec2", region_name=region, endpoint_url=endpoint_url) as ec2:
        return {
            kind: listing.ids(await listing.of_tag(ec2, TAG_ENVIRONMENT, environment_id))
            for kind, listing in listings.items()
        }
