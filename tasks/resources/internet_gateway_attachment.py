"""The attachment of an internet gateway to a VPC: it has no id and no tags of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from tasks.aws.errors import ErrorClass, tolerating
from tasks.aws.listing import in_filters
from tasks.context import Context
from tasks.joint import joined, parts
from tasks.resources.base import Resource, all_ids, key_beside


@dataclass(frozen=True, kw_only=True)
class InternetGatewayAttachment(Resource):
    """Known to the record as `<gateway id>@<vpc id>`."""

    kind: ClassVar[str] = "internet_gateway_attachment"
    stands_on: ClassVar[str | None] = "internet_gateway"

    gateway: str
    vpc: str

    @classmethod
    async def find(
        cls, context: Context, wanted: Sequence[Self], tagged: Mapping[str, Sequence[str]]
    ) -> dict[str, list[str]]:
        by_gateway = {
            gateway_id: attachment
            for attachment in wanted
            for gateway_id in context.ids_of(attachment.gateway)
        }
        if not by_gateway:
            return {}
        answer = await context.ec2.describe_internet_gateways(
            Filters=[{"Name": "internet-gateway-id", "Values": [*by_gateway]}]
        )
        return {
            by_gateway[gateway["InternetGatewayId"]].key: [
                joined(gateway["InternetGatewayId"], attached["VpcId"])
            ]
            for gateway in answer["InternetGateways"]
            for attached in gateway["Attachments"]
            if attached["VpcId"] in context.ids_of(by_gateway[gateway["InternetGatewayId"]].vpc)
        }

    async def create(self, context: Context, count: int) -> list[str]:
        gateway_id, vpc_id = context.id_of(self.gateway), context.id_of(self.vpc)
        await context.ec2.attach_internet_gateway(InternetGatewayId=gateway_id, VpcId=vpc_id)
        return [*self.ids_foreseen(context)]

    def ids_foreseen(self, context: Context) -> tuple[str, ...]:
        return (joined(context.id_of(self.gateway), context.id_of(self.vpc)),)

    @classmethod
    async def delete(cls, context: Context, doomed: Mapping[str, Sequence[str]]) -> None:
        for one in all_ids(doomed):
            gateway_id, vpc_id = parts(one)
            with tolerating(ErrorClass.NOT_FOUND, ErrorClass.ABSENT):
                await context.ec2.detach_internet_gateway(
                    InternetGatewayId=gateway_id, VpcId=vpc_id
                )

    @classmethod
    async def find_on(
        cls, context: Context, carriers: Mapping[str, Sequence[str]]
    ) -> dict[str, list[str]]:
        attached = {
            gateway["InternetGatewayId"]: [one["VpcId"] for one in gateway["Attachments"]]
            for ids in in_filters(all_ids(carriers))
            for gateway in (
                await context.ec2.describe_internet_gateways(
                    Filters=[{"Name": "internet-gateway-id", "Values": ids}]
                )
            )["InternetGateways"]
        }
        return {
            key_beside(key, cls.kind): [
                joined(gateway_id, vpc_id)
                for gateway_id in ids
                for vpc_id in attached.get(gateway_id, ())
            ]
            for key, ids in carriers.items()
        }
