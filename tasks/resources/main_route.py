"""A route in the main route table of a VPC."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from tasks.aws.errors import ErrorClass, tolerating
from tasks.context import Context
from tasks.joint import joined, parts
from tasks.main_tables import main_table, main_tables
from tasks.resources.base import Resource, all_ids


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
                for table in await main_tables(context, vpc_id):
                    if any(
                        have.get(_destination_field(route.destination)) == route.destination
                        and have.get("GatewayId") in context.ids_of(route.gateway)
                        for have in table["Routes"]
                    ):
                        found[route.key] = [joined(route.destination, table["RouteTableId"])]
        return found

    async def create(self, context: Context, count: int) -> list[str]:
        vpc_id = context.id_of(self.vpc)
        table_id = await main_table(context, vpc_id)
        await context.ec2.create_route(
            RouteTableId=table_id,
            GatewayId=context.id_of(self.gateway),
            **_destination(self.destination),
        )
        return [joined(self.destination, table_id)]

    @classmethod
    async def delete(cls, context: Context, doomed: Mapping[str, Sequence[str]]) -> None:
        for one in all_ids(doomed):
            destination, table_id = parts(one)
            with tolerating(ErrorClass.NOT_FOUND, ErrorClass.ABSENT):
                await context.ec2.delete_route(RouteTableId=table_id, **_destination(destination))

    @classmethod
    def goes_with_another(cls, context: Context, key: str) -> bool:
        return True


def _destination_field(destination: str) -> str:
    return "DestinationIpv6CidrBlock" if ":" in destination else "DestinationCidrBlock"


def _destination(destination: str) -> Any:
    return {_destination_field(destination): destination}
