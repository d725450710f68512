"""The egress-only internet gateway: a way out over IPv6, and none in."""

from dataclasses import dataclass
from typing import ClassVar

from tasks.aws.listing import Listing
from tasks.context import Context
from tasks.resources.base import Tagged


@dataclass(frozen=True, kw_only=True)
class EgressOnlyInternetGateway(Tagged):
    kind: ClassVar[str] = "egress_only_internet_gateway"
    aws_type: ClassVar[str] = "egress-only-internet-gateway"
    listing: ClassVar[Listing] = Listing(
        operation="describe_egress_only_internet_gateways",
        items="EgressOnlyInternetGateways",
        id_field="EgressOnlyInternetGatewayId",
        id_filter=None,
    )
    delete_operation: ClassVar[str] = "delete_egress_only_internet_gateway"
    by_token: ClassVar[bool] = True

    vpc: str

    async def create(self, context: Context, count: int) -> list[str]:
        answer = await context.ec2.create_egress_only_internet_gateway(
            ClientToken=context.token(self.key),
            VpcId=context.id_of(self.vpc),
            TagSpecifications=self.tags(context),
        )
        return [answer["EgressOnlyInternetGateway"]["EgressOnlyInternetGatewayId"]]
