"""A change of instances: do the operation to them, and then make the outputs true again.

The run names the instances by id, so whoever takes over knows what is meant, and finds what was
done by looking. Only of a reboot nothing is to be seen: that it was asked for is put on record.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from celery import shared_task

from envwright.change import Change, Operation
from envwright.errors import EnvwrightError
from envwright.failure import FailureCategory
from envwright.names import Step, change_task
from envwright.record import ResourceState
from tasks import engine
from tasks import instance as step
from tasks.checks import until_checks_passed
from tasks.context import Context
from tasks.failures import StepError, telling_of
from tasks.lease import clock
from tasks.lookups import look_up_images, look_up_zones
from tasks.ready import inventory_equals_record, outputs
from tasks.resources.base import all_ids
from tasks.resources.instances import Instances


@shared_task(name=change_task(Step.INSTANCE))
async def change_instances(context: Context) -> None:
    change = _change_of(context)
    await context.check_account()
    with telling_of(change.instances):
        await _DO[change.operation](context, change)
    if change.operation is Operation.REPLACE:
        await look_up_zones(context)
        await look_up_images(context)
        launches = _made_anew(context, change)
        await engine.apply(context, step.KINDS, [*launches, *step.standing_on(launches)])


@shared_task(name=change_task(Step.READY))
async def change_ready(context: Context) -> None:
    change = _change_of(context)
    launches = step.launches(context.known)
    ids = {one.key: context.ids_of(one.key) for one in launches}
    comes_to_run = change.operation not in (Operation.STOP, Operation.TERMINATE)
    touched = _touched(change, launches) if comes_to_run else ()
    kept = all_ids(change.kept)
    running = [one for key in touched for one in ids[key] if one not in kept]
    await until_checks_passed(context, running)
    is_new = {key: ids[key] for key in touched if _is_new(context, key)}
    await context.believe(is_new, ResourceState.READY)
    if change.operation is Operation.REPLACE:
        await inventory_equals_record(context, touched)
    others = [one for one in all_ids(ids) if one not in running]
    # One that somebody ended is none of this run's: `status` shows it, and `replace` mends it.
    there = await Instances.existing(context.ec2, others) if others else []
    context.outputs = await outputs(context, launches, [*running, *there])


def _change_of(context: Context) -> Change:
    if context.record.run.change is None:
        raise EnvwrightError(f"The run of {context.record.environment_id} is no change.")
    return context.record.run.change


def _touched(change: Change, launches: Sequence[Instances]) -> list[str]:
    """The keys under which instances are worked on, or made."""
    return [one.key for one in launches if one.group in change.groups or change.size(one.key)]


def _is_new(context: Context, key: str) -> bool:
    belief = context.beliefs.get(key)
    return belief is not None and belief.state is ResourceState.CREATED


def _made_anew(context: Context, change: Change) -> list[Instances]:
    """What a replacement leaves: of a group all that the spec asks for, else as many as before."""
    return [
        one if one.group in change.groups else replace(one, count=change.size(one.key))
        for one in step.launches(context.known)
        if one.group in change.groups or change.size(one.key)
    ]


Ask = Callable[[Sequence[str]], Awaitable[object]]


@dataclass(frozen=True)
class _Way:
    """How instances come from one state into another: by a call, once they are in the first."""

    call: Ask
    first: str
    goal: Collection[str]

    async def go(self, context: Context, ids: Sequence[str]) -> None:
        begun = clock()
        asked: set[str] = set()
        while True:
            states = await _states(context, ids)
            late = [one for one in ids if states[one] not in self.goal]
            if not late:
                return
            if now := [one for one in late if states[one] == self.first and one not in asked]:
                await self.call(now)
                asked |= {*now}
                continue
            if clock() - begun > context.settings.instance_timeout:
                raise StepError(
                    FailureCategory.AWS,
                    f"After {context.settings.instance_timeout:g} s these instances are not "
                    f"{' or '.join(sorted(self.goal))}: {', '.join(late)}. `retry` waits again.",
                )
            await context.lease.pause(context.settings.poll_every)


async def _stop(context: Context, change: Change) -> None:
    async def call(ids: Sequence[str]) -> None:
        await context.ec2.stop_instances(InstanceIds=[*ids])

    await _Way(call, "running", {"stopped"}).go(context, change.ids)
    await context.tell_of_instances(change.instances, "stopped")


async def _start(context: Context, change: Change) -> None:
    async def call(ids: Sequence[str]) -> None:
        await context.ec2.start_instances(InstanceIds=[*ids])

    # That they run is waited for by the next step.
    await _Way(call, "stopped", {"pending", "running"}).go(context, change.ids)
    await context.tell_of_instances(change.instances, "started")


async def _reboot(context: Context, change: Change) -> None:
    """Ask for it once, as far as the record knows: a second worker may ask a second time."""
    left = {
        key: [one for one in ids if one not in context.record.rebooted]
        for key, ids in change.instances.items()
    }
    left = {key: ids for key, ids in left.items() if ids}
    if not left:
        return
    states = await _states(context, all_ids(left))
    if resting := [one for one, state in states.items() if state in ("stopping", "stopped")]:
        raise StepError(
            FailureCategory.BLOCKED,
            f"What is stopped cannot be rebooted: {', '.join(resting)}. `envwright start` starts "
            f"it. No instance was rebooted.",
        )
    await context.ec2.reboot_instances(InstanceIds=all_ids(left))
    await context.note_rebooted(left)


async def _terminate(context: Context, change: Change) -> None:
    doomed = {
        key: [one for one in ids if one in context.ids_of(key)]
        for key, ids in change.instances.items()
    }
    if doomed := {key: ids for key, ids in doomed.items() if ids}:
        await Instances.delete(context, doomed)
        await context.note_terminated(doomed)


_DO: Final[Mapping[Operation, Callable[[Context, Change], Awaitable[None]]]] = {
    Operation.STOP: _stop,
    Operation.START: _start,
    Operation.REBOOT: _reboot,
    Operation.TERMINATE: _terminate,
    Operation.REPLACE: _terminate,
}


async def _states(context: Context, ids: Sequence[str]) -> dict[str, str]:
    """The states of these. Raises `StepError` where one is no more."""
    while True:
        found = await Instances.listing.of_ids(context.ec2, ids)
        states = {one["InstanceId"]: one["State"]["Name"] for one in found}
        missing = [one for one in ids if one not in states]
        if not missing:
            return states
        if context.is_settled():
            raise StepError(
                FailureCategory.CONFLICT,
                f"Somebody has terminated {', '.join(missing)}: `envwright replace` makes it anew, "
                f"and `envwright terminate` takes it off the record.",
            )
        await context.settle_a_little()
