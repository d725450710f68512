"""Which route table a subnet uses: an association has an id, but no tags of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from tasks.aws.errors import ErrorClass, tolerating
from tasks.aws.listing import in_filters
from tasks.context import Context
from tasks.joint import joined, parts
from tasks.resources.base import Resource, all_ids


@dataclass(frozen=True, kw_only=True)
class RouteTableAssociation(Resource):
    """Known to the record as `<subnet id>@<route table id>`: a subnet has one table."""

    kind: ClassVar[str] = "route_table_association"

    subnet: str
    table: str

    @classmethod
    async def find(
        cls, context: Context, wanted: Sequence[Self], tagged: Mapping[str, Sequence[str]]
    ) -> dict[str, list[str]]:
        tables = [one for association in wanted for one in context.ids_of(association.table)]
        made = await _associations(context, tables)
        return {
            one.key: [foreseen]
            for one in wanted
            if context.ids_of(one.subnet) and context.ids_of(one.table)
            for foreseen in one.ids_foreseen(context)
            if foreseen in made
        }

    async def create(self, context: Context, count: int) -> list[str]:
        await context.ec2.associate_route_table(
            RouteTableId=context.id_of(self.table), SubnetId=context.id_of(self.subnet)
        )
        return [*self.ids_foreseen(context)]

    def ids_foreseen(self, context: Context) -> tuple[str, ...]:
        return (joined(context.id_of(self.subnet), context.id_of(self.table)),)

    @classmethod
    async def delete(cls, context: Context, doomed: Mapping[str, Sequence[str]]) -> None:
        ids = all_ids(doomed)
        made = await _associations(context, [parts(one)[1] for one in ids])
        for one in ids:
            if one in made:
                with tolerating(ErrorClass.NOT_FOUND):
                    await context.ec2.disassociate_route_table(AssociationId=made[one])

    @classmethod
    def goes_with_another(cls, context: Context, key: str) -> bool:
        return True


async def _associations(context: Context, tables: Sequence[str]) -> dict[str, str]:
    """What is associated with these tables: the association's id, by the id that we know it by."""
    made: dict[str, str] = {}
    for some in in_filters([*dict.fromkeys(tables)]):
        answer = await context.ec2.describe_route_tables(
            Filters=[{"Name": "route-table-id", "Values": some}]
        )
        made |= {
            joined(one["SubnetId"], table["RouteTableId"]): one["RouteTableAssociationId"]
            for table in answer["RouteTables"]
            for one in table["Associations"]
            if "SubnetId" in one
        }
    return made
