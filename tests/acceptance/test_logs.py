"""What a worker says while it works, for those who operate it."""

import json
from typing import Any

from envwright.client import Client
from envwright.states import State
from tests.acceptance.conftest import COMMAND_TIMEOUT, a_real_image, log_of
from tests.cloud import Cloud, throttled
from tests.conftest import WorkerFactory
from tests.specs import spec, with_instances
from worker.servers import LocalAws

NO_IMAGE = "ami-0123456789abcdef0"


def lines_with(log: list[dict[str, Any]], event: str) -> list[dict[str, Any]]:
    return [line for line in log if line["event"] == event]


def test_every_call_to_aws_can_be_traced(
    worker: WorkerFactory, client: Client, cloud: Cloud, aws: LocalAws
) -> None:
    """Each line is JSON; each call says for which environment, run, step and resource it was,
    how long it took, what came of it, and under which id AWS knows it."""
    one = worker(ENVWRIGHT_LOG_LEVEL="debug")
    cloud.inject("CreateVpc", throttled())
    run = client.enqueue(with_instances(a_real_image(aws))).run_id
    assert client.wait("web", COMMAND_TIMEOUT).state is State.READY

    calls = lines_with(log_of(one), "aws_call")

    made = {call.request_id: call for call in cloud.journal}
    assert {call["aws_request_id"] for call in calls} == set(made)
    for call in calls:
        assert call["action"] == made[call["aws_request_id"]].action
        assert (call["environment"], call["run"]) == ("web.eu-west-1", run)
        assert call["step"] in ("network", "security", "instance", "ready")
        assert 0 < call["duration_ms"] < 60_000
    changing = [call for call in calls if made[call["aws_request_id"]].mutates]
    assert {call["resource"].split("/")[1] for call in changing} == {
        "vpc",
        "internet_gateway",
        "internet_gateway_attachment",
        "subnet",
        "main_route",
        "security_group",
        "security_group_rules",
        "instances",
    }
    (refused,) = [call for call in calls if call["code"]]
    assert (refused["action"], refused["code"]) == ("CreateVpc", "RequestLimitExceeded")
    assert (refused["attempt"], refused["level"]) == (1, "info")


def test_steps_and_runs_are_told_from_their_start_to_their_end(
    worker: WorkerFactory, client: Client
) -> None:
    """At the level info: what began, how long it took, and how it ended."""
    one = worker()
    run = client.enqueue(spec()).run_id
    client.wait("web", COMMAND_TIMEOUT)
    one.stop()

    log = log_of(one)

    for event in ("step_started", "step_finished"):
        told = [(line["step"], line["run"]) for line in lines_with(log, event)]
        assert told == [(step, run) for step in ("network", "security", "instance", "ready")]
    assert all(line["seconds"] >= 0 for line in lines_with(log, "step_finished"))
    (ended,) = lines_with(log, "run_finished")
    assert (ended["environment"], ended["state"]) == ("web.eu-west-1", "ready")
    assert not [line for line in log if line["level"] in ("warning", "error", "critical")]


def test_a_failure_is_one_line_without_a_traceback(
    worker: WorkerFactory, client: Client, cloud: Cloud
) -> None:
    """It was expected, so there is nothing to debug: the line has what the record has."""
    one = worker()
    run = client.enqueue(with_instances(NO_IMAGE)).run_id
    record = client.wait("web", COMMAND_TIMEOUT)
    assert record.state is State.CLEANED
    one.stop()

    (failed,) = lines_with(log_of(one), "run_failed")

    assert record.failure is not None
    told = json.loads(record.failure.model_dump_json())
    assert {name: failed[name] for name in told} == told
    assert failed["run"] == run
    assert "Traceback" not in one.child.output()
    assert "exception" not in one.child.output()
