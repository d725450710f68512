"""The instance step: the routes out, and each group launched over its zones."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from itertools import islice
from typing import Any, Final

from celery import shared_task

from envwright.names import Step, provision_task
from envwright.spec import InstanceGroup, Tier
from envwright.targets import instances_key
from tasks import engine
from tasks.context import Context
from tasks.endpoints import interface_endpoints
from tasks.keys import elastic_address, subnet
from tasks.known import Known
from tasks.lookups import look_up_images, look_up_zones
from tasks.resources.address_association import AddressAssociation
from tasks.resources.base import Groups, Need, Resource, key_beside
from tasks.resources.instances import Instances, Place
from tasks.resources.route import Route
from tasks.resources.source_dest_check import SourceDestCheck
from tasks.resources.vpc_endpoint import VpcEndpoint
from tasks.routing import routes, routes_from
from tasks.security import key_pair_name, security_group

KINDS: Final[Groups] = ((Route, Instances), (SourceDestCheck, AddressAssociation))


def spread(count: int, zones: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Share `count` instances out over the zones, the first ones taking what is left over."""
    share, left = divmod(count, len(zones))
    for index, zone in enumerate(zones):
        here = share + (1 if index < left else 0)
        if here:
            yield zone, here


def wanted(known: Known) -> list[Resource]:
    """The resources of the step."""
    of_groups = launches(known)
    return [*routes(known), *of_groups, *standing_on(of_groups)]


def launches(known: Known) -> list[Instances]:
    """One launch for each group and zone."""
    found = []
    for name, group in known.spec.instances.items():
        numbers = iter(range(1, group.count + 1))
        for zone, count in spread(group.count, _zones_of(known, group)):
            launch = _launch(known, name, group, zone, count)
            addresses = tuple(elastic_address(name, one) for one in islice(numbers, count))
            found.append(replace(launch, addresses=addresses) if group.elastic_address else launch)
    return found


def standing_on(launches: Sequence[Instances]) -> list[Resource]:
    """What these instances get once they run, since no launch can ask for it."""
    found: list[Resource] = []
    for launch in launches:
        common: Any = {
            "count": launch.count,
            "instances": launch.key,
            "needs": (Need(Instances, launch.key),),
        }
        if not launch.wish.source_dest_check:
            key = key_beside(launch.key, SourceDestCheck.kind)
            found.append(SourceDestCheck(key=key, **common))
        if launch.addresses:
            key = key_beside(launch.key, AddressAssociation.kind)
            found.append(AddressAssociation(key=key, addresses=launch.addresses, **common))
    return found


def _zones_of(known: Known, group: InstanceGroup) -> Sequence[str]:
    """A group's zones; that of its private address alone, if it has one."""
    zones = group.zones or known.zones
    if group.private_address is None:
        return zones
    if known.spec.network.cidr is None:
        return zones[:1]
    address, tier = IPv4Address(group.private_address), known.tier_of(group)
    cidrs = dict(zip(known.zones, known.spec.network.subnet_cidrs(tier.name), strict=True))
    return [zone for zone in zones if address in IPv4Network(cidrs[zone])]


def _launch(known: Known, name: str, group: InstanceGroup, zone: str, count: int) -> Instances:
    root_device, root_size = known.root_device_of(group)
    tier, zones = known.tier_of(group), _zones_from(zone, _zones_of(known, group))
    return Instances(
        key=instances_key(name, zone),
        count=count,
        group=name,
        wish=group,
        places=tuple(
            Place(one, subnet(tier.name, one), instance_type)
            for instance_type in group.types
            for one in zones
        ),
        public_address=known.has_public_address(group),
        security_groups=tuple(security_group(one) for one in group.security_groups),
        image=known.image_of(group),
        root_device=root_device,
        root_size=root_size,
        brought_along=known.brought_along_by(group),
        key_name=key_pair_name(known),
        ipv6=known.spec.network.ipv6,
        needs=(*_ways_out(known, tier, zones), *_endpoints(known, tier)),
    )


def _endpoints(known: Known, tier: Tier) -> tuple[Need, ...]:
    """What must be usable before the instances of a tier can reach what they are to reach."""
    if tier.access != "isolated":
        return ()
    return tuple(Need(VpcEndpoint, key) for key in interface_endpoints(known, tier))


def _zones_from(zone: str, zones: Sequence[str]) -> Sequence[str]:
    """A launch's own zone, and then the others: those that come after it first."""
    index = zones.index(zone)
    return [*zones[index:], *zones[:index]]


def _ways_out(known: Known, tier: Tier, zones: Sequence[str]) -> tuple[Need, ...]:
    """What private instances need before their user data can reach the internet."""
    found = [Need(Route, one.key) for zone in zones for one in routes_from(known, tier, zone)]
    return tuple(dict.fromkeys(found))


@shared_task(name=provision_task(Step.INSTANCE))
async def instance(context: Context) -> None:
    await look_up_zones(context)
    await look_up_images(context)
    await engine.apply(context, KINDS, wanted(context.known))
