"""The strict cloud for real worker processes, and the real command line."""

import asyncio
import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import boto3
import pytest
import redis
import yaml

from tests.cloud import Call, Cloud, Reply
from tests.cloud.calls import refusal
from tests.cloud.faults import Forward
from tests.conftest import WorkerFactory
from tests.harness import counts, existing
from tests.specs import REGION
from worker.loop import LoopThread
from worker.processes import ROOT, wait_until
from worker.servers import LocalAws, inherited_environment
from worker.stack import LocalWorker

COMMAND_TIMEOUT: Final = 60.0
"""Seconds within which every command of these tests has ended."""

QUICK: Final = {
    "ENVWRIGHT_LEASE": "10",
    "ENVWRIGHT_LEASE_MARGIN": "1",
    "ENVWRIGHT_AWS_CONNECT_TIMEOUT": "1",
    "ENVWRIGHT_POLL_EVERY": "0.2",
    "ENVWRIGHT_AWS_RATE_SHARE": "100",
    "ENVWRIGHT_SETTLE_TIME": "1",
    "ENVWRIGHT_SWEEP_EVERY": "0.2",
    "ENVWRIGHT_WAKE_GRACE": "2",
}
"""A worker's settings for an AWS that is on this machine."""


@pytest.fixture
def cloud(aws: LocalAws, loop: LoopThread) -> Iterator[Cloud]:
    """An AWS that holds nothing, keeps a journal, and lets faults be injected."""
    one = Cloud(aws.url)
    loop.run(one.__aenter__())
    yield one
    loop.run(one.__aexit__())


@pytest.fixture
def worker_environment(worker_environment: dict[str, str], cloud: Cloud) -> dict[str, str]:
    return worker_environment | QUICK | {"ENVWRIGHT_AWS_ENDPOINT_URL": cloud.url}


@pytest.fixture
def worker(worker_environment: dict[str, str], tmp_path: Path) -> Iterator[WorkerFactory]:
    """Start real worker processes: `worker(ENVWRIGHT_CONCURRENCY="2")`, with extra variables.

    They are killed at the end, which is quicker than to stop them; the tests of stopping do so.
    """
    with ExitStack() as running:

        def start(**extra: str) -> LocalWorker:
            one = LocalWorker(tmp_path, worker_environment | extra)
            running.callback(lambda: one.child.kill())
            one.start()
            return one

        yield start


@dataclass(frozen=True)
class Answer:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def documents(self) -> list[dict[str, Any]]:
        """The lines of a `--json` that waits."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found


class CommandLine:
    """The real command line, in a process of its own for each command."""

    def __init__(self, environment: dict[str, str], directory: Path) -> None:
        self.environment = environment
        self._directory = directory

    def __call__(self, *arguments: str, **extra: str) -> Answer:
        done = subprocess.run(
            [sys.executable, "-m", "envwright", *arguments],
            cwd=ROOT,
            env=inherited_environment() | self.environment | extra,
            check=False,
            capture_output=True,
            text=True,
            timeout=COMMAND_TIMEOUT,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Answer(done.returncode, done.stdout, done.stderr)

    def file(self, data: dict[str, Any]) -> str:
        """A spec file with this in it."""
        path = self._directory / f"{data['name']}.yaml"
        path.write_text(yaml.safe_dump(data))
        return str(path)


@pytest.fixture
def envwright(worker_environment: dict[str, str], tmp_path: Path) -> CommandLine:
    return CommandLine(worker_environment, tmp_path)


class Jam:
    """An action that AWS throttles until the jam is over: a step that comes to it stays there."""

    def __init__(self) -> None:
        self._reached, self._over = threading.Event(), threading.Event()

    async def __call__(self, call: Call, forward: Forward) -> Reply:
        if self._over.is_set():
            return await forward()
        self._reached.set()
        return refusal(call, "RequestLimitExceeded", "Request limit exceeded.", 503)

    def wait_until_reached(self) -> None:
        assert self._reached.wait(COMMAND_TIMEOUT), "no worker came to the jam"

    def clear(self) -> None:
        self._over.set()


@contextmanager
def published(redis_url: str, queue: str) -> Iterator[list[str]]:
    """All messages that are put into the queue meanwhile, as Redis itself sees them."""
    seen: list[str] = []
    watching = threading.Event()

    # Until a worker has started, nothing may happen for as long as redis-py waits by default.
    database = redis.Redis.from_url(redis_url, decode_responses=True, socket_timeout=None)

    def watch() -> None:
        with database.monitor() as monitor:
            watching.set()
            for command in monitor.listen():
                told = str(command["command"])
                if told == f"SET {queue} over":
                    return
                # The lists of other priorities have bytes behind the name that are shown escaped.
                pushed = re.fullmatch(rf"[LR]PUSH {queue}(?:\\\S+)? (.*)", told, re.DOTALL)
                if pushed:
                    seen.append(pushed[1])

    watcher = threading.Thread(target=watch)
    watcher.start()
    assert watching.wait(10)
    yield seen
    database.set(queue, "over")
    watcher.join(10)
    database.delete(queue)
    database.close()


def all_that_exists(aws: LocalAws) -> dict[str, list[str]]:
    """What a person would find in AWS, kind by kind; kinds of which there is nothing left out."""
    return asyncio.run(existing(aws.url))


def how_much_exists(aws: LocalAws) -> dict[str, int]:
    return asyncio.run(counts(aws.url))


def done(cloud: Cloud, action: str) -> int:
    """How many calls of this action had an effect."""
    return sum(call.took_effect and call.code is None for call in cloud.calls(action))


def a_real_image(aws: LocalAws) -> str:
    ec2 = boto3.client("ec2", region_name=REGION, endpoint_url=aws.url)
    images = ec2.describe_images(Owners=["amazon"])["Images"]
    return next(str(one["ImageId"]) for one in images if one["RootDeviceName"] == "/dev/xvda")


def put_image(aws: LocalAws, path: str) -> None:
    """Let the SSM parameter hold the id of an image that exists."""
    ssm = boto3.client("ssm", region_name=REGION, endpoint_url=aws.url)
    ssm.put_parameter(Name=path, Type="String", Value=a_real_image(aws))


def log_of(worker: LocalWorker) -> list[dict[str, Any]]:
    """A worker's log from the line with which it says that it is ready.

    Every line of it must be JSON, but for the one that Celery prints at its shutdown.
    """
    lines = worker.child.output().replace("worker: Warm shutdown (MainProcess)", "").splitlines()
    (ready,) = [number for number, line in enumerate(lines) if ' ready."' in line]
    return [json.loads(line) for line in lines[ready:] if line]


def wait_for_log(worker: LocalWorker, event: str, times: int = 1) -> None:
    """Wait until a worker has logged this."""
    marked = f'"event": "{event}"'

    def logged() -> bool:
        worker.check()
        return worker.child.output().count(marked) >= times

    wait_until(logged, COMMAND_TIMEOUT, f"{event} is logged {times} times")
