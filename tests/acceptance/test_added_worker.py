"""A worker that is added while another one is busy with many environments."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Final

from bench.shapes import SMALL
from envwright.client import Client
from envwright.names import Step
from envwright.states import State
from tests.acceptance.conftest import COMMAND_TIMEOUT, done, how_much_exists, wait_for_log
from tests.cloud import Behaviour, Cloud
from tests.cloud.terms import Durations
from tests.conftest import WorkerFactory
from worker.servers import LocalAws
from worker.stack import LocalWorker

MANY: Final = 40
SLOTS: Final = 10
"""Steps that each worker does at once: the first one alone has more to do than it can."""

TIME_SCALE: Final = 0.3
"""What a second of AWS takes."""
AWS: Final = Behaviour(
    limited=True,
    time_scale=TIME_SCALE,
    latency=(0.1, 0.3),
    durations=Durations(instance_pending=3.0, status_checks=5.0),
)
WORKER: Final = {
    "ENVWRIGHT_CONCURRENCY": f"{SLOTS}",
    "ENVWRIGHT_AWS_RATE_SHARE": f"{0.98 / TIME_SCALE}",
    # A machine that is busy with tests is late by more of AWS's time than a worker is.
    "ENVWRIGHT_AWS_BURST_SHARE": "0.35",
}
LEAST_SHARE: Final = 0.25


def finished(worker: LocalWorker) -> Sequence[str]:
    """The steps that a worker says it has done, each with its environment."""
    told = [json.loads(line) for line in worker.child.output().splitlines() if "step_fin" in line]
    return [f"{one['environment']} {one['step']}" for one in told]


def test_a_worker_that_is_added_takes_its_share_at_once(
    worker: WorkerFactory, client: Client, cloud: Cloud, aws: LocalAws
) -> None:
    """Of what is left to do when it comes. No step is done twice, nothing is made twice, and both
    together keep to AWS's request limits."""
    cloud.behave(AWS)
    first = worker(**WORKER)
    tickets = client.enqueue_many([SMALL.spec(f"web-{number:02}") for number in range(MANY)])
    wait_for_log(first, "step_finished", times=SLOTS)

    second = worker(**WORKER)
    before = len(finished(first))
    for ticket in tickets:
        assert client.wait(ticket.environment_id, COMMAND_TIMEOUT).state is State.READY
    wait_for_log(second, "run_finished")

    by_first, by_second = finished(first), finished(second)
    left = MANY * len(Step) - before
    assert max(Counter([*by_first, *by_second]).values()) == 1
    assert len(by_second) > LEAST_SHARE * left, f"of {left} steps the second did {len(by_second)}"
    assert how_much_exists(aws)["vpc"] == how_much_exists(aws)["instance"] == MANY
    assert [done(cloud, one) for one in ("CreateVpc", "RunInstances")] == [MANY, MANY]
    throttled = [call.action for call in cloud.journal if call.code == "RequestLimitExceeded"]
    assert Counter(throttled) == {}
