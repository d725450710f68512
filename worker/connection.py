"""The worker's connections to Redis: a few, which all of its steps take in turn."""

from typing import Final

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError

from config.settings import WorkerSettings

CONNECTIONS: Final = 50
"""What one event loop can keep busy; a thousand steps that begin at once wait for each other."""

_TRIES: Final = 3


async def connect(settings: WorkerSettings, connections: int = CONNECTIONS) -> Redis:
    """A client on this event loop. Redis' own errors pass through it.

    redis-py's plain pool does not let a caller wait: from the 101st call at once on it raises.
    Here one waits for as long as a lease lasts, after which there is nothing left to say.
    """
    pool: BlockingConnectionPool = BlockingConnectionPool.from_url(
        settings.redis_url,
        max_connections=connections,
        timeout=settings.lease,
        decode_responses=True,
        socket_timeout=settings.redis_timeout,
        socket_connect_timeout=settings.redis_timeout,
        # Not after a time-out: the scripts may have run, and redis-py would try a frozen Redis
        # again for each of the tries that it makes to connect, so for most of a minute.
        retry=Retry(
            ExponentialBackoff(cap=1.0, base=0.1),
            _TRIES,
            supported_errors=(RedisConnectionError,),
        ),
        health_check_interval=25,
    )
    return Redis.from_pool(pool)
