"""A route in the main route table of a VPC."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

from tasks.aws.errors import AwsError, ErrorClass, tolerating
from tasks.context import Context
from tasks.resources.base import Resource, all_ids

if TYPE_CHECKING:
    from types_aiobotocore_ec2.type_defs import RouteTableTypeDef

_JOINT = "@"


@dataclass(frozen=True, kw_only=True)
class MainRoute(Resource):
    """Known to the record as `<destination>@<route table id>`."""

    kind: ClassVar[str] = "main_route"

    vpc: str
    gateway: str
    destination: str

    @classmethod
    async def find(
        cls, context: Context, wanted: Sequence[Self], tagged: Mapping[str, Sequence[str]]
    ) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for route in wanted:
            for vpc_id in context.ids_of(route.vpc):
                for table in await _main_tables(context, vpc_id):
                    if any(
                        have.get(_destination_field(route.destination)) == route.destination
                        and have.get("GatewayId") in context.ids_of(route.gateway)
                        for have in table["Routes"]
                    ):
                        found[route.key] = [f"{route.destination}{_JOINT}{table['RouteTableId']}"]
        return found

    async def create(self, context: Context, count: int) -> list[str]:
        vpc_id = context.id_of(self.vpc)
        while not (tables := await _main_tables(context, vpc_id)):
            await context.lease.pause(context.settings.poll_every)
        table_id = tables[0]["RouteTableId"]
        try:
            await context.ec2.create_route(
                RouteTableId=table_id,
                GatewayId=context.id_of(self.gateway),
                **_destination(self.destination),
            )
        except AwsError as error:
            is_ours = error.error_class is ErrorClass.EXISTS and await self.find(
                context, [self], {}
            )
            if not is_ours:
                raise
        return [f"{self.destination}{_JOINT}{table_id}"]

    @classmethod
    async def delete(cls, context: Context, doomed: Mapping[str, Sequence[str]]) -> None:
        for one in all_ids(doomed):
            destination, table_id = one.split(_JOINT)
            with tolerating(ErrorClass.NOT_FOUND, ErrorClass.ABSENT):
                await context.ec2.delete_route(RouteTableId=table_id, **_destination(destination))

    @classmethod
    def goes_with_another(cls, context: Context, key: str) -> bool:
        return True


def _destination_field(destination: str) -> str:
    return "DestinationIpv6CidrBlock" if ":" in destination else "DestinationCidrBlock"


def _destination(destination: str) -> Any:
    return {_destination_field(destination): destination}


async def _main_tables(context: Context, vpc_id: str) -> "list[RouteTableTypeDef]":
    """The VPC's main route table, which AWS makes with the VPC and may show a moment later."""
    answer = await context.ec2.describe_route_tables(
        Filters=[
            {"Name": "vpc-id", "Values": [vpc_id]},
            {"Name": "association.main", "Values": ["true"]},
        ]
    )
    return answer["RouteTables"]
