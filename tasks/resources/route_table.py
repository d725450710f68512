"""A route table of our own, for subnets that must not use the VPC's main one."""

from dataclasses import dataclass
from typing import ClassVar

from tasks.aws.listing import Listing
from tasks.context import Context
from tasks.resources.base import Tagged


@dataclass(frozen=True, kw_only=True)
class RouteTable(Tagged):
    kind: ClassVar[str] = "route_table"
    aws_type: ClassVar[str] = "route-table"
    listing: ClassVar[Listing] = Listing(
        operation="describe_route_tables",
        items="RouteTables",
        id_field="RouteTableId",
        id_filter="route-table-id",
    )
    delete_operation: ClassVar[str] = "delete_route_table"
    by_token: ClassVar[bool] = True

    vpc: str
    name: str

    async def create(self, context: Context, count: int) -> list[str]:
        answer = await context.ec2.create_route_table(
            ClientToken=context.token(self.key),
            VpcId=context.id_of(self.vpc),
            TagSpecifications=self.tags(context, self.name),
        )
        return [answer["RouteTable"]["RouteTableId"]]
