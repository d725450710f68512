"""The answer to what a spec would make."""

from typing import Any, Final

from envwright.plan import Permission, Plan, PlanQuestion
from envwright.spec import EnvironmentSpec
from tasks.aws.rehearsal import Rehearsal
from tasks.lease import Look
from tasks.permissions import permissions
from tasks.plan import rehearse
from tasks.quotas import Quotas
from worker.runtime import Runtime

QUOTAS_PATIENCE: Final = 5.0
"""Seconds in which Service Quotas must answer: the plan is worth having without it."""

PERMISSIONS_PATIENCE: Final = 20.0
"""Seconds in which AWS must answer the dry runs: of what it does not, the plan does not say."""


async def planned(now: Runtime, look: Look, question: PlanQuestion) -> Plan:
    """What it would do, and with `check` what of it the worker may do."""
    spec = question.spec
    place = (spec.region, spec.account)
    ec2: Any = await now.clients.door("ec2", *place, look)
    ssm: Any = await now.clients.door("ssm", *place, look)
    rehearsal = Rehearsal(ec2, await now.clients.client("ec2", *place))
    parameters = Rehearsal(ssm, await now.clients.client("ssm", *place))
    plan, known = await rehearse(spec, rehearsal, parameters, now.settings, look)
    with now.looking(QUOTAS_PATIENCE) as short_look:
        quotas: Any = await now.clients.door("service-quotas", *place, short_look)
        uses = await Quotas(ec2, quotas).uses(rehearsal.changes, known.zones)
    allowed = await _permissions(now, spec, rehearsal) if question.check else []
    return plan.model_copy(update={"quotas": tuple(uses), "permissions": tuple(allowed)})


async def _permissions(
    now: Runtime, spec: EnvironmentSpec, rehearsal: Rehearsal
) -> list[Permission]:
    with now.looking(PERMISSIONS_PATIENCE) as look:
        return await permissions(
            await now.clients.door("ec2", spec.region, spec.account, look), rehearsal
        )
