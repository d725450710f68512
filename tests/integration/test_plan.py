"""What a plan says would be done is what is done: here for all kinds at once.

The examples are held against their plans in test_examples.py.
"""

from collections import Counter

import pytest

from envwright.plan import Plan, PlanQuestion, Verdict
from envwright.states import State
from tasks.lease import Look
from tests.cloud import Behaviour, Cloud
from tests.everything import EVERYTHING
from tests.harness import Environment
from tests.integration.conftest import Begin
from worker.plan import planned


async def plan_of(env: Environment, *, check: bool = False) -> Plan:
    """The answer of a worker, whose task is played here without Celery."""
    spec = env.record.spec
    assert spec is not None
    return await planned(env.worker, Look(30), PlanQuestion(spec=spec, check=check))


async def test_a_build_does_what_the_plan_says(begin: Begin, cloud: Cloud) -> None:
    """The same calls that change something, as often, and for the same resources."""
    async with begin(EVERYTHING) as env:
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


async def test_dry_runs_that_are_not_answered_in_time_leave_the_plan(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plan is told all the same, and does not say of the permissions."""
    monkeypatch.setattr("worker.plan.PERMISSIONS_PATIENCE", -1.0)
    async with begin(EVERYTHING) as env:
        told = await plan_of(env, check=True)

    assert told.steps
    assert {one.verdict for one in told.permissions} == {Verdict.UNCLEAR}
