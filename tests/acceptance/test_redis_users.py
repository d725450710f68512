"""The users that docs/operations.md has for Redis: they can do all that is needed, and no more."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import redis

from envwright.client import Client
from envwright.errors import StoreUnavailable
from envwright.names import DEFAULT_KEY_PREFIX, DEFAULT_QUEUE
from envwright.states import State
from tests.acceptance.conftest import (
    COMMAND_TIMEOUT,
    CommandLine,
    a_real_image,
    how_much_exists,
)
from tests.cloud import Cloud, refused
from tests.conftest import WorkerFactory
from tests.everything import ALL_OF_WEB
from tests.repository import ROOT
from tests.specs import REGION, spec, with_instances
from worker.servers import LocalAws, LocalRedis

WORKER, CALLER = ("envwright-worker", "WORKER-PASSWORD"), ("envwright-caller", "CALLER-PASSWORD")


def documented() -> list[str]:
    """The commands as they stand in the docs."""
    text = (ROOT / "docs" / "operations.md").read_text()
    (block,) = re.findall(r"^```redis acl\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return block.splitlines()


@pytest.fixture
def guarded(own_redis: LocalRedis) -> Iterator[redis.Redis]:
    """A Redis that knows the users of the docs, and the connection of its master."""
    with own_redis.client() as database:
        for command in documented():
            database.execute_command(*command.split())
        yield database


def url_for(own_redis: LocalRedis, user: tuple[str, str]) -> str:
    return own_redis.url.replace("redis://", "redis://{}:{}@".format(*user))


@pytest.fixture
def worker_environment(
    worker_environment: dict[str, str], own_redis: LocalRedis, guarded: redis.Redis
) -> dict[str, str]:
    return worker_environment | {
        "ENVWRIGHT_REDIS_URL": url_for(own_redis, WORKER),
        "ENVWRIGHT_KEY_PREFIX": DEFAULT_KEY_PREFIX,
        "ENVWRIGHT_QUEUE": DEFAULT_QUEUE,
    }


def a_bulk_comes_and_goes(url: str) -> None:
    """One after the other, since there is room for one; and one of them is refused."""
    with Client(redis_url=url) as client:
        other = spec("web", tags={"of": "somebody else"})
        bulk = client.enqueue_bulk([spec("bulk-0"), spec("bulk-1"), other])
        client.pause_bulk(bulk.id)
        client.resume_bulk(bulk.id)
        for name in ("bulk-0", "bulk-1"):
            assert client.wait(name, COMMAND_TIMEOUT).state is State.READY
        assert len([*client.bulk_refusals(bulk.id)]) == 1
        assert client.destroy_bulk(bulk.id).accepted == len([*client.bulk_members(bulk.id)])
        for name in ("bulk-0", "bulk-1"):
            assert client.wait(name, COMMAND_TIMEOUT).state is State.DESTROYED


def test_workers_and_callers_need_no_more_than_is_documented(
    guarded: redis.Redis,
    own_redis: LocalRedis,
    worker: WorkerFactory,
    envwright: CommandLine,
    cloud: Cloud,
    aws: LocalAws,
) -> None:
    """A build that fails, its retry, looks, a bulk and the end: Redis refuses none of it, and the
    passwords are in no log and no output."""
    one = worker(ENVWRIGHT_LOG_LEVEL="debug", ENVWRIGHT_RUNS_PER_ACCOUNT="1")
    envwright.environment["ENVWRIGHT_REDIS_URL"] = url_for(own_redis, CALLER)
    cloud.inject("RunInstances", refused("VcpuLimitExceeded"), times=2)
    file = envwright.file(with_instances(a_real_image(aws), on_failure="hold"))

    said = [
        envwright("up", file),
        envwright("retry", "web"),
        envwright("extend", "web", "2h"),
        envwright("list"),
        envwright("events", "web"),
        envwright("orphans"),
        envwright("recover", "--region", REGION),
    ]
    assert how_much_exists(aws) == ALL_OF_WEB
    a_bulk_comes_and_goes(url_for(own_redis, CALLER))
    said.append(envwright("down", "web", "--yes"))

    assert how_much_exists(aws) == {}
    assert [answer.code for answer in said] == [said[0].code, 0, 0, 0, 0, 0, 0, 0]
    assert said[0].code != 0
    one.stop()
    # With these redis-py tells its name and asks for notices; it does without.
    assert {entry["object"] for entry in guarded.acl_log()} <= {"client"}
    everything = one.child.output() + "".join(answer.out + answer.err for answer in said)
    for _, password in (WORKER, CALLER):
        assert password not in everything


@pytest.mark.parametrize("user", [WORKER, CALLER], ids=lambda user: user[0])
@pytest.mark.parametrize(
    "command",
    [
        "FLUSHALL",
        "FLUSHDB",
        "CONFIG GET *",
        "KEYS *",
        "SCAN 0",
        "ACL LIST",
        "MONITOR",
        "CLIENT LIST",
        "SHUTDOWN",
        "SCRIPT FLUSH",
        "SET another-application:key x",
        "GET another-application:key",
        "PUBLISH another-application x",
    ],
)
def test_they_can_do_nothing_else(
    guarded: redis.Redis, own_redis: LocalRedis, user: tuple[str, str], command: str
) -> None:
    with (
        redis.Redis.from_url(url_for(own_redis, user)) as database,
        pytest.raises(redis.exceptions.NoPermissionError),
    ):
        database.execute_command(*command.split())


def test_a_wrong_password_is_told_as_that(guarded: redis.Redis, own_redis: LocalRedis) -> None:
    """With the place to look at, and without the password."""
    url = url_for(own_redis, (CALLER[0], "canary-of-a-password"))
    with Client(redis_url=url) as client, pytest.raises(StoreUnavailable) as told:
        client.status("web.eu-west-1")

    where = f"Redis at 127.0.0.1:{urlsplit(own_redis.url).port}"
    assert str(told.value).startswith(f"{where} refused the login")
    assert "canary" not in str(told.value)


def test_a_user_without_rights_is_told_as_that(guarded: redis.Redis, own_redis: LocalRedis) -> None:
    guarded.execute_command("ACL", "SETUSER", "nobody", "on", ">secret", "+ping", "+hello")
    with (
        Client(redis_url=url_for(own_redis, ("nobody", "secret"))) as client,
        pytest.raises(StoreUnavailable, match="does not permit its user what envwright needs"),
    ):
        client.status("web.eu-west-1")
