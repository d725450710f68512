"""Instances of one group in one zone: they are launched together, by one call."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, NamedTuple

from envwright.placement import Placement
from envwright.protection import is_lifted
from envwright.spec import InstanceGroup
from tasks.aws.errors import AwsError, ErrorClass, NoCapacity
from tasks.aws.listing import Listing
from tasks.checks import until_begun
from tasks.context import Context
from tasks.launch_request import block_devices, metadata, options
from tasks.lease import clock
from tasks.resources.base import Tagged, all_ids
from tasks.termination import (
    ENDING,
    lift_protection,
    states_of,
    tell_of_kept_volumes,
    terminate,
)

_UNKNOWN_PROFILE: Final = "Invalid IAM Instance Profile"
_SUBNET_IS_FULL: Final = "InsufficientFreeAddressesInSubnet"


class Place(NamedTuple):
    """Where instances may be launched, and as what."""

    zone: str
    subnet: str
    instance_type: str

    def __str__(self) -> str:
        return f"{self.instance_type} in {self.zone}"


@dataclass(frozen=True, kw_only=True)
class Instances(Tagged):
    """`count` of them under one key, since one call gives all that it launches the same tags."""

    kind: ClassVar[str] = "instances"
    aws_type: ClassVar[str] = "instance"
    listing: ClassVar[Listing] = Listing(
        operation="describe_instances",
        items="Reservations",
        id_field="InstanceId",
        id_filter="instance-id",
        gone=ENDING,
    )
    by_token: ClassVar[bool] = True
    goes_slowly: ClassVar[bool] = True
    deleted_together: ClassVar[bool] = True

    group: str
    wish: InstanceGroup
    places: tuple[Place, ...]
    """In the order in which they are tried, where AWS has no capacity."""
    public_address: bool
    security_groups: tuple[str, ...]
    image: str
    root_device: str
    root_size: int
    brought_along: Mapping[str, int]
    """The sizes in GiB of further volumes that the image is known to have, by device."""
    key_name: str | None
    addresses: tuple[str, ...] = ()
    """The keys of the elastic addresses that they get once they run."""
    ipv6: bool = False

    async def create(self, context: Context, count: int) -> list[str]:
        request = self._request(context, count)
        try:
            answer = await self._run(context, request)
        except AwsError as error:
            if error.error_class is ErrorClass.CAPACITY and self._tried(context):
                raise NoCapacity(error, self._tried_with(context, error)) from error
            raise
        return [instance["InstanceId"] for instance in answer["Instances"]]

    def elsewhere(self, context: Context, refusal: AwsError) -> Placement | None:
        """The next zone, and after the last zone the next type: a quota is one for all of them."""
        if refusal.error_class is not ErrorClass.CAPACITY:
            return None
        here = self._place(context)
        left = self.places[self.places.index(here) + 1 :]
        if refusal.code == _SUBNET_IS_FULL:
            left = tuple(one for one in left if one.subnet != here.subnet)
        if not left:
            return None
        zone, _, instance_type = left[0]
        return Placement(
            zone=zone, type=instance_type, instead_of=self._tried_with(context, refusal)
        )

    def _place(self, context: Context) -> Place:
        """Where the intent that is open wants it: a token counts in one zone alone."""
        chosen = context.beliefs[self.key].placement
        if chosen is None:
            return self.places[0]
        return next(
            one
            for one in self.places
            if (one.zone, one.instance_type) == (chosen.zone, chosen.type)
        )

    def _tried(self, context: Context) -> tuple[str, ...]:
        chosen = context.beliefs[self.key].placement
        return chosen.instead_of if chosen else ()

    def _tried_with(self, context: Context, refusal: AwsError) -> tuple[str, ...]:
        return (*self._tried(context), f"{self._place(context)} ({refusal.code})")

    def _request(self, context: Context, count: int) -> dict[str, Any]:
        place, wish = self._place(context), self.wish
        name = f"{context.spec.name}-{self.group}"
        request: dict[str, Any] = {
            "ClientToken": context.token(self.key),
            "MinCount": count,
            "MaxCount": count,
            "ImageId": self.image,
            "InstanceType": place.instance_type,
            "NetworkInterfaces": [self._interface(context, place)],
            "BlockDeviceMappings": block_devices(
                wish, self.root_device, self.root_size, self.brought_along
            ),
            "MetadataOptions": metadata(wish),
            "TagSpecifications": [
                *self.tags(context, self.group, wish.tags),
                *(
                    {"ResourceType": part, "Tags": context.tags(None, name, wish.tags)}
                    for part in ("volume", "network-interface")
                ),
            ],
            **options(wish),
        }
        if self.key_name is not None:
            request["KeyName"] = self.key_name
        return request

    def _interface(self, context: Context, place: Place) -> dict[str, Any]:
        interface: dict[str, Any] = {
            "DeviceIndex": 0,
            "SubnetId": context.id_of(place.subnet),
            # A public address is asked for here, at the launch, since the subnet's own switch
            # would be one more call for each subnet.
            "AssociatePublicIpAddress": self.public_address,
            "Groups": [context.id_of(key) for key in self.security_groups],
            "DeleteOnTermination": True,
        }
        if self.wish.private_address is not None:
            interface["PrivateIpAddress"] = self.wish.private_address
        if self.ipv6:
            interface["Ipv6AddressCount"] = 1
        return interface

    async def _run(self, context: Context, request: dict[str, Any]) -> Any:
        """Launch; an instance profile may be so new that EC2 does not know it yet."""
        begun = clock()
        while True:
            try:
                return await context.ec2.run_instances(**request)
            except AwsError as error:
                is_patient = clock() - begun < context.settings.consistency_timeout
                if _UNKNOWN_PROFILE not in error.aws_message or not is_patient:
                    raise
            await context.lease.pause(context.settings.poll_every)

    @classmethod
    async def until_usable(cls, context: Context, ids: Sequence[str]) -> None:
        await until_begun(context, ids)

    @classmethod
    async def begin_delete(cls, context: Context, doomed: Mapping[str, Sequence[str]]) -> None:
        """Terminate them all in one call. Raises `StepError` where some are protected."""
        lifted = [
            one
            for key, ids in doomed.items()
            if is_lifted(context.record, context.record.run, key)
            for one in ids
        ]
        if lifted:
            await lift_protection(context, lifted)
        await tell_of_kept_volumes(context, doomed)
        ids = all_ids(doomed)
        try:
            await terminate(context, ids)
        except AwsError as error:
            if error.error_class is not ErrorClass.NOT_FOUND:
                raise
            # One unknown id makes AWS refuse the call for all of them.
            states = await states_of(context.ec2, ids)
            if left := [one for one, state in states.items() if state != "terminated"]:
                await terminate(context, left)

    @classmethod
    async def delete(cls, context: Context, doomed: Mapping[str, Sequence[str]]) -> None:
        """Terminate them, and wait until they are: till then they hold on to their subnets and
        security groups."""
        is_begun = False
        while True:
            states = await states_of(context.ec2, all_ids(doomed))
            if not any(_may_still_run(context, states.get(one)) for one in all_ids(doomed)):
                return
            if not is_begun:
                await cls._terminate_those_alive(context, doomed, states)
                is_begun = True
            await context.lease.pause(context.settings.poll_every)

    @classmethod
    async def _terminate_those_alive(
        cls, context: Context, doomed: Mapping[str, Sequence[str]], states: Mapping[str, str]
    ) -> None:
        alive = {
            key: [one for one in ids if states.get(one) not in ENDING]
            for key, ids in doomed.items()
        }
        if any(alive.values()):
            await cls.begin_delete(context, alive)


def _may_still_run(context: Context, state: str | None) -> bool:
    """Whether one is not terminated, or too new for its absence to mean anything."""
    return state != "terminated" if state else not context.is_settled()
