"""What the integration tests share: the strict cloud, environments in it, and the command line."""

import asyncio
import json
import os
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest
import redis
import redis.asyncio
from aiobotocore.config import AioConfig

from config.settings import WorkerSettings
from envwright.spec import load_spec
from envwright.states import State
from tasks.aws import session
from tasks.aws.pacing import Pacer
from tasks.aws.session import AwsClients
from tasks.lease import Lease, clock
from tasks.store import Hold
from tests.cloud import Cloud
from tests.commands import COMMAND, Start
from tests.desk import Desk
from tests.estate import LOG_BUCKET, Estate
from tests.everything import EVERYTHING, REGION
from tests.harness import Environment, environment, outsider
from tests.puppet import Puppet
from tests.repository import ROOT
from tests.site import Site
from tests.specs import spec_data
from worker.servers import LocalAws

WEB = "web.eu-west-1"

T = TypeVar("T")
Begin = Callable[..., AbstractAsyncContextManager[Environment]]


@pytest.fixture
async def cloud(aws: LocalAws) -> AsyncIterator[Cloud]:
    """An AWS that holds nothing, keeps a journal, and lets faults be injected."""
    async with Cloud(aws.url) as cloud:
        yield cloud


@pytest.fixture
async def site(cloud: Cloud) -> AsyncIterator[Site]:
    """A network in it, made by an outsider."""
    async with outsider(cloud.url) as ec2:
        one = Site(ec2)
        await one.build()
        yield one


@pytest.fixture
def begin(redis_url: str, key_prefix: str, cloud: Cloud) -> Begin:
    """Have an environment accepted: `async with begin(spec, settle_time=1.0) as env`."""
    return partial(environment, redis_url=redis_url, key_prefix=key_prefix, cloud=cloud)


@pytest.fixture
async def everything(begin: Begin) -> AsyncIterator[Environment]:
    """EVERYTHING, ready."""
    async with begin(EVERYTHING) as env:
        assert (await env.to_rest()).state is State.READY
        yield env


@pytest.fixture
async def impatient(begin: Begin) -> AsyncIterator[Environment]:
    """EVERYTHING, ready, that does not wait long for what is in use."""
    async with begin(EVERYTHING, conflict_timeout=0.2) as env:
        assert (await env.to_rest()).state is State.READY
        yield env


@pytest.fixture
async def foreign(impatient: Environment, aws: LocalAws) -> AsyncIterator[str]:
    """A subnet that somebody put into the environment's VPC by hand."""
    outputs = impatient.record.outputs
    assert outputs is not None
    async with outsider(aws.url) as ec2:
        answer = await ec2.create_subnet(VpcId=outputs.vpc_id, CidrBlock="10.40.200.0/24")
        yield answer["Subnet"]["SubnetId"]


@pytest.fixture
async def estate(cloud: Cloud, aws: LocalAws) -> AsyncIterator[Estate]:
    async with outsider(aws.url) as ec2:
        await cloud.provide("bucket", LOG_BUCKET)
        one = Estate(ec2)
        await one.build()
        yield one


@pytest.fixture
async def web(begin: Begin) -> AsyncIterator[Environment]:
    """The environment of examples/web.yaml, accepted and not yet begun."""
    async with begin(load_spec(ROOT / "examples" / "web.yaml")) as env:
        yield env


@pytest.fixture
async def desk(redis_url: str, key_prefix: str) -> AsyncIterator[Desk]:
    """Both stores on one Redis."""
    worker = redis.asyncio.Redis.from_url(redis_url, decode_responses=True)
    one = Desk(redis_url, key_prefix, worker)
    yield one
    one.close()
    await worker.aclose()


@pytest.fixture(autouse=True)
def _calls_are_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the SDK hold each call against EC2's model, which a worker saves itself: the fake AWS
    overlooks what AWS refuses, so a mistake of ours is found here."""
    as_in_a_worker = session.config_of

    def config_of(*told: Any) -> AioConfig:
        return as_in_a_worker(*told).merge(AioConfig(parameter_validation=True))

    monkeypatch.setattr(session, "config_of", config_of)


@pytest.fixture
def command_environment(redis_url: str, key_prefix: str) -> dict[str, str]:
    """The variables with which a command finds what the test has in Redis."""
    return os.environ | {
        "ENVWRIGHT_REDIS_URL": redis_url,
        "ENVWRIGHT_KEY_PREFIX": key_prefix,
        "ENVWRIGHT_QUEUE": key_prefix,
        "TERM": "xterm-256color",
    }


@pytest.fixture
def start(command_environment: dict[str, str]) -> Iterator[Start]:
    """Start a command; what still runs at the end of the test is killed."""
    running: list[subprocess.Popen[str]] = []

    def command(*arguments: str, **extra: str) -> "subprocess.Popen[str]":
        one = subprocess.Popen(
            [*COMMAND, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=command_environment | extra,
        )
        running.append(one)
        return one

    yield command
    for one in running:
        one.kill()
        one.communicate()


@pytest.fixture
def puppet(redis_url: str, key_prefix: str) -> Iterator[Puppet]:
    """The worker of `web`, played by hand."""
    one = Puppet(redis_url, WEB, key_prefix)
    yield one
    one.close()


@pytest.fixture
def spec_file(tmp_path: Path) -> str:
    """A file with the spec of `web`."""
    file = tmp_path / "web.json"
    file.write_text(json.dumps(spec_data("web")))
    return str(file)


class Crowd:
    """Callers of one worker, each with an environment's lease of his own."""

    def __init__(self, clients: AwsClients) -> None:
        self.leases: list[Lease] = []
        self._clients = clients

    async def __call__(self, *calls: Callable[[Any], Awaitable[T]]) -> list[T]:
        """Make these calls at the same moment, each through a door of its own."""
        doors = [await self.door() for _ in calls]
        return await asyncio.gather(*(call(door) for call, door in zip(calls, doors, strict=True)))

    async def door(self) -> Any:
        """A door for another environment; its lease is the last one of `leases`."""
        hold = Hold(f"env-{len(self.leases)}.{REGION}", "run", 1)
        self.leases.append(Lease(hold, clock() + 60, 1.0))
        return await self._clients.door("ec2", REGION, None, self.leases[-1])


@pytest.fixture
async def crowd(redis_url: str, key_prefix: str, cloud: Cloud) -> AsyncIterator[Crowd]:
    """Callers who share a worker's client."""
    settings = WorkerSettings(
        key_prefix=key_prefix, aws_endpoint_url=cloud.url, consistency_timeout=1.0
    )
    async with redis.asyncio.Redis.from_url(redis_url) as pacing:
        clients = AwsClients(settings, Pacer(pacing, settings))
        yield Crowd(clients)
        await clients.close()
