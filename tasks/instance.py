"""The instance step: look the images up, and launch each group over its zones."""

from collections.abc import Iterator, Sequence
from typing import Final

from celery import shared_task

from envwright.names import Step, provision_task
from envwright.spec import InstanceGroup
from tasks import engine
from tasks.context import Context
from tasks.lookups import image_of, look_up_images, look_up_zones, root_volume_of
from tasks.network import public_subnet
from tasks.resources.base import Groups
from tasks.resources.instances import Instances
from tasks.security import key_pair_name, security_group

KINDS: Final[Groups] = ((Instances,),)


def spread(count: int, zones: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Share `count` instances out over the zones, the first ones taking what is left over."""
    share, left = divmod(count, len(zones))
    for index, zone in enumerate(zones):
        here = share + (1 if index < left else 0)
        if here:
            yield zone, here


def wanted(context: Context, zones: Sequence[str]) -> list[Instances]:
    """One launch for each group and zone: what is looked up must have been so before."""
    return [
        _launch(context, name, group, zone, count)
        for name, group in context.spec.instances.items()
        for zone, count in spread(group.count, group.zones or zones)
    ]


def _launch(context: Context, name: str, group: InstanceGroup, zone: str, count: int) -> Instances:
    return Instances(
        key=f"instance/instances/{name}-{zone}",
        count=count,
        group=name,
        subnet=public_subnet(zone),
        security_groups=tuple(security_group(one) for one in group.security_groups),
        image=image_of(context, group),
        instance_type=group.types[0],  # type: ignore[arg-type]  # AWS adds types all the time
        key_name=key_pair_name(context.spec),
        root_volume=root_volume_of(context, group),
        user_data=group.user_data,
        own_tags=group.tags,
    )


@shared_task(name=provision_task(Step.INSTANCE))
async def instance(context: Context) -> None:
    zones = await look_up_zones(context)
    await look_up_images(context)
    await engine.apply(context, KINDS, wanted(context, zones))
