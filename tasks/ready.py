"""The ready step: instances run and pass their checks, inventory equals record, outputs."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from celery import shared_task

from envwright.names import Step, provision_task
from envwright.record import FailureCategory, Instance, Outputs, ResourceState
from tasks import instance, kinds, teardown
from tasks.aws.tags import Inventory
from tasks.context import Context
from tasks.failures import StepError
from tasks.lease import clock
from tasks.lookups import look_up_zones
from tasks.network import VPC, public_subnet
from tasks.resources.base import all_ids, kind_name
from tasks.resources.instances import Instances
from tasks.security import key_pair_name, security_group

if TYPE_CHECKING:
    from types_aiobotocore_ec2.type_defs import InstanceStatusTypeDef, InstanceTypeDef

_IDS_A_CALL: Final = 100


@shared_task(name=provision_task(Step.READY))
async def ready(context: Context) -> None:
    await look_up_zones(context)
    launches = instance.wanted(context.known)
    ids = {launch.key: context.ids_of(launch.key) for launch in launches}
    await _until_checks_passed(context, all_ids(ids))
    await context.believe(ids, ResourceState.READY)
    await _inventory_equals_record(context)
    context.outputs = await _outputs(context, launches)


async def _until_checks_passed(context: Context, ids: Sequence[str]) -> None:
    """Wait by status, which costs a tenth of a full description; 100 ids a call."""
    begun = clock()
    waiting = list(ids)
    while waiting:
        statuses: list[InstanceStatusTypeDef] = []
        for start in range(0, len(waiting), _IDS_A_CALL):
            answer = await context.ec2.describe_instance_status(
                InstanceIds=waiting[start : start + _IDS_A_CALL], IncludeAllInstances=True
            )
            statuses += answer["InstanceStatuses"]
        for status in statuses:
            state = status["InstanceState"]["Name"]
            if state not in ("pending", "running"):
                raise StepError(
                    FailureCategory.AWS,
                    f"Instance {status['InstanceId']} is {state} instead of running: "
                    f"{await _reason(context, status['InstanceId'])}",
                )
        passed = {one["InstanceId"] for one in statuses if _passed(one)}
        waiting = [one for one in waiting if one not in passed]
        if waiting and clock() - begun > context.settings.instance_timeout:
            raise StepError(
                FailureCategory.AWS,
                f"After {context.settings.instance_timeout:g} s these instances do not run or "
                f"have not passed their status checks: {', '.join(waiting)}. Look at their "
                f"console output; `retry` waits again.",
            )
        if waiting:
            await context.lease.pause(context.settings.poll_every)


def _passed(status: "InstanceStatusTypeDef") -> bool:
    return (
        status["InstanceState"]["Name"] == "running"
        and status["InstanceStatus"]["Status"] == "ok"
        and status["SystemStatus"]["Status"] == "ok"
    )


async def _reason(context: Context, instance_id: str) -> str:
    for found in await _describe(context, [instance_id]):
        if reason := found.get("StateReason", {}).get("Message"):
            return reason
    return "AWS gives no reason."


async def _inventory_equals_record(context: Context) -> None:
    """Wait until AWS shows all that is on record, and remove what is there twice."""
    begun = clock()
    while True:
        inventory = await context.inventory()
        missing = sorted(
            one
            for key, belief in context.beliefs.items()
            if kind_name(key) in kinds.TAGGED and belief.state is not ResourceState.GONE
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
    await teardown.remove_doubles(context, kinds.KINDS, inventory.own)


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


async def _outputs(context: Context, launches: Sequence[Instances]) -> Outputs:
    launch_of = {one: launch for launch in launches for one in context.ids_of(launch.key)}
    found = await _describe(context, list(launch_of))
    instances = [_instance(launch_of[one["InstanceId"]], one) for one in found]
    return Outputs(
        vpc_id=context.id_of(VPC),
        subnets={
            f"public-{zone}": context.id_of(public_subnet(zone)) for zone in context.known.zones
        },
        security_groups={
            name: context.id_of(security_group(name)) for name in context.spec.security.groups
        },
        key_pair=key_pair_name(context.spec),
        instances=tuple(sorted(instances, key=lambda one: (one.group, one.zone, one.id))),
    )


def _instance(launch: Instances, found: "InstanceTypeDef") -> Instance:
    """An instance's outputs. Raises `StepError` when its root device has another name than
    the spec gave, since then the root volume that was asked for is a second disk."""
    root_device = found.get("RootDeviceName")
    if root_device != launch.root_volume.device_name:
        raise StepError(
            FailureCategory.SPEC,
            f"The root device of {launch.image} is {root_device}, and the spec says "
            f"{launch.root_volume.device_name}: correct instances.{launch.group}.root_volume."
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
    )


async def _describe(context: Context, ids: Sequence[str]) -> "list[InstanceTypeDef]":
    found: list[InstanceTypeDef] = []
    for start in range(0, len(ids), _IDS_A_CALL):
        answer = await context.ec2.describe_instances(
            InstanceIds=list(ids[start : start + _IDS_A_CALL])
        )
        found += [one for reservation in answer["Reservations"] for one in reservation["Instances"]]
    return found
