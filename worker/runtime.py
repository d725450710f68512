"""What a worker process has beside Celery: the loop, Redis, the AWS clients, lease and sweeper."""

import asyncio
import os
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from redis.asyncio import Redis

from config.settings import WorkerSettings
from envwright.store import Store
from tasks.aws.pacing import Pacer
from tasks.aws.preload import loaded_session
from tasks.aws.session import AwsClients
from tasks.lease import End, Look
from tasks.line import Line
from tasks.store import WorkerStore
from worker.connection import connect
from worker.files import allow_files
from worker.garbage import look_less
from worker.health import beat
from worker.lease import LeaseKeeper
from worker.loop import LoopThread, cancel
from worker.sweeper import Sweeper

logger = structlog.get_logger(__name__)


def name_of_process() -> str:
    """A name that no worker had before: a container that is started again has the host name and
    the process id of the one that died."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


class Runtime:
    """Started with the worker and stopped with it."""

    def __init__(self, settings: WorkerSettings) -> None:
        self.settings = settings
        self.loop = LoopThread()
        self.loop.start()
        self.name = name_of_process()
        self._redis = self.loop.run(connect(settings))
        # Of their own: a renewal that waits for a thousand steps' turns comes too late.
        self._redis_of_leases = self.loop.run(connect(settings, connections=2))
        self.store = self._store(self._redis)
        self.clients = self.loop.run(self._open_clients())
        self.keeper = LeaseKeeper(self._store(self._redis_of_leases), settings.lease)
        self._looks: set[Look] = set()
        self._background = self.loop.run(self._start_background())
        self._records = Store(settings)
        line = Line(self._redis, settings.keys, settings.runs_per_account)
        self._sweeper = Sweeper(self.loop, self.store, line, self._records, settings)
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

    def _store(self, redis: Redis) -> WorkerStore:
        told = self.settings
        return WorkerStore(redis, told.keys, told.queue, self.name, told.runs_per_account)

    async def _open_clients(self) -> AwsClients:
        return AwsClients(self.settings, Pacer(self._redis, self.settings), loaded_session())

    async def _start_background(self) -> list[asyncio.Task[None]]:
        return [
            asyncio.create_task(self.keeper.keep()),
            asyncio.create_task(beat(self._redis_of_leases, self.settings, self.name)),
        ]

    async def _close(self) -> None:
        await cancel(self._background, again=self.settings.redis_timeout)
        await self.clients.close()
        await self._redis.aclose()
        await self._redis_of_leases.aclose()


_current: Runtime | None = None


def start(settings: WorkerSettings) -> None:
    """Start this process's runtime."""
    global _current
    allow_files(settings)
    _current = Runtime(settings)
    look_less()
    logger.info("worker_started", worker=_current.name, concurrency=settings.concurrency)


def current() -> Runtime:
    """This process's runtime."""
    if _current is None:
        raise RuntimeError("No envwright worker runs in this process.")
    return _current
