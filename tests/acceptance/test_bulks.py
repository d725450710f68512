"""A bulk beside single jobs, with a real worker: who goes first."""

import json
from typing import Any

from envwright.bulk import BulkState
from envwright.client import Client
from envwright.states import State
from tests.acceptance.conftest import COMMAND_TIMEOUT, Jam, done, published
from tests.cloud import ALWAYS, Cloud
from tests.conftest import WorkerFactory
from tests.specs import spec

STEPS = ["network", "security", "instance", "ready"]


def steps_in_order(client: Client, names: list[str]) -> list[str]:
    """The steps of these environments, each with its name, as they were begun."""
    begun = [
        (event.at, f"{name} {event.step}")
        for name in names
        for event in client.events(name)
        if (event.type, event.state) == ("step", "started")
    ]
    return [step for _, step in sorted(begun)]


def test_a_single_job_is_not_behind_a_bulk(
    worker: WorkerFactory, client: Client, cloud: Cloud
) -> None:
    """With one slot: when the step under way has ended, the single job goes before all of the
    bulk, and then what was begun before what was not."""
    jam = Jam()
    cloud.inject("CreateVpc", jam, times=ALWAYS)
    with published(client.settings.redis_url, client.settings.queue) as messages:
        worker(ENVWRIGHT_CONCURRENCY="1", ENVWRIGHT_WAKE_GRACE="60")
        bulk = client.enqueue_bulk([spec(f"bulk-{n}") for n in range(3)])
        jam.wait_until_reached()
        client.enqueue(spec("single"))
        jam.clear()
        for name in ("single", "bulk-0", "bulk-1", "bulk-2"):
            assert client.wait(name, COMMAND_TIMEOUT).state is State.READY

    expected = [
        "bulk-0 network",
        *(f"single {step}" for step in STEPS),
        *(f"bulk-0 {step}" for step in STEPS[1:]),
        *(f"bulk-1 {step}" for step in STEPS),
        *(f"bulk-2 {step}" for step in STEPS),
    ]
    assert steps_in_order(client, ["single", "bulk-0", "bulk-1", "bulk-2"]) == expected
    assert priorities(messages, "single.") == {0: set(STEPS[1:]), 3: {"network"}}
    assert priorities(messages, "bulk-") == {6: set(STEPS[1:]), 9: {"network"}}
    assert client.bulk(bulk.id).state is BulkState.DONE
    assert done(cloud, "CreateVpc") == 4


def priorities(messages: list[str], whose: str) -> dict[int, set[str]]:
    """The steps of these environments, by the priority of their messages."""
    found: dict[int, set[str]] = {}
    for message in map(json.loads, messages):
        headers: dict[str, Any] = message["headers"]
        if headers["argsrepr"].lstrip("[('").startswith(whose):
            step = headers["task"].rsplit(".", 1)[1]
            found.setdefault(message["properties"]["priority"], set()).add(step)
    return found
