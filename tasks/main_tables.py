"""The main route table of a VPC: AWS makes it with the VPC, and we only find it."""

from typing import TYPE_CHECKING

from tasks.context import Context

if TYPE_CHECKING:
    from types_aiobotocore_ec2.type_defs import RouteTableTypeDef


async def main_tables(context: Context, vpc_id: str) -> "list[RouteTableTypeDef]":
    """One, or none yet: AWS may show it a moment after its VPC."""
    answer = await context.ec2.describe_route_tables(
        Filters=[
            {"Name": "vpc-id", "Values": [vpc_id]},
            {"Name": "association.main", "Values": ["true"]},
        ]
    )
    return answer["RouteTables"]


async def main_table(context: Context, vpc_id: str) -> str:
    """Its id, once AWS shows it."""
    while not (tables := await main_tables(context, vpc_id)):
        await context.lease.pause(context.settings.poll_every)
    return tables[0]["RouteTableId"]
