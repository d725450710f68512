"""The internet gateway: the VPC's door to the public internet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from tasks.aws.errors import ErrorClass, tolerating
from tasks.context import Context
from tasks.resources.base import Tagged, all_ids

if TYPE_CHECKING:
    from types_aiobotocore_ec2.client import EC2Client


@dataclass(frozen=True, kw_only=True)
class InternetGateway(Tagged):
    kind: ClassVar[str] = "internet_gateway"
    aws_type: ClassVar[str] = "internet-gateway"

    @classmethod
    async def existing(cls, ec2: "EC2Client", ids: Sequence[str]) -> list[str]:
        answer = await ec2.describe_internet_gateways(
            Filters=[{"Name": "internet-gateway-id", "Values": [*ids]}]
        )
        return [gateway["InternetGatewayId"] for gateway in answer["InternetGateways"]]

    async def create(self, context: Context, count: int) -> list[str]:
        answer = await context.ec2.create_internet_gateway(
            TagSpecifications=[
                {
                    "ResourceType": "internet-gateway",
                    "Tags": context.tags(self.key, context.spec.name),
                }
            ]
        )
        return [answer["InternetGateway"]["InternetGatewayId"]]

    @classmethod
    async def delete(cls, context: Context, doomed: Mapping[str, Sequence[str]]) -> None:
        for gateway_id in all_ids(doomed):
            with tolerating(ErrorClass.NOT_FOUND):
                await context.ec2.delete_internet_gateway(InternetGatewayId=gateway_id)
