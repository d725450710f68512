"""A VPC endpoint: a way to one of AWS's services that does not leave AWS."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from envwright.failure import FailureCategory
from tasks.aws.errors import ErrorClass, tolerating
from tasks.aws.listing import Listing, state_of
from tasks.context import Context
from tasks.failures import StepError
from tasks.lease import clock
from tasks.main_tables import main_table
from tasks.resources.slow import Slow

_ENDED: Final = frozenset({"deleted"})
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
class VpcEndpoint(Slow):
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
        gone=_ENDED | {"deleting"},
    )
    by_token: ClassVar[bool] = True
    deleted_together: ClassVar[bool] = True
    ended: ClassVar[frozenset[str]] = _ENDED

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
    async def ask_to_go(cls, context: Context, ids: Sequence[str]) -> None:
        """One call for all: AWS lets few calls on endpoints through, and deletes those it knows."""
        if ids:
            with tolerating(ErrorClass.NOT_FOUND):
                await context.ec2.delete_vpc_endpoints(VpcEndpointIds=[*ids])


async def until_available(context: Context, ids: Sequence[str]) -> list[dict[str, Any]]:
    """Wait until all of these endpoints are, and return how AWS describes them.

    Raises `StepError` for one that will never be, or is not in time.
    """
    begun = clock()
    while True:
        endpoints = await VpcEndpoint.listing.shown(context.ec2, ids)
        for one in endpoints:
            if state_of(one) not in _COMING:
                raise StepError(FailureCategory.AWS, _why_not(one))
        ready = [one["VpcEndpointId"] for one in endpoints if state_of(one) == "available"]
        if len(ready) == len(ids):
            return endpoints
        if clock() - begun > context.settings.endpoint_timeout:
            waiting = ", ".join(
                f"{one['VpcEndpointId']} ({one['ServiceName']}, {state_of(one)})"
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


def _why_not(endpoint: dict[str, Any]) -> str:
    error = endpoint.get("LastError", {})
    told = error.get("Message") or endpoint.get("FailureReason") or "AWS gives no reason"
    code = f" ({error['Code']})" if "Code" in error else ""
    return (
        f"The VPC endpoint {endpoint['VpcEndpointId']} for {endpoint['ServiceName']} is "
        f"{state_of(endpoint)} instead of available: {told.rstrip('.')}{code}. "
        f"Take the environment down, and enqueue it anew."
    )
