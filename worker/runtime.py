"""What a worker process has beside Celery: the loop, Redis, the AWS clients, lease and sweeper."""

import asyncio
import os
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import structlog
from celery import Celery
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError

from config.settings import WorkerSettings
from envwright.store import Store
from tasks.aws.pacing import Pacer
from tasks.aws.session import AwsClients
from tasks.lease import End, Look
from tasks.line import Line
from tasks.store import WorkerStore
from worker.health import beat
from worker.lease import LeaseKeeper
from worker.loop import LoopThread
from worker.sweeper import Sweeper

_REDIS_TRIES: Final = 3

logger = structlog.get_logger(__name__)


def name_of_process() -> str:
    """A name that no worker had before: a container that is started again has the host name and
    the process id of the one that died."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


class Runtime:
    """Started with the worker and stopped with it."""

    def __init__(self, app: Celery, settings: WorkerSettings) -> None:
        self.settings = settings
        self.loop = LoopThread()
        self.loop.start()
        self.name = name_of_process()
        self._redis = self.loop.run(self._connect())
        self.store = WorkerStore(
            self._redis, settings.keys, settings.queue, self.name, settings.runs_per_account
        )
        self.clients = self.loop.run(self._open_clients())
        self.keeper = LeaseKeeper(self.store, settings.lease)
        self._looks: set[Look] = set()
        self._background = self.loop.run(self._start_background())
        self._records = Store(settings)
        line = Line(self._redis, settings.keys, settings.runs_per_account)
        self._sweeper = Sweeper(app, self.loop, self.store, line, self._records, settings)
        self._sweeper.start()

    def halt(self) -> None:
        """Begin nothing more: every step ends as soon as what it has under way is done."""
        self._sweeper.halt()
        self.loop.call(self.keeper.stop)
        self.loop.call(self._stop_looking)

    def stop(self) -> None:
        self._sweeper.stop()
        self._records.close()
        self.loop.run(self._close())
        self.loop.stop()

    @contextmanager
    def looking(self, seconds: float) -> Iterator[Look]:
        """The right to look at AWS for so long, or until the worker stops."""
        look = Look(seconds)
        self._looks.add(look)
        try:
            yield look
        finally:
            self._looks.discard(look)

    def _stop_looking(self) -> None:
        for look in self._looks:
            look.halt(End.STOPPING)

    async def _connect(self) -> Redis:
        return Redis.from_url(
            self.settings.redis_url,
            decode_responses=True,
            socket_timeout=self.settings.redis_timeout,
            socket_connect_timeout=self.settings.redis_timeout,
            # Not after a time-out: the scripts may have run, and redis-py would try a frozen Redis
            # again for each of the tries that it makes to connect, so for most of a minute.
            retry=Retry(
                ExponentialBackoff(cap=1.0, base=0.1),
                _REDIS_TRIES,
                supported_errors=(RedisConnectionError,),
            ),
            health_check_interval=25,
        )

    async def _open_clients(self) -> AwsClients:
        return AwsClients(self.settings, Pacer(self._redis, self.settings))

    async def _start_background(self) -> list[asyncio.Task[None]]:
        return [
            asyncio.create_task(self.keeper.keep()),
            asyncio.create_task(beat(self._redis, self.settings, self.name)),
        ]

    async def _close(self) -> None:
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        await self.clients.close()
        await self._redis.aclose()


_current: Runtime | None = None


def start(app: Celery, settings: WorkerSettings) -> None:
    """Start this process's runtime."""
    global _current
    _current = Runtime(app, settings)
    logger.info("worker_started", worker=_current.name, concurrency=settings.concurrency)


def current() -> Runtime:
    """This process's runtime."""
    if _current is None:
        raise RuntimeError("No envwright worker runs in this process.")
    return _current
