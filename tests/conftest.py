"""The servers and processes that the tests share.

Redis is `REDIS_URL`'s, or one started here; AWS is moto, as a server. Where one of them cannot be
had, its tests are skipped on a laptop and fail in CI. Under pytest-xdist each worker has its own.
"""

import functools
import importlib.util
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn

import botocore.session
import pytest
import redis
from hypothesis import settings

from envwright.client import Client
from tests.cloud.aws import Emulator
from tests.processes import MARK, Trail
from worker.loop import LoopThread
from worker.servers import (
    LocalAws,
    LocalRedis,
    given_redis_url,
    redis_executable,
    turn_away_from_aws,
)
from worker.stack import LocalWorker

WorkerFactory = Callable[..., LocalWorker]


# Each session of the SDK reads its data files anew: a third of a second, a thousand times.
botocore.session.create_loader = functools.cache(botocore.session.create_loader)


def pytest_configure() -> None:
    """Keep the settings and the credentials of the person who runs the tests out of them, and
    the speed of his machine out of what hypothesis finds."""
    settings.register_profile("envwright", deadline=None)
    settings.load_profile("envwright")
    turn_away_from_aws()
    for name in [name for name in os.environ if name.startswith("ENVWRIGHT_")]:
        del os.environ[name]


def _missing(what: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(f"{what} (in CI this is an error, so that no suite is skipped unseen)")
    pytest.skip(what)


@pytest.fixture(scope="session", autouse=True)
def _no_process_is_left(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Fail the session when a process that it started is still there at its end."""
    trail = Trail(tmp_path_factory.getbasetemp())
    os.environ[MARK] = trail.mark
    yield
    left = trail.described()
    assert not left, f"the tests left processes running: {left}"


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalRedis]:
    """The Redis that the tests share; not to be stopped or frozen (see `own_redis`)."""
    given = given_redis_url()
    if not given and not redis_executable():
        _missing("there is no redis-server on this machine, and REDIS_URL is not set")
    server = LocalRedis(tmp_path_factory.mktemp("redis"), given_url=given)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def redis_url(redis_server: LocalRedis) -> str:
    """A real Redis: empty when it is ours, untouched when it is not (so use `key_prefix`)."""
    if redis_server.ours:
        with redis_server.client() as client:
            client.flushall()
    return redis_server.url


@pytest.fixture
def key_prefix(redis_server: LocalRedis, redis_url: str) -> Iterator[str]:
    """A prefix, and a queue's name, that no other test uses."""
    prefix = f"test-{uuid.uuid4().hex[:12]}"
    yield prefix
    if not redis_server.ours:
        redis_server.forget(prefix)


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[LocalRedis]:
    """A Redis of the test's own, to stop, restart, freeze and thaw."""
    if not redis_executable():
        _missing("there is no redis-server on this machine")
    server = LocalRedis(tmp_path)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def aws_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """The fake AWS that the tests share; take `aws` for one that is empty."""
    if not importlib.util.find_spec("moto"):
        _missing("moto is not installed")
    server = Emulator(tmp_path_factory.mktemp("aws"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def aws(aws_server: LocalAws) -> LocalAws:
    """The fake AWS, holding nothing but what every account has from the start."""
    aws_server.reset()
    return aws_server


@pytest.fixture
def worker_environment(redis_url: str, key_prefix: str, aws: LocalAws) -> dict[str, str]:
    """The variables with which workers and clients of one test meet each other."""
    return aws.environment() | {
        "ENVWRIGHT_REDIS_URL": redis_url,
        "ENVWRIGHT_KEY_PREFIX": key_prefix,
        "ENVWRIGHT_QUEUE": key_prefix,
        "ENVWRIGHT_POLL_EVERY": "0.5",
        "ENVWRIGHT_AWS_RATE_SHARE": "100",
    }


@pytest.fixture
def worker(worker_environment: dict[str, str], tmp_path: Path) -> Iterator[WorkerFactory]:
    """Start real worker processes: `worker(ENVWRIGHT_CONCURRENCY="2")`, with extra variables."""
    with ExitStack() as running:

        def start(**extra: str) -> LocalWorker:
            one = LocalWorker(tmp_path, worker_environment | extra)
            running.callback(one.stop)
            one.start()
            return one

        yield start


@pytest.fixture
def loop() -> Iterator[LoopThread]:
    """An event loop beside the test, which may block meanwhile."""
    one = LoopThread()
    one.start()
    yield one
    one.stop()


@pytest.fixture
def client(redis_url: str, key_prefix: str) -> Iterator[Client]:
    """A caller, on keys and a queue of the test's own."""
    with Client(redis_url=redis_url, key_prefix=key_prefix, queue=key_prefix) as one:
        yield one


@pytest.fixture
def database(redis_url: str) -> Iterator[redis.Redis]:
    """Redis itself, to see and to change what is in it."""
    with redis.Redis.from_url(redis_url, decode_responses=True) as one:
        yield one
