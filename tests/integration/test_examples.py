"""Every example is what it says: built, built again without a change, and taken down to nothing."""

from collections import Counter
from pathlib import Path
from typing import Final

import pytest

from envwright.names import Step
from envwright.plan import PlanQuestion
from envwright.spec import load_spec
from envwright.states import State
from tasks.lease import Look
from tests.cloud import Cloud
from tests.everything import ALL_OF_WEB
from tests.fewest import fewest
from tests.integration.conftest import Begin
from tests.repository import ROOT
from worker.plan import planned

HOLDS: Final[dict[str, dict[str, int]]] = {
    "web": ALL_OF_WEB,
    "three-tiers": {
        "vpc": 1,
        "subnet": 6,
        "internet_gateway": 1,
        "address": 1,
        "nat_gateway": 1,
        "route_table": 2,
        "security_group": 3,
        "instance": 6,
        "volume": 6,
    },
    "isolated": {
        "vpc": 1,
        "subnet": 2,
        "vpc_endpoint": 4,
        "security_group": 2,
        "instance": 2,
        "volume": 2,
    },
    "dual-stack": {
        "vpc": 1,
        "subnet": 4,
        "internet_gateway": 1,
        "egress_only_internet_gateway": 1,
        "route_table": 1,
        "security_group": 2,
        "instance": 4,
        "volume": 4,
    },
    "spot-workers": {
        "vpc": 1,
        "subnet": 3,
        "internet_gateway": 1,
        "security_group": 1,
        "instance": 6,
        "volume": 12,
    },
}
"""What AWS holds of each of them once it is ready."""

ELSEWHERE: Final = {
    "unknown-image": "what happens when building fails: tests/acceptance/test_main_job.py",
    "existing-vpc": "what must be there before it: tests/integration/test_existing.py",
}
"""Examples that are proved by tests of their own, and why."""

PATHS: Final = sorted((ROOT / "examples").glob("*.yaml"))


@pytest.mark.parametrize(
    "path", [one for one in PATHS if one.stem not in ELSEWHERE], ids=lambda path: path.stem
)
async def test_an_example(path: Path, begin: Begin, cloud: Cloud) -> None:
    """It makes what the plan says, by the calls that the plan says, and that is what it should;
    the second time no call changes anything, and in the end nothing is left."""
    before = (await cloud.inventory()).counts
    spec = load_spec(path)
    async with begin(spec) as env:
        plan = await planned(env.worker, Look(30), PlanQuestion(spec=spec))
        assert cloud.mutating == [], "the plan itself changed something"

        built = await env.to_rest()

        assert built.state is State.READY, built.failure
        assert (await cloud.inventory()).counts == Counter(before) + Counter(HOLDS[path.stem])
        assert Counter(plan.changes) == Counter(cloud.mutating)
        least = fewest(spec, built.resources)
        assert len(cloud.mutating) == least.build
        keys = [one.key for step in plan.steps for one in step.resources]
        assert sorted(keys) == sorted(built.resources)

        cloud.journal.clear()
        for step in Step:
            await env.rewind(step)
            await env.run(step)
        assert cloud.mutating == []
        assert env.record.state is State.READY

        gone = await env.take_down()
        assert len(cloud.mutating) == least.take_down, cloud.counted()
    assert gone.state is State.DESTROYED, gone.cleanup_failure
    assert (await cloud.inventory()).counts == before
