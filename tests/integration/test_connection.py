"""The connections of workers and callers to Redis, when many want one at the same moment."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

from config.settings import WorkerSettings
from envwright.client import Client
from envwright.connection import CONNECTIONS as CALLERS
from worker.connection import CONNECTIONS, connect


async def test_a_thousand_steps_share_a_few_connections(redis_url: str, key_prefix: str) -> None:
    """All that begin at once are answered, and Redis serves no more connections than said."""
    redis = await connect(WorkerSettings(redis_url=redis_url))
    name = f"{key_prefix}-count"

    answers = await asyncio.gather(*(redis.incr(name) for _ in range(1000)))

    clients = await redis.info("clients")
    await redis.aclose()
    assert sorted(answers) == list(range(1, 1001))
    assert clients["connected_clients"] <= CONNECTIONS + 10


def test_a_service_may_make_two_hundred_calls_at_once(redis_url: str, key_prefix: str) -> None:
    """Those for whom there is no connection wait for those who have one, and none fails."""
    at_once = 200
    assert at_once > CALLERS
    together = threading.Barrier(at_once)

    with (
        Client(redis_url=redis_url, key_prefix=key_prefix) as client,
        ThreadPoolExecutor(at_once) as threads,
    ):

        def call(_: int) -> object:
            together.wait(10)
            # It holds its connection until something happens, or for this long.
            return client.follow({"web.eu-west-1": "0"}, timeout=0.5)

        answers = list(threads.map(call, range(at_once)))

    assert answers == [{}] * at_once
