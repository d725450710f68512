"""Many environments at once, against an AWS that keeps to its request limits.

The strict cloud's seconds are short here, and the worker's rates are told so: what is counted does
not hang on it.
"""

import asyncio
from collections import Counter
from typing import Final

from bench.limit import LEAST_CALLS
from envwright.spec import EnvironmentSpec, load_spec
from envwright.states import State
from tests.cloud import Behaviour, Cloud
from tests.cloud.terms import Durations
from tests.integration.conftest import Begin
from tests.repository import ROOT

MANY: Final = 50
TIME_SCALE: Final = 0.3
"""What a second of AWS takes; all times here are AWS's."""
PENDING: Final = 5.0
CHECKS: Final = 10.0
POLL_EVERY: Final = 1.0
AWS: Final = Behaviour(
    limited=True,
    time_scale=TIME_SCALE,
    latency=(0.1, 0.3),
    durations=Durations(instance_pending=PENDING, status_checks=CHECKS),
)
POLLS: Final = MANY * (PENDING + CHECKS) / POLL_EVERY
"""About how often they ask for the status of their instances, all together."""

WORKER: Final = {
    "aws_rate_share": 0.98 / TIME_SCALE,
    # A machine that is busy with tests is late by more of AWS's time than a worker is.
    "aws_burst_share": 0.6,
    "poll_every": POLL_EVERY * TIME_SCALE,
    "instance_timeout": 60.0,
}
WEB: Final = load_spec(ROOT / "examples" / "web.yaml")


def small(name: str) -> EnvironmentSpec:
    """examples/web.yaml in one zone and with one instance."""
    network = WEB.network.model_copy(update={"zones": WEB.network.zones[:1]})
    group = WEB.instances["web"].model_copy(update={"count": 1})
    return WEB.model_copy(update={"name": name, "network": network, "instances": {"web": group}})


async def test_fifty_at_once_are_never_throttled(begin: Begin, cloud: Cloud) -> None:
    """Each costs the fewest calls that change something, none is one too many, and what all of them
    ask again and again is asked for many at once."""
    cloud.behave(AWS)
    async with begin(small("web-00"), **WORKER) as first:
        tickets = first.client.enqueue_many([small(f"web-{n:02}") for n in range(1, MANY)])
        environments = [first, *(first.beside(one.environment_id) for one in tickets)]
        records = await asyncio.gather(*(one.to_rest() for one in environments))

    assert Counter(record.state for record in records) == {State.READY: MANY}
    throttled = [call.action for call in cloud.journal if call.code == "RequestLimitExceeded"]
    assert Counter(throttled) == {}
    expected = {action: times * MANY for action, times in LEAST_CALLS.items()}
    assert Counter(cloud.mutating) == expected, cloud.counted()
    assert len(cloud.calls("DescribeInstanceStatus")) < POLLS / 4, cloud.counted()
