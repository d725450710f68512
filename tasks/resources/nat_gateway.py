"""A NAT gateway: the way out for subnets that nobody can reach from outside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from envwright.failure import FailureCategory
from tasks.aws.errors import ErrorClass, tolerating
from tasks.aws.listing import Listing, in_filters
from tasks.context import Context
from tasks.failures import StepError
from tasks.lease import clock
from tasks.resources.base import Tagged, all_ids
from tasks.together import together

if TYPE_CHECKING:
    from types_aiobotocore_ec2.type_defs import NatGatewayTypeDef

_ENDED: Final = frozenset({"deleted", "failed"})
"""The states in which it holds nothing any more; AWS forgets it within the hour."""
_GOING: Final = _ENDED | {"deleting"}


@dataclass(frozen=True, kw_only=True)
class NatGateway(Tagged):
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
        gone=_GOING,
        filters="Filter",
    )
    by_token: ClassVar[bool] = True
    goes_slowly: ClassVar[bool] = True

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
            gateways = await _described(context, ids)
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

    @classmethod
    async def begin_delete(cls, context: Context, doomed: Mapping[str, Sequence[str]]) -> None:
        await _ask_to_go(context, all_ids(doomed))

    @classmethod
    async def delete(cls, context: Context, doomed: Mapping[str, Sequence[str]]) -> None:
        """Until it is deleted it holds on to its subnet, its address and the internet gateway."""
        ids = all_ids(doomed)
        states = await _states(context, ids)
        await _ask_to_go(context, [one for one in ids if states.get(one) not in _GOING])
        while await _may_hold(context, ids):
            await context.lease.pause(context.settings.poll_every)


async def _ask_to_go(context: Context, ids: Sequence[str]) -> None:
    async def ask(one: str) -> None:
        with tolerating(ErrorClass.NOT_FOUND):
            await context.ec2.delete_nat_gateway(NatGatewayId=one)

    await together(context.lease, *map(ask, ids))


async def _may_hold(context: Context, ids: Sequence[str]) -> bool:
    """Whether one has not ended, or is too new for its absence to mean anything."""
    states = await _states(context, ids)
    return any(
        states[one] not in _ENDED if one in states else not context.is_settled() for one in ids
    )


async def _states(context: Context, ids: Sequence[str]) -> dict[str, str]:
    return {one["NatGatewayId"]: one["State"] for one in await _described(context, ids)}


async def _described(context: Context, ids: Sequence[str]) -> "list[NatGatewayTypeDef]":
    """Those that AWS shows: asked by filter, since one unknown id makes it refuse the call."""
    found: list[NatGatewayTypeDef] = []
    for some in in_filters(ids):
        answer = await context.ec2.describe_nat_gateways(  # type: ignore[call-arg] # so it is named
            Filter=[{"Name": "nat-gateway-id", "Values": some}]
        )
        found += answer["NatGateways"]
    return found


def _why_not(gateway: "NatGatewayTypeDef") -> str:
    told = gateway.get("FailureMessage", "").rstrip(".")
    if gateway["State"] != "failed":
        told = "somebody deletes it"
    code = gateway.get("FailureCode")
    return (
        f"The NAT gateway {gateway['NatGatewayId']} is {gateway['State']} instead of available: "
        f"{told or 'AWS gives no reason'}{f' ({code})' if code else ''}. `retry` makes another one."
    )
