"""Redis behind TLS: everybody checks whom they talk to, and says nothing in the clear."""

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
import trustme

from envwright.client import Client
from envwright.errors import StoreUnavailable
from envwright.messages import producer, send_run
from envwright.names import Step
from envwright.record import RunKind
from envwright.states import State
from tests.acceptance.conftest import COMMAND_TIMEOUT, CommandLine, how_much_exists
from tests.conftest import WorkerFactory
from tests.redis_proxy import RedisProxy, Toward, Verdict
from tests.specs import spec_data
from worker.loop import LoopThread
from worker.processes import wait_until
from worker.servers import LocalAws, LocalRedis
from worker.stack import LocalWorker

UNKNOWN: Final = "certificate verify failed"


@pytest.fixture
def proxy(own_redis: LocalRedis, loop: LoopThread, tmp_path: Path) -> Iterator[RedisProxy]:
    """A Redis that speaks TLS alone, with a certificate of the authority in ca.pem."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    trustme.CA().cert_pem.write_to_path(tmp_path / "other.pem")
    told = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(told)
    one = RedisProxy(own_redis.url, tls=told)
    loop.run(one.__aenter__())
    yield one
    loop.run(one.__aexit__())


@pytest.fixture
def overheard(proxy: RedisProxy) -> list[bytes]:
    """All that anybody has said to this Redis."""
    said: list[bytes] = []

    async def watch(toward: Toward, chunk: bytes) -> Verdict:
        if toward is Toward.REDIS:
            said.append(chunk)
        return Verdict.PASS

    proxy.watch = watch
    return said


@pytest.mark.parametrize("more", ["", "&ssl_cert_reqs=required"])
def test_an_environment_is_built_over_tls(
    proxy: RedisProxy,
    tmp_path: Path,
    worker: WorkerFactory,
    envwright: CommandLine,
    aws: LocalAws,
    key_prefix: str,
    more: str,
) -> None:
    """Client, command line and worker, with the authority named in the address alone."""
    url = f"{proxy.url}?ssl_ca_certs={tmp_path / 'ca.pem'}{more}"
    worker(ENVWRIGHT_REDIS_URL=url)

    built = envwright("up", envwright.file(spec_data()), ENVWRIGHT_REDIS_URL=url)

    assert built.code == 0, built.err
    assert how_much_exists(aws) == {"vpc": 1, "subnet": 1, "internet_gateway": 1}
    with Client(redis_url=url, key_prefix=key_prefix, queue=key_prefix) as client:
        client.destroy("web")
        assert client.wait("web", COMMAND_TIMEOUT).state is State.DESTROYED


@pytest.mark.parametrize("query", ["", "?ssl_ca_certs={other}", "?ssl_ca_certs={ca}"])
def test_a_redis_that_proves_nothing_is_told_nothing(
    proxy: RedisProxy,
    overheard: list[bytes],
    tmp_path: Path,
    worker_environment: dict[str, str],
    envwright: CommandLine,
    key_prefix: str,
    query: str,
) -> None:
    """Its certificate is of an unknown authority, or in another name: client, command line, the
    messages' sender and worker refuse with a sentence, and say not a word to it."""
    files = {"ca": tmp_path / "ca.pem", "other": tmp_path / "other.pem"}
    url = proxy.url.replace("127.0.0.1", "localhost" if "{ca}" in query else "127.0.0.1")
    url += query.format(**files)
    with Client(redis_url=url, key_prefix=key_prefix, queue=key_prefix) as client:
        with pytest.raises(StoreUnavailable, match=UNKNOWN):
            client.enqueue(spec_data())
        with pytest.raises(Exception, match=UNKNOWN):
            send_run(producer(client.settings), "web", "run", RunKind.PROVISION, Step.NETWORK)

    told = envwright("up", envwright.file(spec_data()), ENVWRIGHT_REDIS_URL=url)
    worker = LocalWorker(tmp_path, worker_environment | {"ENVWRIGHT_REDIS_URL": url})
    worker.launch()
    try:
        wait_until(lambda: UNKNOWN in worker.child.output(), COMMAND_TIMEOUT, "it says why")
        wait_until(
            lambda: "Cannot connect to" in worker.child.output(), COMMAND_TIMEOUT, "Celery too"
        )
    finally:
        worker.child.kill()

    assert told.code == 1
    assert UNKNOWN in told.err
    assert overheard == []


def test_a_redis_without_tls_is_told_as_that(own_redis: LocalRedis) -> None:
    """It waits for the rest of a command that never comes: that looks as if it were frozen."""
    url = own_redis.url.replace("redis://", "rediss://")
    with (
        Client(redis_url=url, redis_timeout=0.5) as client,
        pytest.raises(StoreUnavailable, match="or speak no TLS at this port"),
    ):
        client.enqueue(spec_data())
