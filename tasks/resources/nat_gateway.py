"""A NAT gateway: the way out for subnets that nobody can reach from outside."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from envwright.failure import FailureCategory
from tasks.aws.listing import Listing
from tasks.context import Context
from tasks.failures import StepError
from tasks.lease import clock
from tasks.resources.slow import Slow

_ENDED: Final = frozenset({"deleted", "failed"})
"""AWS forgets it within the hour."""


@dataclass(frozen=True, kw_only=True)
class NatGateway(Slow):
    """AWS takes a minute or two to make one, and as long to delete it.

    The states are those of the Amazon EC2 API Reference, NatGateway.
    """

    kind: ClassVar[str] = "nat_gateway"
    aws_type: ClassVar[str] = "natgateway"
    listing: ClassVar[Listing] = Listing(
        operation="describe_nat_gateways",
        items="NatGateways",
        id_field="NatGatewayId",
        id_filter="nat-gateway-id",
        gone=_ENDED | {"deleting"},
        filters="Filter",
    )
    delete_operation: ClassVar[str] = "delete_nat_gateway"
    by_token: ClassVar[bool] = True
    ended: ClassVar[frozenset[str]] = _ENDED

    name: str
    subnet: str
    address: str

    async def create(self, context: Context, count: int) -> list[str]:
        answer = await context.ec2.create_nat_gateway(
            ClientToken=context.token(self.key),
            SubnetId=context.id_of(self.subnet),
            AllocationId=context.id_of(self.address),
            TagSpecifications=self.tags(context, self.name),
        )
        return [answer["NatGateway"]["NatGatewayId"]]

    @classmethod
    async def until_usable(cls, context: Context, ids: Sequence[str]) -> None:
        begun = clock()
        while True:
            gateways = await cls.listing.shown(context.ec2, ids)
            for gateway in gateways:
                if gateway["State"] not in ("pending", "available"):
                    raise StepError(FailureCategory.AWS, _why_not(gateway))
            ready = [one["NatGatewayId"] for one in gateways if one["State"] == "available"]
            if len(ready) == len(ids):
                return
            if clock() - begun > context.settings.nat_gateway_timeout:
                waiting = ", ".join(one for one in ids if one not in ready)
                raise StepError(
                    FailureCategory.AWS,
                    f"After {context.settings.nat_gateway_timeout:g} s these NAT gateways are not "
                    f"available: {waiting}. `retry` waits again.",
                )
            await context.lease.pause(context.settings.poll_every)


def _why_not(gateway: dict[str, Any]) -> str:
    told = gateway.get("FailureMessage", "").rstrip(".")
    if gateway["State"] != "failed":
        told = "somebody deletes it"
    code = gateway.get("FailureCode")
    return (
        f"The NAT gateway {gateway['NatGatewayId']} is {gateway['State']} instead of available: "
        f"{told or 'AWS gives no reason'}{f' ({code})' if code else ''}. `retry` makes another one."
    )
