"""The client while Redis does not answer, or nothing can be sent: told in seconds, no false yes."""

import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis

import envwright.messages
from envwright.client import Client
from envwright.errors import (
    EnvwrightError,
    StoreUnavailable,
)
from envwright.names import queue_lists
from envwright.states import State
from envwright.store import Store
from tests.records import WEB, changing
from tests.specs import spec
from worker.processes import free_port
from worker.servers import LocalRedis

SOON = 10.0
"""Within how many seconds a caller is told that Redis does not answer."""


@pytest.fixture
def frozen(own_redis: LocalRedis) -> Iterator[LocalRedis]:
    own_redis.child.freeze()
    yield own_redis
    own_redis.child.thaw()


REQUESTS: dict[str, Callable[[Client], object]] = {
    "enqueue": lambda client: client.enqueue(spec()),
    "retry": lambda client: client.retry("web"),
    "destroy": lambda client: client.destroy(WEB),
    "status": lambda client: client.status(WEB),
    "resolve": lambda client: client.resolve("web"),
    "environments": lambda client: list(client.environments()),
    "events": lambda client: client.events("web"),
    "wait": lambda client: client.wait(WEB, timeout=60),
    "follow": lambda client: client.follow({WEB: "0"}, 60),
    "now": lambda client: client.now(),
}


def asked_of(client: Client) -> dict[str, tuple[EnvwrightError, float]]:
    """All requests at once, each with the error that it ended in and after how many seconds."""

    def ask(request: Callable[[Client], object]) -> tuple[EnvwrightError, float]:
        begun = time.monotonic()
        with pytest.raises(StoreUnavailable) as refused:
            request(client)
        return refused.value, time.monotonic() - begun

    with ThreadPoolExecutor(len(REQUESTS)) as threads:
        return dict(zip(REQUESTS, threads.map(ask, REQUESTS.values()), strict=True))


def test_a_frozen_redis_is_told_in_seconds(own_redis: LocalRedis) -> None:
    """Whether the connection is new or was used before; with an address and without a password."""
    with Client(redis_url=own_redis.url) as used, Client(redis_url=own_redis.url) as unused:
        used.enqueue(spec())
        own_redis.child.freeze()
        answers = [*asked_of(used).values(), *asked_of(unused).values()]

    assert max(took for _, took in answers) < SOON
    where = own_redis.url.removeprefix("redis://").removesuffix("/0")
    assert all(f"Redis at {where}" in str(error) for error, _ in answers)


def test_no_redis_at_all_is_told_at_once() -> None:
    """Neither the password of the address nor a traceback is shown."""
    with Client(redis_url=f"redis://me:hush-hush@127.0.0.1:{free_port()}/0") as client:
        answers = asked_of(client)

    assert max(took for _, took in answers.values()) < SOON
    assert not any("hush-hush" in str(error) for error, _ in answers.values())


def test_what_a_frozen_redis_refused_is_not_there_when_it_thaws(frozen: LocalRedis) -> None:
    """A producer looks before it writes: a Redis that was frozen then is never written."""
    with Client(redis_url=frozen.url, redis_timeout=0.3) as client:
        with pytest.raises(StoreUnavailable):
            client.enqueue(spec())

        frozen.child.thaw()

        with frozen.client() as database:
            assert database.dbsize() == 0
        assert client.enqueue(spec()).accepted


def test_a_redis_that_froze_at_the_write_is_asked_again_without_harm(
    own_redis: LocalRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The write may be done when it thaws; nobody can know. Asking again makes no second run."""
    with Client(redis_url=own_redis.url, redis_timeout=0.3) as client:
        client.now()  # loads nothing, but connects
        monkeypatch.setattr(Store, "accept", changing(own_redis.child.freeze))
        with pytest.raises(StoreUnavailable):
            client.enqueue(spec())
        own_redis.child.thaw()

        ticket = client.enqueue(spec())

        assert client.status("web").run.id == ticket.run_id
        assert [one.run for one in client.events("web")] == [ticket.run_id]
        with own_redis.client() as database:
            assert database.zcard(client.settings.keys.due) == 1


def test_a_restarted_redis_is_no_error(own_redis: LocalRedis) -> None:
    """A connection that was used before is broken by then: it is made anew without a word."""
    with Client(redis_url=own_redis.url) as client:
        client.enqueue(spec())

        own_redis.restart()

        assert client.status("web").state is State.QUEUED
        assert client.enqueue(spec("other")).accepted


def test_what_cannot_be_sent_is_accepted_all_the_same(
    client: Client, database: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    """It is on record and due, which is all that a worker needs; the log says so."""
    for one in queue_lists(client.settings.queue):
        database.set(one, "not a list, so that nothing can be put into it")

    with caplog.at_level(logging.WARNING, "envwright.acceptance"):
        ticket = client.enqueue(spec())

    assert ticket.accepted
    assert client.status("web").run.id == ticket.run_id
    assert database.zscore(client.settings.keys.due, WEB) is not None
    assert "its message could not be sent" in caplog.text


def test_a_redis_that_freezes_before_the_message_does_not_hold_the_caller(
    own_redis: LocalRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run is accepted by then, and the caller is told so within seconds."""
    send = envwright.messages.send_run

    def freeze_and_send(*arguments: Any) -> None:
        own_redis.child.freeze()
        send(*arguments)

    monkeypatch.setattr(envwright.messages, "send_run", freeze_and_send)
    with Client(redis_url=own_redis.url) as client:
        begun = time.monotonic()

        ticket = client.enqueue(spec())

        assert time.monotonic() - begun < SOON
        assert ticket.accepted
        own_redis.child.thaw()
        assert client.status("web").run.id == ticket.run_id
