"""The embedded stack: a Redis, a fake AWS and a worker on this machine, and nothing left behind."""

import sys
import tempfile
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from worker.processes import ROOT, Child
from worker.servers import LocalAws, LocalRedis, given_redis_url, inherited_environment
from worker.services import Service, wait_for


class LocalWorker(Service):
    """A real worker process, as in production but for its settings."""

    name = "The worker"
    stop_timeout = 20.0
    """Seconds from SIGTERM until a worker that has not ended is killed."""

    def __init__(self, directory: Path, environment: dict[str, str]) -> None:
        super().__init__(directory)
        self._environment = environment
        # Celery takes two workers of one name for the same one.
        self.node = f"local-{uuid.uuid4().hex[:8]}"

    def launch(self) -> None:
        command = [sys.executable, "-m", "celery", "-A", "worker.app", "worker"]
        # Asking other workers for their news takes a second, and here it is of no use.
        alone = ["--without-mingle", "--without-gossip"]
        options = ["--loglevel", "INFO", "--hostname", f"{self.node}@%h", *alone]
        log = self.directory / f"worker-{self.node}.log"
        environment = inherited_environment() | self._environment
        self._child = Child(self.name, command + options, log, environment, ROOT)

    def ready(self) -> bool:
        self.child.check()
        return says_ready(self.child.output())

    def stop(self) -> None:
        if self._child is not None:
            self._child.stop(self.stop_timeout)


def says_ready(log: str) -> bool:
    """Whether a worker's log shows that it takes messages: Celery's line `celery@host ready.`"""
    return " ready." in log


class LocalStack:
    """Redis, the fake AWS and a worker, for as long as the `with` block lasts.

    Leaving it ends them in the order worker, AWS, Redis and removes their files, also when the
    start itself fails half-way. `meanwhile` is called while it waits, and may raise to give up.

    Raises `ChildFailed`, with the end of the log of what failed.
    """

    def __init__(
        self, *, with_worker: bool = True, meanwhile: Callable[[], None] = lambda: None
    ) -> None:
        self._with_worker = with_worker
        self._meanwhile = meanwhile
        self.name = f"local-{uuid.uuid4().hex[:8]}"
        self._cleanup = ExitStack()
        self.services: list[Service] = []

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._cleanup.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._cleanup.close()

    def environment(self) -> dict[str, str]:
        """The variables that make a worker, or a client, work with this stack."""
        # The fake AWS is quicker than AWS, and has no request limits.
        quick = {"ENVWRIGHT_POLL_EVERY": "0.5", "ENVWRIGHT_AWS_RATE_SHARE": "100"}
        return quick | self.aws.environment() | self.client_environment()

    def client_environment(self) -> dict[str, str]:
        """Those of them that a client needs."""
        environment = {"ENVWRIGHT_REDIS_URL": self.redis.url}
        if not self.redis.ours:
            # The other users of that Redis must not see our environments, nor we take theirs.
            environment |= {"ENVWRIGHT_KEY_PREFIX": self.name, "ENVWRIGHT_QUEUE": self.name}
        return environment

    def check(self) -> None:
        """Raise `ChildFailed` when a part of the stack has ended by itself."""
        for service in self.services:
            service.check()

    def _start(self) -> None:
        directory = Path(
            self._cleanup.enter_context(tempfile.TemporaryDirectory(prefix="envwright-"))
        )
        self.redis = LocalRedis(directory, given_url=given_redis_url())
        self.aws = LocalAws(directory)
        self._launch(self.redis)
        self._launch(self.aws)
        wait_for(self.redis, self.aws, meanwhile=self._meanwhile)
        if not self.redis.ours:
            self._cleanup.callback(self.redis.forget, self.name)
        if self._with_worker:
            worker = LocalWorker(directory, self.environment())
            self._launch(worker)
            wait_for(worker, meanwhile=self._meanwhile)

    def _launch(self, service: Service) -> None:
        self.services.append(service)
        self._cleanup.callback(service.stop)
        service.launch()
