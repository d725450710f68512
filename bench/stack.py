"""All processes of one measurement: Redis, the fake AWS, the strict cloud and the workers."""

import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from bench.cloud import CloudProcess
from envwright.client import Client
from envwright.settings import ClientSettings
from tests.cloud import Behaviour
from tests.cloud.aws import Emulator
from worker.servers import AWAY_FROM_AWS, LocalRedis
from worker.stack import LocalWorker


class Stack:
    """Started when it is entered, without workers, and nothing of it is left afterwards."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._cleanup = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as started:
            directory = started.enter_context(tempfile.TemporaryDirectory(prefix="envwright-"))
            self.directory = Path(directory)
            self.redis = LocalRedis(self.directory)
            self.emulator = Emulator(self.directory)
            for server in (self.redis, self.emulator):
                server.start()
                # What they hold is thrown away: nothing has to be saved.
                started.callback(server.child.kill)
            self.cloud = started.enter_context(CloudProcess(self.emulator.url, self._behaviour))
            self._cleanup = started.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._cleanup.close()

    def client(self) -> Client:
        """A client, for as long as the stack stands."""
        return self._cleanup.enter_context(Client(ClientSettings(redis_url=self.redis.url)))

    def worker(self, settings: Mapping[str, object] | None = None) -> LocalWorker:
        """A worker process that takes messages, with these settings beside the defaults."""
        worker = LocalWorker(self.directory, self.environment(settings or {}))
        self._cleanup.callback(worker.stop)
        worker.start()
        return worker

    def environment(self, settings: Mapping[str, object]) -> dict[str, str]:
        """The variables that make a worker work here with these settings."""
        given = {f"ENVWRIGHT_{name.upper()}": str(value) for name, value in settings.items()}
        here = {"ENVWRIGHT_REDIS_URL": self.redis.url, "ENVWRIGHT_AWS_ENDPOINT_URL": self.cloud.url}
        return AWAY_FROM_AWS | here | given

    def watched(self, *workers: LocalWorker) -> dict[str, int]:
        """The process ids by name, as `Meter` takes them."""
        servers = {
            "redis": self.redis.child.pid,
            "emulator": self.emulator.child.pid,
            "cloud": self.cloud.pid,
        }
        return servers | {f"worker{nth}": one.child.pid for nth, one in enumerate(workers, start=1)}
