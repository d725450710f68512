"""The ready step: instances run and pass their checks, inventory equals record, outputs."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from celery import shared_task

from envwright.failure import FailureCategory
from envwright.names import Step, provision_task
from envwright.outputs import Endpoint, Instance, Outputs
from envwright.record import ResourceState
from tasks import instance, kinds, teardown
from tasks.aws.errors import ErrorClass, tolerating
from tasks.aws.tags import Inventory
from tasks.checks import describe, until_checks_passed
from tasks.context import Context
from tasks.failures import StepError
from tasks.keys import vpc_endpoint
from tasks.known import public_ip
from tasks.lease import clock
from tasks.lookups import look_up_zones
from tasks.network import VPC, subnet, subnets
from tasks.resources.base import all_ids, kind_name
from tasks.resources.instances import Instances
from tasks.resources.subnet import part_of_ipv6
from tasks.resources.vpc_endpoint import until_available
from tasks.routing import nat_address
from tasks.security import key_pair_name, security_group

if TYPE_CHECKING:
    from types_aiobotocore_ec2.type_defs import InstanceTypeDef


@shared_task(name=provision_task(Step.READY))
async def ready(context: Context) -> None:
    await look_up_zones(context)
    launches = instance.launches(context.known)
    ids = {launch.key: context.ids_of(launch.key) for launch in launches}
    passed_before = [
        one
        for key, some in ids.items()
        for one in some
        if context.beliefs[key].state is ResourceState.READY
    ]
    await until_checks_passed(context, all_ids(ids), may_rest=passed_before)
    await context.believe(ids, ResourceState.READY)
    await inventory_equals_record(context)
    context.outputs = await outputs(context, launches, all_ids(ids))


async def inventory_equals_record(context: Context, keys: Collection[str] | None = None) -> None:
    """Wait until AWS shows all that is on record, and remove what is there twice.

    `keys` are those of the resources to compare, where it is not all of them.
    """
    begun = clock()
    while True:
        inventory = await context.inventory()
        missing = sorted(
            one
            for key, belief in context.beliefs.items()
            if kind_name(key) in kinds.TAGGED
            and belief.state is not ResourceState.GONE
            and (keys is None or key in keys)
            for one in belief.ids
            if one not in inventory.own.get(key, ())
        )
        if not missing:
            break
        if clock() - begun > context.settings.settle_time:
            raise StepError(
                FailureCategory.CONFLICT,
                f"AWS no longer shows what was made: {', '.join(missing)}. Somebody may have "
                f"deleted it or its tags; `retry` makes what is missing.",
            )
        await context.settle_a_little()
    await _nothing_is_of_another_record(context, inventory)
    shown = {key: ids for key, ids in inventory.own.items() if keys is None or key in keys}
    await teardown.remove_doubles(context, kinds.KINDS, shown)


async def _nothing_is_of_another_record(context: Context, inventory: Inventory) -> None:
    """Raises `StepError` when AWS holds an environment of this name that the record is not of."""
    found = [
        one
        for group in kinds.KINDS
        for kind in group
        for ids in (await teardown.unrecorded(context, kind, inventory.of_another_record)).values()
        for one in ids
    ]
    if found:
        raise StepError(
            FailureCategory.CONFLICT,
            f"AWS holds another environment named {context.record.environment_id}, whose record "
            f"was lost ({', '.join(found)}). `envwright orphans` shows it, and with --delete takes "
            f"it down; then retry this one, or give it another name.",
        )


async def outputs(context: Context, launches: Sequence[Instances], ids: Sequence[str]) -> Outputs:
    """What the environment gives its caller; `ids` are the instances that it has."""
    launch_of = {one: launch for launch in launches for one in context.ids_of(launch.key)}
    found = await describe(context, ids)
    await _give_profiles(context, launch_of, found)
    instances = [_instance(launch_of[one["InstanceId"]], one) for one in found]
    return Outputs(
        vpc_id=context.id_of(VPC),
        **_ipv6(context),
        subnets={
            f"{tier.name}-{zone}": context.id_of(subnet(tier.name, zone))
            for tier in context.spec.network.tiers
            for zone in context.known.zones
        },
        security_groups={
            name: context.id_of(security_group(name))
            for name in (*context.spec.security.groups, *context.spec.security.existing_groups)
        },
        key_pair=key_pair_name(context.known),
        nat_addresses=await _nat_addresses(context),
        endpoints=await _endpoints(context),
        instances=tuple(sorted(instances, key=lambda one: (one.group, one.zone, one.id))),
    )


async def _nat_addresses(context: Context) -> dict[str, str]:
    """Known since they were made, unless the reply was lost."""
    zones = context.known.zones[: context.spec.network.nat_gateway_count]
    ids = {zone: context.id_of(nat_address(zone)) for zone in zones}
    if unknown := [one for one in ids.values() if public_ip(one) not in context.lookups]:
        answer = await context.ec2.describe_addresses(
            Filters=[{"Name": "allocation-id", "Values": unknown}]
        )
        for found in answer["Addresses"]:
            await context.remember(public_ip(found["AllocationId"]), found["PublicIp"])
    return {zone: str(context.lookups[public_ip(one)]) for zone, one in ids.items()}


async def _endpoints(context: Context) -> dict[str, Endpoint]:
    """The VPC endpoints, once they are available: not every instance has waited for them."""
    id_of = {name: context.id_of(vpc_endpoint(name)) for name in context.spec.network.endpoints}
    if not id_of:
        return {}
    found = {one["VpcEndpointId"]: one for one in await until_available(context, [*id_of.values()])}
    return {
        name: Endpoint(
            id=one,
            service=found[one]["ServiceName"],
            dns_names=tuple(entry["DnsName"] for entry in found[one].get("DnsEntries", ())),
        )
        for name, one in id_of.items()
    }


def _ipv6(context: Context) -> Any:
    if not context.spec.network.ipv6:
        return {}
    block = context.known.ipv6_block_of(context.id_of(VPC))
    return {
        "ipv6_block": block,
        "ipv6_subnets": {
            one.name: part_of_ipv6(block, one.ipv6_index)
            for one in subnets(context.known)
            if one.ipv6_index is not None
        },
    }


async def _give_profiles(
    context: Context, launch_of: Mapping[str, Instances], found: "Sequence[InstanceTypeDef]"
) -> None:
    """Give instances the profile that a launch dropped without a word: it can, of a new one."""
    for one in found:
        profile = launch_of[one["InstanceId"]].wish.instance_profile
        if profile is not None and not one.get("IamInstanceProfile"):
            with tolerating(ErrorClass.EXISTS):
                await context.ec2.associate_iam_instance_profile(
                    InstanceId=one["InstanceId"], IamInstanceProfile={"Name": profile}
                )


def _instance(launch: Instances, found: "InstanceTypeDef") -> Instance:
    """An instance's outputs. Raises `StepError` when its root device has another name than
    the spec gave, since then the root volume that was asked for is a second disk."""
    root_device = found.get("RootDeviceName")
    if root_device != launch.root_device:
        raise StepError(
            FailureCategory.SPEC,
            f"The root device of {launch.image} is {root_device}, and the spec says "
            f"{launch.root_device}: correct instances.{launch.group}.root_volume."
            f"device_name, or leave it out.",
        )
    return Instance(
        id=found["InstanceId"],
        group=launch.group,
        type=found["InstanceType"],
        image=found["ImageId"],
        zone=found["Placement"]["AvailabilityZone"],
        subnet_id=found["SubnetId"],
        private_ip=found.get("PrivateIpAddress"),
        private_dns=found.get("PrivateDnsName") or None,
        public_ip=found.get("PublicIpAddress"),
        public_dns=found.get("PublicDnsName") or None,
        ipv6_address=found.get("Ipv6Address") or None,
        state=found["State"]["Name"],
    )
