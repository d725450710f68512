"""The associations of elastic addresses with the instances under one key."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from envwright.failure import FailureCategory
from tasks.aws.errors import AwsError, ErrorClass, tolerating
from tasks.aws.listing import in_filters
from tasks.context import Context
from tasks.failures import StepError
from tasks.joint import joined, parts
from tasks.lease import clock
from tasks.resources.base import Resource, all_ids
from tasks.termination import ENDING, states_of
from tasks.together import together

if TYPE_CHECKING:
    from types_aiobotocore_ec2.client import EC2Client
    from types_aiobotocore_ec2.type_defs import AddressTypeDef


@dataclass(frozen=True, kw_only=True)
class AddressAssociation(Resource):
    """One for each instance, known to the record as `<allocation id>@<instance id>`.

    Which instance has which address is nobody's wish: one that takes another's place takes the
    address that is free.
    """

    kind: ClassVar[str] = "address_association"

    instances: str
    addresses: tuple[str, ...]

    @classmethod
    async def find(
        cls, context: Context, wanted: Sequence[Self], tagged: Mapping[str, Sequence[str]]
    ) -> dict[str, list[str]]:
        allocations = {one.key: _allocations(context, one) for one in wanted}
        held = {
            address["AllocationId"]: address.get("InstanceId")
            for address in await _described(context.ec2, all_ids(allocations))
        }
        return {
            one.key: [
                joined(allocation, instance)
                for allocation in allocations[one.key]
                if (instance := held.get(allocation)) in context.ids_of(one.instances)
                and instance is not None
            ]
            for one in wanted
        }

    async def create(self, context: Context, count: int) -> list[str]:
        is_new = self.key not in context.record.resources
        have = [] if is_new else (await self.find(context, [self], {}))[self.key]
        taken = {part for one in have for part in parts(one)}
        pairs = [
            (allocation, instance)
            for allocation, instance in zip(
                (one for one in _allocations(context, self) if one not in taken),
                (one for one in context.ids_of(self.instances) if one not in taken),
                strict=False,
            )
        ]

        await together(context.lease, *(_associate(context, *pair) for pair in pairs))
        return [joined(*pair) for pair in pairs]

    def ids_foreseen(self, context: Context) -> tuple[str, ...]:
        instances = context.ids_of(self.instances)
        return tuple(map(joined, _allocations(context, self), instances))

    @classmethod
    async def delete(cls, context: Context, doomed: Mapping[str, Sequence[str]]) -> None:
        ids = all_ids(doomed)
        allocations = [parts(one)[0] for one in ids]
        for address in await _described(context.ec2, allocations):
            if joined(address["AllocationId"], address.get("InstanceId", "")) in ids:
                with tolerating(ErrorClass.NOT_FOUND, ErrorClass.ABSENT):
                    await context.ec2.disassociate_address(AssociationId=address["AssociationId"])

    @classmethod
    def goes_with_another(cls, context: Context, key: str) -> bool:
        return True


def _allocations(context: Context, association: AddressAssociation) -> list[str]:
    return [one for key in association.addresses for one in context.ids_of(key)]


async def _associate(context: Context, allocation: str, instance: str) -> None:
    """Raises `StepError` where the address is another's, and he is not about to end."""
    begun = clock()
    while True:
        try:
            await context.ec2.associate_address(
                AllocationId=allocation, InstanceId=instance, AllowReassociation=False
            )
        except AwsError as error:
            if error.error_class is not ErrorClass.EXISTS:
                raise
            holder = await _lasting_holder(context, allocation)
            if holder or clock() - begun > context.settings.conflict_timeout:
                raise StepError(
                    FailureCategory.CONFLICT,
                    f"The elastic address {allocation} is to be that of {instance}, and "
                    f"{holder or 'another'} has it: disassociate it, and retry.",
                ) from error
        else:
            return
        await context.lease.pause(context.settings.poll_every)


async def _lasting_holder(context: Context, allocation: str) -> str | None:
    """Who has the address; None where nobody has, or soon: AWS takes it from who is terminated."""
    for address in await _described(context.ec2, [allocation]):
        instance = address.get("InstanceId")
        if not instance:
            return address.get("NetworkInterfaceId")
        if (await states_of(context.ec2, [instance])).get(instance) not in ENDING:
            return instance
    return None


async def _described(ec2: "EC2Client", allocations: Sequence[str]) -> "list[AddressTypeDef]":
    return [
        address
        for some in in_filters(allocations)
        for address in (
            await ec2.describe_addresses(Filters=[{"Name": "allocation-id", "Values": some}])
        )["Addresses"]
    ]
