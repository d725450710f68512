"""A route in a route table of our own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal, Self

from tasks.aws.errors import AwsError, ErrorClass, tolerating
from tasks.aws.listing import in_filters
from tasks.context import Context
from tasks.joint import joined, parts
from tasks.resources.base import Resource, all_ids

LeadsTo = Literal["GatewayId", "NatGatewayId", "EgressOnlyInternetGatewayId"]
"""What AWS calls the sort of thing that a route leads to."""

_DESTINATIONS: Final = ("DestinationCidrBlock", "DestinationIpv6CidrBlock")


@dataclass(frozen=True, kw_only=True)
class Route(Resource):
    """Known to the record as `<destination>@<route table id>`."""

    kind: ClassVar[str] = "route"

    table: str
    destination: str
    leads_to: LeadsTo
    target: str

    @classmethod
    async def find(
        cls, context: Context, wanted: Sequence[Self], tagged: Mapping[str, Sequence[str]]
    ) -> dict[str, list[str]]:
        routes = await _routes(context, [one for at in wanted for one in context.ids_of(at.table)])
        return {
            route.key: [foreseen]
            for route in wanted
            if context.ids_of(route.table)
            for foreseen in route.ids_foreseen(context)
            if routes.get(foreseen, {}).get(route.leads_to) in context.standing(route.target)
        }

    async def create(self, context: Context, count: int) -> list[str]:
        asked: Any = {
            "RouteTableId": context.id_of(self.table),
            _destination_field(self.destination): self.destination,
            self.leads_to: context.id_of(self.target),
        }
        try:
            await context.ec2.create_route(**asked)
        except AwsError as error:
            if error.error_class is not ErrorClass.EXISTS:
                raise
            # The table is ours: what is there leads to what was there before.
            await context.ec2.replace_route(**asked)
        return [*self.ids_foreseen(context)]

    def ids_foreseen(self, context: Context) -> tuple[str, ...]:
        return (joined(self.destination, context.id_of(self.table)),)

    @classmethod
    async def delete(cls, context: Context, doomed: Mapping[str, Sequence[str]]) -> None:
        for one in all_ids(doomed):
            destination, table_id = parts(one)
            asked: Any = {_destination_field(destination): destination}
            with tolerating(ErrorClass.NOT_FOUND, ErrorClass.ABSENT):
                await context.ec2.delete_route(RouteTableId=table_id, **asked)

    @classmethod
    def goes_with_another(cls, context: Context, key: str) -> bool:
        return True


def _destination_field(destination: str) -> str:
    return _DESTINATIONS[":" in destination]


async def _routes(context: Context, tables: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """The routes of these tables, by the ids that we know them by."""
    found: dict[str, Mapping[str, Any]] = {}
    for some in in_filters([*dict.fromkeys(tables)]):
        answer = await context.ec2.describe_route_tables(
            Filters=[{"Name": "route-table-id", "Values": some}]
        )
        found |= {
            joined(route[field], table["RouteTableId"]): route
            for table in answer["RouteTables"]
            for route in table["Routes"]
            for field in _DESTINATIONS
            if field in route
        }
    return found
