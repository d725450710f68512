"""What AWS itself holds of an environment, kind by kind: a look that trusts no record of ours.

It describes what exists and never asks DescribeTags, since a tag outlives what it was on. It uses
the SDK directly: a door belongs to the lease of a step, and this only reads.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import aioboto3

from envwright.names import TAG_ENVIRONMENT

_KINDS: Final[Mapping[str, tuple[str, str, str]]] = {
    "instance": ("describe_instances", "Reservations", "InstanceId"),
    "volume": ("describe_volumes", "Volumes", "VolumeId"),
    "network_interface": (
        "describe_network_interfaces",
        "NetworkInterfaces",
        "NetworkInterfaceId",
    ),
    "key_pair": ("describe_key_pairs", "KeyPairs", "KeyPairId"),
    "security_group": ("describe_security_groups", "SecurityGroups", "GroupId"),
    "subnet": ("describe_subnets", "Subnets", "SubnetId"),
    "route_table": ("describe_route_tables", "RouteTables", "RouteTableId"),
    "internet_gateway": ("describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
    "vpc": ("describe_vpcs", "Vpcs", "VpcId"),
}
"""By kind: the call, where its answer lists them, and the field with the id."""


async def census(
    environment_id: str, region: str, endpoint_url: str | None = None
) -> dict[str, list[str]]:
    """The ids of what carries the environment's tag in a region, by kind; kinds without any too.

    Credentials come from the process's environment, as for every SDK. `endpoint_url` is that of
    an emulator. Terminated instances, which AWS shows for about an hour, do not count.
    """
    tagged = [{"Name": f"tag:{TAG_ENVIRONMENT}", "Values": [environment_id]}]
    session = aioboto3.Session()
    async with session.client("ec2", region_name=region, endpoint_url=endpoint_url) as ec2:
        return {
            kind: [
                item[id_field]
                for answer in await _pages(getattr(ec2, operation), tagged)
                for item in _items(answer[listed])
            ]
            for kind, (operation, listed, id_field) in _KINDS.items()
        }


async def _pages(describe: Any, filters: list[dict[str, Any]]) -> list[dict[str, Any]]:
    pages = [await describe(Filters=filters)]
    while token := pages[-1].get("NextToken"):
        pages.append(await describe(Filters=filters, NextToken=token))
    return pages


def _items(listed: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for item in listed:
        # DescribeInstances alone lists reservations, and in them instances.
        for thing in item.get("Instances", [item]):
            if thing.get("State") != {"Code": 48, "Name": "terminated"}:
                yield thing
