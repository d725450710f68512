"""A VPC endpoint: a way to one of AWS's services that does not leave AWS."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

from envwright.failure import FailureCategory
from tasks.aws.errors import ErrorClass, tolerating
from tasks.aws.listing import Listing, in_filters
from tasks.context import Context
from tasks.failures import StepError
from tasks.lease import clock
from tasks.main_tables import main_table
from tasks.resources.base import Tagged, all_ids

if TYPE_CHECKING:
    from types_aiobotocore_ec2.type_defs import VpcEndpointTypeDef

_GOING: Final = frozenset({"deleting", "deleted"})
_COMING: Final = frozenset({"pending", "pendingacceptance", "available"})


@dataclass(frozen=True, slots=True)
class InRouteTables:
    """Where a gateway endpoint is: as a route in these tables, given by their keys."""

    tables: tuple[str, ...]
    and_main: bool
    """Whether in the VPC's main table, too."""


@dataclass(frozen=True, slots=True)
class InSubnets:
    """Where an interface endpoint is: with an interface in each of these, given by their keys."""

    subnets: tuple[str, ...]
    security_groups: tuple[str, ...]
    private_dns: bool


@dataclass(frozen=True, kw_only=True)
class VpcEndpoint(Tagged):
    """AWS takes a minute or more to make one of interfaces, and as long to delete it.

    The states are those of the Amazon EC2 API Reference, VpcEndpoint.
    """

    kind: ClassVar[str] = "vpc_endpoint"
    aws_type: ClassVar[str] = "vpc-endpoint"
    listing: ClassVar[Listing] = Listing(
        operation="describe_vpc_endpoints",
        items="VpcEndpoints",
        id_field="VpcEndpointId",
        id_filter="vpc-endpoint-id",
        gone=frozenset({"deleting", "deleted"}),
    )
    by_token: ClassVar[bool] = True
    deleted_together: ClassVar[bool] = True
    goes_slowly: ClassVar[bool] = True

    name: str
    vpc: str
    service: str
    place: InRouteTables | InSubnets
    policy: str | None
    ip_address_type: str | None

    async def create(self, context: Context, count: int) -> list[str]:
        optional: Any = {
            "PolicyDocument": self.policy,
            "IpAddressType": self.ip_address_type,
            **await self._place(context),
        }
        answer = await context.ec2.create_vpc_endpoint(
            ClientToken=context.token(self.key),
            VpcId=context.id_of(self.vpc),
            ServiceName=self.service,
            TagSpecifications=self.tags(context, self.name),
            **{name: value for name, value in optional.items() if value is not None},
        )
        return [answer["VpcEndpoint"]["VpcEndpointId"]]

    async def _place(self, context: Context) -> dict[str, Any]:
        if isinstance(self.place, InSubnets):
            return {
                "VpcEndpointType": "Interface",
                "SubnetIds": [context.id_of(key) for key in self.place.subnets],
                "SecurityGroupIds": [context.id_of(key) for key in self.place.security_groups],
                "PrivateDnsEnabled": self.place.private_dns,
            }
        tables = [context.id_of(key) for key in self.place.tables]
        if self.place.and_main:
            tables.append(await main_table(context, context.id_of(self.vpc)))
        return {"VpcEndpointType": "Gateway", "RouteTableIds": tables}

    @classmethod
    async def until_usable(cls, context: Context, ids: Sequence[str]) -> None:
        await until_available(context, ids)

    @classmethod
    async def begin_delete(cls, context: Context, doomed: Mapping[str, Sequence[str]]) -> None:
        await _ask_to_go(context, all_ids(doomed))

    @classmethod
    async def delete(cls, context: Context, doomed: Mapping[str, Sequence[str]]) -> None:
        """Until they are deleted they hold on to their subnets and security groups."""
        ids = all_ids(doomed)
        states = await _states(context, ids)
        await _ask_to_go(context, [one for one in ids if states.get(one) not in _GOING])
        while await _may_hold(context, ids):
            await context.lease.pause(context.settings.poll_every)


async def until_available(context: Context, ids: Sequence[str]) -> "list[VpcEndpointTypeDef]":
    """Wait until all of these endpoints are, and return how AWS describes them.

    Raises `StepError` for one that will never be, or is not in time.
    """
    begun = clock()
    while True:
        endpoints = await _described(context, ids)
        for one in endpoints:
            if _state(one) not in _COMING:
                raise StepError(FailureCategory.AWS, _why_not(one))
        ready = [one["VpcEndpointId"] for one in endpoints if _state(one) == "available"]
        if len(ready) == len(ids):
            return endpoints
        if clock() - begun > context.settings.endpoint_timeout:
            waiting = ", ".join(
                f"{one['VpcEndpointId']} ({one['ServiceName']}, {_state(one)})"
                for one in endpoints
                if one["VpcEndpointId"] not in ready
            )
            raise StepError(
                FailureCategory.AWS,
                f"After {context.settings.endpoint_timeout:g} s these VPC endpoints are not "
                f"available: {waiting or ', '.join(ids)}. `retry` waits again; one that is "
                f"pendingacceptance waits for the service's owner.",
            )
        await context.lease.pause(context.settings.poll_every)


async def _ask_to_go(context: Context, ids: Sequence[str]) -> None:
    """One call for all: AWS lets few calls on endpoints through, and deletes those it knows."""
    if ids:
        with tolerating(ErrorClass.NOT_FOUND):
            await context.ec2.delete_vpc_endpoints(VpcEndpointIds=[*ids])


async def _may_hold(context: Context, ids: Sequence[str]) -> bool:
    """Whether one is not deleted, or is too new for its absence to mean anything."""
    states = await _states(context, ids)
    return any(
        states[one] != "deleted" if one in states else not context.is_settled() for one in ids
    )


async def _states(context: Context, ids: Sequence[str]) -> dict[str, str]:
    """The states of those that AWS shows, by id."""
    return {one["VpcEndpointId"]: _state(one) for one in await _described(context, ids)}


async def _described(context: Context, ids: Sequence[str]) -> "list[VpcEndpointTypeDef]":
    """Those that AWS shows: asked by filter, since one unknown id makes it refuse the call."""
    found: list[VpcEndpointTypeDef] = []
    for some in in_filters(ids):
        answer = await context.ec2.describe_vpc_endpoints(
            Filters=[{"Name": "vpc-endpoint-id", "Values": some}]
        )
        found += answer["VpcEndpoints"]
    return found


def _state(endpoint: "VpcEndpointTypeDef") -> str:
    """DescribeVpcEndpoints says it in small letters, and its model with a capital one."""
    return endpoint["State"].lower()


def _why_not(endpoint: "VpcEndpointTypeDef") -> str:
    error = endpoint.get("LastError", {})
    told = error.get("Message") or endpoint.get("FailureReason") or "AWS gives no reason"
    code = f" ({error['Code']})" if "Code" in error else ""
    return (
        f"The VPC endpoint {endpoint['VpcEndpointId']} for {endpoint['ServiceName']} is "
        f"{_state(endpoint)} instead of available: {told.rstrip('.')}{code}. "
        f"Take the environment down, and enqueue it anew."
    )
