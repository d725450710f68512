"""The command line and a Redis that freezes, restarts or never answers."""

import time

import pytest

from envwright.client import Client
from tests.commands import Start, ended, first_line
from tests.integration.conftest import WEB
from tests.puppet import Puppet
from tests.specs import spec_data
from worker.servers import LocalRedis


@pytest.mark.parametrize(
    "arguments", [["up"], ["down", "web"], ["status", "web"], ["list"], ["watch", "web"]]
)
def test_a_frozen_redis_is_told_of_within_ten_seconds(
    start: Start, own_redis: LocalRedis, spec_file: str, arguments: list[str]
) -> None:
    """It takes connections, as the kernel does that for it, and never answers."""
    own_redis.child.freeze()
    begun = time.monotonic()
    files = [spec_file] if arguments == ["up"] else []
    process = start(*arguments, *files, ENVWRIGHT_REDIS_URL=own_redis.url)

    _, err = ended(process, 1)
    own_redis.child.thaw()

    assert time.monotonic() - begun < 10
    assert err.startswith("Error: Redis at 127.0.0.1:")


def test_a_redis_that_freezes_while_we_watch_is_told_of_too(
    start: Start, own_redis: LocalRedis, key_prefix: str
) -> None:
    """First a notice, since it may come back; then an error that says that the job goes on."""
    url = own_redis.url
    with Client(redis_url=url, key_prefix=key_prefix, queue=key_prefix) as client:
        client.enqueue(spec_data("web"))
    watch = start("watch", "web", ENVWRIGHT_REDIS_URL=url)
    assert "queued" in first_line(watch)
    own_redis.child.freeze()
    begun = time.monotonic()

    _, err = ended(watch, 1)
    own_redis.child.thaw()

    assert time.monotonic() - begun < 10
    assert err.startswith("Redis does not answer: waiting a few seconds")
    assert "Watching ends here; the jobs go on." in err


def test_a_restarted_redis_is_ridden_out(
    start: Start, own_redis: LocalRedis, key_prefix: str
) -> None:
    """Who watches is told that Redis was away, and sees the end all the same."""
    url = own_redis.url
    with Client(redis_url=url, key_prefix=key_prefix, queue=key_prefix) as client:
        client.enqueue(spec_data("web"))
    watch = start("watch", "web", ENVWRIGHT_REDIS_URL=url)
    assert "queued" in first_line(watch)

    own_redis.restart()
    puppet = Puppet(url, WEB, key_prefix)
    puppet.build()
    puppet.ready()
    puppet.close()

    out, _ = ended(watch, 0)
    assert f"{WEB}  is ready" in out
