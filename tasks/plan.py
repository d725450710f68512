"""Rehearse the steps that build an environment, and tell what they would do."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, cast

from config.settings import WorkerSettings
from envwright.names import RECORD_FORMAT, Step
from envwright.new_run import new_run
from envwright.plan import Plan, PlannedResource, PlannedStep
from envwright.record import Event, Record, RunKind
from envwright.spec import EnvironmentSpec
from envwright.states import State
from tasks import instance, network, security
from tasks.aws.rehearsal import Rehearsal, Rehearsed
from tasks.context import Context
from tasks.known import Known
from tasks.lease import Lease, Look
from tasks.store import Hold, WorkerStore, Written

STEPS: Final[Mapping[Step, Callable[[Context], Awaitable[None]]]] = {
    Step.NETWORK: network.network.run,
    Step.SECURITY: security.security.run,
    Step.INSTANCE: instance.instance.run,
}
"""Those that make something."""

_UID: Final = "0" * 12

_DETAILS: Final = {
    "CidrBlock": "cidr",
    "AvailabilityZone": "zone",
    "DestinationCidrBlock": "to",
    "DestinationIpv6CidrBlock": "to",
    "InstanceType": "type",
    "ImageId": "image",
    "ServiceName": "service",
    "PrivateIpAddress": "address",
}
"""What is told of a call's parameters, and under which name."""


async def rehearse(
    spec: EnvironmentSpec,
    ec2: Rehearsal,
    ssm: Rehearsal,
    settings: WorkerSettings,
    look: Look,
) -> tuple[Plan, Known]:
    """What building this would do, if nothing of it were there; and what was looked up for it.

    Raises what a build would raise at a look-up: `AwsError`, `ResourceError`, `StepError`.
    """
    context = _context(spec, ec2, ssm, settings, look)
    steps = []
    for step, work in STEPS.items():
        context.step = step
        before = set(context.beliefs)
        await work(context)
        made = [key for key in context.beliefs if key not in before]
        steps.append(_step(step, context, made, ec2.changes))
    plan = Plan(
        environment_id=spec.environment_id,
        steps=tuple(steps),
        changes=_by_action(ec2.changes),
        reads=dict(sorted((ec2.reads + ssm.reads).items())),
    )
    return plan, context.known


def _context(
    spec: EnvironmentSpec,
    ec2: Rehearsal,
    ssm: Rehearsal,
    settings: WorkerSettings,
    look: Look,
) -> Context:
    now = 0.0
    run = new_run(RunKind.PROVISION, "plan", State.READY, now, spec.deadline)
    record = Record(
        format=RECORD_FORMAT,
        environment_id=spec.environment_id,
        uid=_UID,
        spec=spec,
        created_at=now,
        updated_at=now,
        state=State.PROVISIONING,
        step=Step.NETWORK,
        run=run,
    )
    return Context(
        record=record,
        now=now,
        lease=Lease(Hold(spec.environment_id, run.id, 0), look.until, margin=0),
        store=cast(WorkerStore, _NoRecord()),
        settings=settings,
        ec2=cast(Any, ec2),
        ssm=cast(Any, ssm),
        own_account=_some_account,
    )


class _NoRecord:
    """Takes the place of the store: a rehearsal is not put on record."""

    async def note(self, hold: Hold, fields: Mapping[str, str], events: Sequence[Event]) -> Written:
        return Written.WRITTEN


async def _some_account() -> str:
    """It is for a later attempt to compare with, and a rehearsal is the only one."""
    return "0" * 12


def _step(
    step: Step, context: Context, made: Sequence[str], changes: Sequence[Rehearsed]
) -> PlannedStep:
    return PlannedStep(
        step=step,
        resources=tuple(
            _resource(
                key, context.beliefs[key].count, [one for one in changes if one.resource == key]
            )
            for key in made
        ),
    )


def _resource(key: str, count: int, changes: Sequence[Rehearsed]) -> PlannedResource:
    said: dict[str, Any] = {
        name: value for one in changes for name, value in one.parameters.items()
    }
    tags = [tag for one in said.get("TagSpecifications", ()) for tag in one["Tags"]]
    return PlannedResource(
        key=key,
        name=next((tag["Value"] for tag in tags if tag["Key"] == "Name"), None),
        details={
            told: said[parameter] for parameter, told in _DETAILS.items() if said.get(parameter)
        },
        count=count,
        changes=_by_action(changes),
    )


def _by_action(changes: Sequence[Rehearsed]) -> dict[str, int]:
    return dict(sorted(Counter(one.action for one in changes).items()))
