"""A worker that is added while another one is busy with many environments."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Final

from envwright.client import Client
from envwright.names import Step
from envwright.states import State
from tests.acceptance.conftest import COMMAND_TIMEOUT, wait_for_log
from tests.cloud import ALWAYS, Cloud
from tests.cloud.faults import Held
from tests.conftest import WorkerFactory
from tests.many import AWS, BURST_SHARE, RATE_SHARE, check_least_calls, small
from worker.loop import LoopThread
from worker.stack import LocalWorker

MANY: Final = 40
SLOTS: Final = 10
"""Steps that each worker does at once: the first one alone has more to do than it can."""
WORKER: Final = {
    "ENVWRIGHT_CONCURRENCY": f"{SLOTS}",
    "ENVWRIGHT_AWS_RATE_SHARE": f"{RATE_SHARE}",
    "ENVWRIGHT_AWS_BURST_SHARE": f"{BURST_SHARE}",
    # No message is sent again meanwhile: that would hide one that a busy worker keeps to itself.
    "ENVWRIGHT_WAKE_GRACE": f"{2 * COMMAND_TIMEOUT}",
}
LEAST_SHARE: Final = 0.25


def finished(worker: LocalWorker) -> Sequence[str]:
    """The steps that a worker says it has done, each with its environment."""
    told = [json.loads(line) for line in worker.child.output().splitlines() if "step_fin" in line]
    return [f"{one['environment']} {one['step']}" for one in told]


async def release(held: Held) -> None:
    held.released.set()


def test_a_worker_that_is_added_takes_its_share_at_once(
    worker: WorkerFactory, client: Client, cloud: Cloud, loop: LoopThread
) -> None:
    """It begins with what waits, while the first one has done nothing yet. No step is done twice,
    nothing is made twice, and both together keep to AWS's request limits."""
    cloud.behave(AWS)
    held = Held()
    cloud.inject("CreateVpc", held, times=ALWAYS)
    first = worker(**WORKER)
    tickets = client.enqueue_many([small(f"web-{number:02}") for number in range(MANY)])
    wait_for_log(first, "step_started", times=SLOTS)

    second = worker(**WORKER)
    wait_for_log(second, "step_started", times=SLOTS)
    loop.run(release(held))
    for ticket in tickets:
        assert client.wait(ticket.environment_id, COMMAND_TIMEOUT).state is State.READY
    wait_for_log(second, "run_finished")

    by_first, by_second = finished(first), finished(second)
    assert max(Counter([*by_first, *by_second]).values()) == 1
    assert len(by_second) > LEAST_SHARE * MANY * len(Step)
    check_least_calls(cloud, MANY)
