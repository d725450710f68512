"""An elastic address: a public IPv4 address that stays the account's until it is released."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from tasks.aws.errors import AwsError, ErrorClass, tolerating
from tasks.aws.listing import Listing
from tasks.context import Context
from tasks.known import public_ip
from tasks.lease import clock
from tasks.resources.base import Tagged, all_ids
from tasks.together import together

_HELD: Final = "AuthFailure"
"""What ReleaseAddress answers, too, while something of AWS's own holds the address."""


@dataclass(frozen=True, kw_only=True)
class Address(Tagged):
    kind: ClassVar[str] = "address"
    aws_type: ClassVar[str] = "elastic-ip"
    listing: ClassVar[Listing] = Listing(
        operation="describe_addresses",
        items="Addresses",
        id_field="AllocationId",
        id_filter="allocation-id",
    )
    delete_operation: ClassVar[str] = "release_address"

    name: str

    async def create(self, context: Context, count: int) -> list[str]:
        answer = await context.ec2.allocate_address(
            Domain="vpc", TagSpecifications=self.tags(context, self.name)
        )
        await context.remember(public_ip(answer["AllocationId"]), answer["PublicIp"])
        return [answer["AllocationId"]]

    @classmethod
    async def delete(cls, context: Context, doomed: Mapping[str, Sequence[str]]) -> None:
        await together(context.lease, *(_release(context, one) for one in all_ids(doomed)))


async def _release(context: Context, allocation_id: str) -> None:
    begun = clock()
    while True:
        try:
            with tolerating(ErrorClass.NOT_FOUND):
                await context.ec2.release_address(AllocationId=allocation_id)
        except AwsError as error:
            if error.code != _HELD or clock() - begun > context.settings.conflict_timeout:
                raise
            await context.lease.pause(context.settings.poll_every)
        else:
            return
