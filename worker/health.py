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
from envwright.connection import address

_LASTS: Final = 20
_FAREWELL: Final = 1.0
"""Seconds within which a worker that stops takes its heartbeats away."""

logger = structlog.get_logger(__name__)


async def beat(redis: Redis, settings: WorkerSettings, worker: str) -> None:
    """Write this worker's heartbeats until it is cancelled, and then take them away.

    One is its host's, for the health check. The other is its own: who finds that a lease ran out
    sees by it whether the worker died. Leases are renewed every third of their length, so it has to
    end within the two thirds that are left at least.
    """
    host, own = settings.keys.heartbeat(socket.gethostname()), settings.keys.heartbeat(worker)
    lasts = settings.lease * 2 / 3
    try:
        while True:
            try:
                await redis.set(own, worker, px=int(lasts * 1000))
                await redis.set(host, worker, ex=_LASTS)
            except (RedisError, OSError) as error:
                logger.warning("heartbeat_failed", error=str(error))
            await asyncio.sleep(min(5.0, lasts / 3))
    finally:
        # They end by themselves in a moment: a worker that stops does not wait for Redis.
        with suppress(RedisError, OSError):  # `TimeoutError` is one, too
            async with asyncio.timeout(_FAREWELL):
                await redis.delete(own)
                if await redis.get(host) == worker:
                    await redis.delete(host)


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
