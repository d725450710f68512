"""Messages are wake-ups: they may come twice, late, wrong or never, and hold nothing but ids."""

import base64
import json
from collections.abc import Iterator
from typing import Any, Final

import redis

from envwright.client import Client
from envwright.messages import producer, send_run
from envwright.names import Step
from envwright.record import RunKind
from envwright.states import State
from tests.acceptance.conftest import (
    COMMAND_TIMEOUT,
    CommandLine,
    Jam,
    a_real_image,
    done,
    how_much_exists,
    log_of,
    published,
    wait_for_log,
)
from tests.cloud import ALWAYS, Cloud
from tests.conftest import WorkerFactory
from tests.everything import ALL_OF_WEB
from tests.records import lose_messages
from tests.specs import spec_data, with_instances
from worker.servers import LocalAws

ID: Final = "web.eu-west-1"
CANARY: Final = "canary-5f0c-in-the-user-data"


def test_messages_that_come_twice_or_too_late_harm_nothing(
    worker: WorkerFactory, client: Client, cloud: Cloud, aws: LocalAws
) -> None:
    """For a step that runs, for one that is done or yet to come, for an older run, for nobody."""
    jam = Jam()
    cloud.inject("CreateSubnet", jam, times=ALWAYS)
    one = worker()
    run = client.enqueue(with_instances(a_real_image(aws))).run_id
    jam.wait_until_reached()
    celery = producer(client.settings)

    for _ in range(5):
        send_run(celery, ID, run, RunKind.PROVISION, Step.NETWORK)
    send_run(celery, ID, run, RunKind.PROVISION, Step.READY)
    send_run(celery, ID, "000000000000", RunKind.PROVISION, Step.NETWORK)
    send_run(celery, ID, "000000000000", RunKind.CLEANUP, Step.INSTANCE)
    send_run(celery, "nobody.eu-west-1", run, RunKind.PROVISION, Step.NETWORK)
    wait_for_log(one, "step_not_claimed", times=9)
    jam.clear()
    assert client.wait("web", COMMAND_TIMEOUT).state is State.READY
    for step in Step:
        send_run(celery, ID, run, RunKind.PROVISION, step)
    wait_for_log(one, "step_not_claimed", times=13)

    refusals = [line["refusal"] for line in log_of(one) if line["event"] == "step_not_claimed"]
    expected = {"busy": 5, "elsewhere": 1, "stale": 2, "missing": 1, "done": 4}
    assert {why: refusals.count(why) for why in set(refusals)} == expected
    assert client.status("web").state is State.READY
    assert [record.environment_id for record in client.environments()] == [ID]
    assert how_much_exists(aws) == ALL_OF_WEB
    assert (done(cloud, "CreateVpc"), done(cloud, "RunInstances")) == (1, 2)


def test_a_message_that_was_lost_is_sent_again(
    envwright: CommandLine, worker: WorkerFactory, client: Client, database: redis.Redis
) -> None:
    """The broker forgot it before any worker was there: a sweeper finds the run by itself."""
    assert envwright("up", envwright.file(spec_data()), "--no-wait").code == 0
    assert lose_messages(client, database) == 1

    worker()

    assert client.wait("web", COMMAND_TIMEOUT).state is State.READY


def strings_in(value: Any) -> Iterator[str]:
    """Every string in a message, decoded as far as it can be."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield str(key)
            yield from strings_in(one)
    elif isinstance(value, list):
        for one in value:
            yield from strings_in(one)
    else:
        yield str(value)


def test_messages_hold_ids_and_nothing_else(
    worker: WorkerFactory, client: Client, database: redis.Redis, aws: LocalAws
) -> None:
    """No spec and no secret is in a message or its headers, in a key's name, an event or a log
    line, not even at the level debug."""
    data = with_instances(a_real_image(aws))
    data["instances"]["web"]["user_data"] = f"#!/bin/sh\necho {CANARY}\n"
    encoded = base64.b64encode(data["instances"]["web"]["user_data"].encode()).decode()

    with published(client.settings.redis_url, client.settings.queue) as messages:
        run = client.enqueue(data).run_id
        one = worker(ENVWRIGHT_LOG_LEVEL="debug")
        assert client.wait("web", COMMAND_TIMEOUT).state is State.READY
        cleanup = client.destroy("web").run_id
        assert client.wait("web", COMMAND_TIMEOUT).state is State.DESTROYED

    assert len(messages) == 4 + 3
    for message in map(json.loads, messages):
        args, kwargs, embed = json.loads(base64.b64decode(message["body"]))
        assert args in ([ID, run], [ID, cleanup])
        assert kwargs == {}
        for signature in embed["chain"] or []:
            assert (signature["args"], signature["kwargs"]) == (args, {})
        texts = [*strings_in(message["headers"]), *strings_in(embed)]
        assert not [text for text in texts if CANARY in text or "10.20." in text]

    names = " ".join(database.scan_iter("*"))
    events = "".join(one.model_dump_json() for one in client.events("web"))
    log = one.child.output()
    assert '"level": "debug"' in log
    for where in (names, events, log):
        assert CANARY not in where
        assert encoded not in where
    # The canary is no illusion: it is where it belongs.
    assert CANARY in client.status("web").spec.canonical_json()
