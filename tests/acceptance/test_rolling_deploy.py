"""What version 0.1.0 left behind, in Redis and in AWS, is carried on by a worker of this version.

tests/data/version-0.1.0.json was written by that version; tests/data/version_0_1_0.py says how.
"""

import json
import re
import time
from typing import Any, Final
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest
import redis

from envwright.client import Client
from envwright.names import FORMAT_HEADER
from envwright.states import State
from tests.acceptance.conftest import COMMAND_TIMEOUT, done, how_much_exists
from tests.cloud import Cloud
from tests.conftest import WorkerFactory
from tests.repository import ROOT
from worker.servers import LocalAws

LEFT: Final = ROOT / "tests/data/version-0.1.0.json"
ID: Final = re.compile(r"(?<![0-9a-f-])[a-z]{1,8}-[0-9a-f]{8,17}\b")
TIME: Final = re.compile(r"\b1[78]\d{8}\.\d+")
SIGNED: Final = {
    "Authorization": "AWS4-HMAC-SHA256 Credential=local/20261124/eu-west-1/ec2/aws4_request"
}


def put_into_aws(aws: LocalAws, told: list[dict[str, Any]]) -> dict[str, str]:
    """Tell AWS what it was told then. Gives the ids of now by those of then."""
    ids: dict[str, str] = {}
    for call in told:
        parameters = json.loads(renamed(json.dumps(call["parameters"]), ids))
        body = urlencode({"Action": call["action"], **parameters}).encode()
        with urlopen(Request(aws.url, body, SIGNED)) as reply:  # noqa: S310 - moto, on this machine
            found = dict.fromkeys(ID.findall(reply.read().decode()))
        ids |= dict(zip(call["ids"], found, strict=True))
    return ids


def renamed(text: str, ids: dict[str, str]) -> str:
    return ID.sub(lambda found: ids.get(found[0], found[0]), text)


def put_into_redis(database: redis.Redis, prefix: str, left: dict[str, Any]) -> None:
    write = {
        "hash": lambda key, value: database.hset(key, mapping=value),
        "zset": database.zadd,
        "list": lambda key, value: database.rpush(key, *value),
        "stream": lambda key, value: [database.xadd(key, fields) for fields in value],
    }
    for key, content in left.items():
        write[content["type"]](key.replace("envwright", prefix, 1), content["value"])


@pytest.fixture
def left(aws: LocalAws, database: redis.Redis, key_prefix: str) -> dict[str, Any]:
    """Redis and AWS as that version left them, 20 s ago, so that its leases have ended."""
    found: dict[str, Any] = json.loads(LEFT.read_text())
    ids = put_into_aws(aws, found["aws"])
    later = time.time() - found["at"] - 20
    text = renamed(json.dumps(found["redis"]), ids)
    text = TIME.sub(lambda then: f"{float(then[0]) + later:.6f}", text)
    put_into_redis(database, key_prefix, json.loads(text))
    return found


def test_a_worker_of_this_version_carries_on_what_an_older_one_left(
    left: dict[str, Any],
    worker: WorkerFactory,
    client: Client,
    database: redis.Redis,
    cloud: Cloud,
    aws: LocalAws,
) -> None:
    """One in the middle of a step, with a group that no record names; one that was being taken
    down; and one that waits in a message without a format. Nothing is lost and nothing doubled."""
    states = {one.spec.name: (one.state, one.step) for one in client.environments()}
    assert states == {
        "web": (State.PROVISIONING, "security"),
        "gone": (State.CLEANING, "network"),
        "other": (State.QUEUED, "network"),
    }
    (message,) = map(json.loads, database.lrange(client.settings.queue, 0, -1))
    assert FORMAT_HEADER not in message["headers"]
    history = {name: client.events(name) for name in states}

    worker()

    assert client.wait("web", COMMAND_TIMEOUT).state is State.READY
    assert client.wait("gone", COMMAND_TIMEOUT).state is State.DESTROYED
    assert client.wait("other", COMMAND_TIMEOUT).state is State.READY
    web = {"vpc": 1, "subnet": 2, "internet_gateway": 1, "security_group": 1}
    other = {"vpc": 1, "subnet": 1, "internet_gateway": 1}
    expected = {kind: count + other.get(kind, 0) for kind, count in web.items()}
    assert how_much_exists(aws) == expected | {"instance": 2, "volume": 2}
    assert (done(cloud, "CreateVpc"), done(cloud, "CreateSecurityGroup")) == (1, 0)
    for name, before in history.items():
        assert client.events(name)[: len(before)] == before
