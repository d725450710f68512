"""The worker's connections to Redis, when many steps want one at the same moment."""

import asyncio

from config.settings import WorkerSettings
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
