"""The proxy in front of Redis: each of its faults is what a client of a real one would see."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from tests.redis_proxy import RedisProxy, Toward, Verdict
from worker.servers import LocalRedis


@pytest.fixture
async def proxy(own_redis: LocalRedis) -> AsyncIterator[RedisProxy]:
    async with RedisProxy(own_redis.url) as one:
        yield one


@asynccontextmanager
async def connected(url: str, **options: object) -> AsyncIterator[Redis]:
    """A client that has a connection, and tries nothing twice."""
    once = Retry(NoBackoff(), 0)
    async with Redis.from_url(url, socket_timeout=0.3, retry=once, **options) as client:
        yield client


async def test_it_passes_on(proxy: RedisProxy) -> None:
    """Both ways, and what is longer than a chunk too."""
    long = b"x" * 1_000_000
    async with connected(proxy.url) as client:
        await client.set("long", long)

        assert await client.get("long") == long


async def test_an_unreachable_redis_refuses_and_drops(proxy: RedisProxy) -> None:
    async with connected(proxy.url) as client:
        await client.set("known", "yes")
        await proxy.refuse()

        with pytest.raises(RedisConnectionError):
            await client.get("known")
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", proxy.port)

        await proxy.pass_on()
        assert await client.get("known") == b"yes"


async def test_in_a_black_hole_nothing_is_answered(
    proxy: RedisProxy, own_redis: LocalRedis
) -> None:
    """Neither on an old connection nor on a new one; when it is over, what was sent arrives."""
    async with connected(proxy.url) as client, connected(own_redis.url) as direct:
        await client.ping()
        await proxy.black_hole()

        for key in ("on-the-old", "on-a-new"):
            with pytest.raises(RedisTimeoutError):
                await client.set(key, "late")
        assert await direct.dbsize() == 0

        await proxy.pass_on()
        async with asyncio.timeout(10):
            while await direct.get("on-the-old") is None:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.01)
        assert await client.ping()


async def test_a_failover_leads_to_another_redis(
    proxy: RedisProxy, own_redis: LocalRedis, tmp_path: Path
) -> None:
    """The address stays, and the connections to the old one break."""
    (tmp_path / "other").mkdir()
    other = LocalRedis(tmp_path / "other")
    other.start()
    try:
        async with connected(proxy.url) as client, connected(other.url) as direct:
            await client.set("name", "the old one")
            await direct.set("name", "the new one")
            await proxy.switch_to(other.url)

            with pytest.raises(RedisConnectionError):
                await client.get("name")
            assert await client.get("name") == b"the new one"
    finally:
        other.stop()


async def test_tls_ends_at_the_proxy(own_redis: LocalRedis) -> None:
    """With a certificate that the client checks, and a Redis that speaks none."""
    authority = trustme.CA()
    told = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(told)
    ca = authority.cert_pem.bytes().decode()
    async with RedisProxy(own_redis.url, tls=told) as proxy:
        assert proxy.url.startswith("rediss://")
        async with connected(proxy.url, ssl_ca_data=ca) as client:
            assert await client.ping()
        async with connected(proxy.url) as stranger:
            with pytest.raises(RedisConnectionError, match="certificate"):
                await stranger.ping()


async def test_a_watch_may_lose_requests_and_replies(
    proxy: RedisProxy, own_redis: LocalRedis
) -> None:
    """A request that is dropped never comes to Redis; one whose reply is dropped does."""
    withheld = False

    async def watch(toward: Toward, chunk: bytes) -> Verdict:
        nonlocal withheld
        if toward is Toward.CLIENT:
            return Verdict.DROP if withheld else Verdict.PASS
        withheld = b"no-reply" in chunk
        if b"closed" in chunk:
            return Verdict.CLOSE
        return Verdict.DROP if b"dropped" in chunk else Verdict.PASS

    proxy.watch = watch
    async with connected(proxy.url) as client, connected(own_redis.url) as direct:
        with pytest.raises(RedisTimeoutError):
            await client.set("dropped", "x")
        with pytest.raises(RedisConnectionError):
            await client.set("closed", "x")
        with pytest.raises(RedisTimeoutError):
            await client.set("no-reply", "x")

        assert await direct.keys() == [b"no-reply"]


async def test_nothing_goes_on_until_the_watch_has_answered(
    proxy: RedisProxy, own_redis: LocalRedis
) -> None:
    arrived, go_on = asyncio.Event(), asyncio.Event()

    async def watch(toward: Toward, chunk: bytes) -> Verdict:
        if b"watched" in chunk:
            arrived.set()
            await go_on.wait()
        return Verdict.PASS

    proxy.watch = watch
    async with Redis.from_url(proxy.url) as client, connected(own_redis.url) as direct:
        setting = asyncio.create_task(client.set("watched", "x"))
        await asyncio.wait_for(arrived.wait(), 10)
        assert await direct.exists("watched") == 0
        go_on.set()
        await asyncio.wait_for(setting, 10)
        assert await direct.exists("watched") == 1
