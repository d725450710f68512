"""Any valid spec is built right, built again without a change, and taken down to nothing."""

import os
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings

from envwright.names import Step
from envwright.spec import parse_spec
from envwright.states import State
from tests.any_spec import expected, specs
from tests.cloud import Cloud
from tests.integration.conftest import Begin

EXAMPLES = int(os.environ.get("TEST_SPECS", "8"))
"""How many specs are drawn; always the same ones for a number, so that a failure comes again."""


@settings(
    max_examples=EXAMPLES,
    derandomize=True,
    # To make a failing spec smaller takes minutes; it is told as it was drawn.
    phases=[Phase.explicit, Phase.generate],
    report_multiple_bugs=False,
    # The fixtures are the same for all specs on purpose: each must leave them as they were.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=specs())
async def test_any_spec(data: dict[str, Any], begin: Begin, cloud: Cloud) -> None:
    """The right number of each kind, no call that changes anything the second time, and in the
    end nothing at all."""
    spec = parse_spec(data)
    async with begin(spec) as env:
        built = await env.to_rest()
        assert built.state is State.READY, built.failure
        assert (await cloud.inventory()).counts == expected(spec)

        cloud.journal.clear()
        for step in Step:
            await env.rewind(step)
            await env.run(step)
        assert cloud.mutating == []
        assert env.record.state is State.READY

        gone = await env.take_down()
    assert gone.state is State.DESTROYED, gone.cleanup_failure
    assert (await cloud.inventory()).counts == {}
