"""Messages that cannot be read: delivered three times, parked, seen, and in nobody's way."""

import base64
import json
import pickle
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
import redis

from envwright.client import Client
from envwright.names import FORMAT_HEADER, MESSAGE_FORMAT, TASK_SUBMIT, Step, provision_task
from envwright.parked import ParkedMessage
from envwright.states import State
from tests.acceptance.conftest import COMMAND_TIMEOUT, CommandLine, log_of, wait_for_log
from tests.cloud import Cloud
from tests.conftest import WorkerFactory
from tests.records import lose_messages, messages, queued
from tests.specs import spec
from worker.processes import wait_until

CANARY: Final = "canary-77a1-in-a-body"
TASK: Final = provision_task(Step.NETWORK)
BODY: Final[list[Any]] = [["web.eu-west-1", CANARY], {}, {"chain": None}]

Post = Callable[..., None]


@pytest.fixture
def post(database: redis.Redis, client: Client) -> Post:
    """Put a message into the queue as Celery does, with this changed in it."""

    def send(
        body: Any = BODY,
        *,
        raw: bytes | None = None,
        content_type: str = "application/json",
        properties: dict[str, Any] | None = None,
        **headers: Any,
    ) -> None:
        queue = client.settings.queue
        encoded = json.dumps(body).encode() if raw is None else raw
        message = {
            "body": base64.b64encode(encoded).decode(),
            "content-encoding": "utf-8",
            "content-type": content_type,
            "headers": {"task": TASK, "id": str(uuid.uuid4())} | headers,
            "properties": {
                "body_encoding": "base64",
                "delivery_tag": str(uuid.uuid4()),
                "delivery_info": {"exchange": "", "routing_key": queue},
            }
            | (properties or {}),
        }
        database.lpush(queue, json.dumps(message))

    return send


class Trap:
    """Leaves a trace when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> Any:
        return Path.touch, (self.trace,)


def parked(client: Client, number: int) -> dict[str, ParkedMessage]:
    """Wait until this many are parked, and give them by the reason."""
    wait_until(
        lambda: len(client.parked().messages) >= number, COMMAND_TIMEOUT, f"{number} are parked"
    )
    found = client.parked().messages
    assert len(found) == number
    return {one.why: one for one in found}


def test_what_cannot_be_read_is_parked_and_the_others_are_done(
    worker: WorkerFactory,
    post: Post,
    client: Client,
    database: redis.Redis,
    cloud: Cloud,
    envwright: CommandLine,
    tmp_path: Path,
) -> None:
    """Whatever is wrong with it: it comes three times, and is then put where a person sees it,
    without its body. The worker lives, and the job that came last is done."""
    trace = tmp_path / "unpickled"
    pickled = pickle.dumps([[Trap(trace), CANARY], {}, {}])
    post(raw=pickled, content_type="application/x-python-serialize")
    post(raw=pickled)
    post(raw=b"{")
    post(task="envwright.provision.moon")
    post(task="celery.chord_unlock")
    post([["web.eu-west-1"], {}, {}])
    post([["web.eu-west-1", {"spec": CANARY}], {}, {}])
    post([["web.eu-west-1", "run"], {"spec": CANARY}, {}])
    post([[], {}, {}], task=TASK_SUBMIT)
    post("nonsense")
    post(task=None)
    post(timelimit=5)
    post(eta="the day after")
    post(compression="zlib")
    post(properties={"body_encoding": "rot13"})
    post(properties={"delivery_info": None})
    post(**{FORMAT_HEADER: MESSAGE_FORMAT + 1})
    for entry in (b"nonsense", b"\xff", b"[1]", b"{}", b"[" * 100_000):
        database.lpush(client.settings.queue, entry)
    # Two messages are wrong in the same way, and the five entries are all empty to kombu.
    client.enqueue(spec())

    one = worker()
    wait_for_log(one, "message_parked", times=22)

    assert client.wait("web", COMMAND_TIMEOUT).state is State.READY
    found = client.parked().messages
    assert len(found) == 22
    assert {message.deliveries for message in found} == {3}
    reasons = [message.why for message in found]
    assert {why: reasons.count(why) for why in set(reasons)} == {
        "It is not JSON by its content type, and nothing else is decoded.": 1,
        "Its body cannot be decoded (DecodeError).": 2,
        "This version of envwright has no such task.": 2,
        "Its body does not hold what the task takes, which is 2 ids and nothing else.": 4,
        "Its body does not hold what the task takes, which is 1 id and nothing else.": 1,
        "It is no message of Celery's protocol 2: its headers name no task and no id.": 8,
        "Celery cannot take it (TypeError).": 1,
        "Celery takes it for invalid (InvalidTaskError).": 1,
        "It cannot be unpacked (error).": 1,
        "It is of format 2, and this version of envwright reads formats up to 1.": 1,
    }
    assert not trace.exists()
    assert CANARY not in json.dumps([message.model_dump() for message in found])
    assert CANARY not in one.child.output()
    assert queued(client, database) == 0
    assert not list(database.scan_iter(client.settings.keys.deliveries("*")))
    returned = [line for line in log_of(one) if line["event"] == "message_returned"]
    assert len(returned) == 2 * 22

    shown = envwright("parked")
    assert shown.code == 0
    assert "envwright.provision.moon" in shown.out
    document = envwright("parked", "--json").document
    assert (document["kind"], len(document["messages"])) == ("parked", 22)


def test_a_message_says_its_format_and_one_without_is_of_the_first(
    worker: WorkerFactory, post: Post, client: Client, database: redis.Redis, cloud: Cloud
) -> None:
    """Each step's message says it, also those that the chain sends; a message of version 0.1.0, or
    of a producer without this package, says nothing and is taken."""
    run = client.enqueue(spec()).run_id
    (sent,) = map(json.loads, messages(client, database))
    assert sent["headers"][FORMAT_HEADER] == MESSAGE_FORMAT
    _, _, embedded = json.loads(base64.b64decode(sent["body"]))
    told = [one["options"]["headers"][FORMAT_HEADER] for one in embedded["chain"]]
    assert told == [MESSAGE_FORMAT] * 3
    lose_messages(client, database)

    post([["web.eu-west-1", run], {}, {"chain": None}])
    worker(ENVWRIGHT_WAKE_GRACE="60")

    assert client.wait("web", COMMAND_TIMEOUT).state is State.READY
    assert client.parked().messages == ()
