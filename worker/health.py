"""Whether the worker on this host is alive: `python -m worker.health`, for a container's check.

A worker's event loop writes a heartbeat with an end of its own; a loop that hangs, a worker that
died and a Redis out of reach all look the same from outside, and are.
"""

import asyncio
import socket
import sys
from contextlib import suppress
from typing import Final

import structlog
from redis import Redis as BlockingRedis
from redis.asyncio import Redis
from redis.exceptions import RedisError

from config.settings import WorkerSettings
from envwright.names import Keys
from envwright.store import address

_EVERY: Final = 5.0
_LASTS: Final = 20

logger = structlog.get_logger(__name__)


async def beat(redis: Redis, keys: Keys, worker: str) -> None:
    """Write this worker's heartbeat until it is cancelled, and then take it away."""
    key = keys.heartbeat(socket.gethostname())
    try:
        while True:
            try:
                await redis.set(key, worker, ex=_LASTS)
            except (RedisError, OSError) as error:
                logger.warning("heartbeat_failed", error=str(error))
            await asyncio.sleep(_EVERY)
    finally:
        with suppress(RedisError, OSError):  # it ends by itself in a moment
            if await redis.get(key) == worker:
                await redis.delete(key)


def main() -> int:
    """Exit code 0 when a worker on this host gave a sign of life within 20 s."""
    settings = WorkerSettings()
    host = socket.gethostname()
    try:
        with BlockingRedis.from_url(
            settings.redis_url, socket_timeout=settings.redis_timeout, decode_responses=True
        ) as redis:
            worker = redis.get(settings.keys.heartbeat(host))
    except (RedisError, OSError) as error:
        sys.stderr.write(f"Redis at {address(settings.redis_url)} does not answer: {error}\n")
        return 1
    if worker is None:
        sys.stderr.write(f"No worker on {host} gave a sign of life within {_LASTS} s.\n")
        return 1
    sys.stdout.write(f"Worker {worker} is alive.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
