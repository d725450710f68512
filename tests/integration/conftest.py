"""What the integration tests share: the strict cloud, and environments in it."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from functools import partial

import pytest
import redis
import redis.asyncio

from envwright.client import Client
from envwright.spec import load_spec
from tests.cloud import Cloud
from tests.desk import Desk
from tests.harness import Environment, environment, outsider
from tests.repository import ROOT
from tests.site import Site
from worker.servers import LocalAws

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
