"""The internet gateway: the VPC's door to the public internet."""

from dataclasses import dataclass
from typing import ClassVar

from tasks.aws.listing import Listing
from tasks.context import Context
from tasks.resources.base import Tagged


@dataclass(frozen=True, kw_only=True)
class InternetGateway(Tagged):
    kind: ClassVar[str] = "internet_gateway"
    aws_type: ClassVar[str] = "internet-gateway"
    listing: ClassVar[Listing] = Listing(
        operation="describe_internet_gateways",
        items="InternetGateways",
        id_field="InternetGatewayId",
        id_filter="internet-gateway-id",
    )
    delete_operation: ClassVar[str] = "delete_internet_gateway"

    async def create(self, context: Context, count: int) -> list[str]:
        answer = await context.ec2.create_internet_gateway(TagSpecifications=self.tags(context))
        return [answer["InternetGateway"]["InternetGatewayId"]]
