"""What a plan says would be done is what is done: for every example, and for all kinds at once."""

from collections import Counter

import pytest

from envwright.plan import Plan, PlanQuestion
from envwright.record import State
from envwright.spec import EnvironmentSpec, load_spec, parse_spec
from tasks.lease import Look
from tests.cloud import Behaviour, Cloud
from tests.harness import EVERYTHING, Environment
from tests.integration.conftest import Begin
from tests.repository import ROOT
from worker.plan import planned

SPECS = {
    "everything": parse_spec(EVERYTHING),
    **{
        path.stem: load_spec(path)
        for path in sorted((ROOT / "examples").glob("*.yaml"))
        if path.stem not in ("unknown-image", "existing-vpc")
    },
}


async def plan_of(env: Environment, *, check: bool = False) -> Plan:
    """The answer of a worker, whose task is played here without Celery."""
    spec = env.record.spec
    assert spec is not None
    return await planned(env.worker, Look(30), PlanQuestion(spec=spec, check=check))


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
async def test_a_build_does_what_the_plan_says(
    spec: EnvironmentSpec, begin: Begin, cloud: Cloud
) -> None:
    """The same calls that change something, as often; the same resources; and the plan changes
    nothing."""
    async with begin(spec) as env:
        told = await plan_of(env)
        assert cloud.mutating == [], "the plan itself changed something"
        cloud.journal.clear()

        record = await env.to_rest()

    assert record.state is State.READY
    assert Counter(told.changes) == Counter(cloud.mutating)
    keys = [one.key for step in told.steps for one in step.resources]
    assert sorted(keys) == sorted(record.resources)
    assert sum(
        (Counter(one.changes) for step in told.steps for one in step.resources), Counter()
    ) == (Counter(told.changes))


async def test_it_names_the_permissions_that_are_missing(begin: Begin, cloud: Cloud) -> None:
    """Also of calls that only a cleanup makes; and nothing is changed by asking."""
    cloud.behave(Behaviour(denied=frozenset({"CreateSubnet", "DeleteVpc"})))
    async with begin(EVERYTHING) as env:
        told = await plan_of(env, check=True)

    assert [one.action for one in told.denied] == ["ec2:CreateSubnet", "ec2:DeleteVpc"]
    assert {one.action for one in told.permissions} >= {"ec2:DescribeTags", "ec2:RunInstances"}
    assert not (await cloud.inventory()).resources
