"""Many environments at once on one worker; all times are AWS's."""

import asyncio
from collections import Counter
from dataclasses import replace
from typing import Final

from envwright.states import State
from tests.cloud import Cloud
from tests.cloud.terms import Durations
from tests.integration.conftest import Begin
from tests.many import (
    AWS,
    BURST_SHARE,
    RATE_SHARE,
    TIME_SCALE,
    check_least_calls,
    small,
)

MANY: Final = 50
PENDING: Final = 5.0
CHECKS: Final = 10.0
POLL_EVERY: Final = 1.0
POLLS: Final = MANY * (PENDING + CHECKS) / POLL_EVERY
"""About how often they ask for the status of their instances, all together."""

WORKER: Final = {
    "aws_rate_share": RATE_SHARE,
    "aws_burst_share": BURST_SHARE,
    "poll_every": POLL_EVERY * TIME_SCALE,
    "instance_timeout": 60.0,
}


async def test_fifty_at_once_are_never_throttled(begin: Begin, cloud: Cloud) -> None:
    """Each costs the fewest calls that change something, none is one too many, and what all of them
    ask again and again is asked for many at once."""
    cloud.behave(replace(AWS, durations=Durations(instance_pending=PENDING, status_checks=CHECKS)))
    async with begin(small("web-00"), **WORKER) as first:
        tickets = first.client.enqueue_many([small(f"web-{n:02}") for n in range(1, MANY)])
        environments = [first, *(first.beside(one.environment_id) for one in tickets)]
        records = await asyncio.gather(*(one.to_rest() for one in environments))

    assert Counter(record.state for record in records) == {State.READY: MANY}
    check_least_calls(cloud, MANY)
    assert len(cloud.calls("DescribeInstanceStatus")) < POLLS / 4, cloud.counted()
