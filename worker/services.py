"""What the parts of the embedded stack have in common: started, waited for, stopped."""

import errno
import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Final

from worker.processes import Child, ChildFailed, free_port, wait_until

START_TIMEOUT: Final = 30.0
"""Seconds that a process of the stack may take until it does its work."""

_PORT_TRIES: Final = 5
_PORT_IN_USE: Final = os.strerror(errno.EADDRINUSE)


class Service(ABC):
    """A part of the stack: a child process, and the knowledge of when it does its work.

    `launch` starts it and returns at once, so that several can start side by side; `ready` says
    whether it does its work, and raises `ChildFailed` when it never will.
    """

    name: str

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._child: Child | None = None

    @abstractmethod
    def launch(self) -> None: ...

    @abstractmethod
    def ready(self) -> bool: ...

    @property
    def child(self) -> Child:
        if self._child is None:
            raise ChildFailed(f"{self.name} was not started by this process.")
        return self._child

    def start(self) -> None:
        """Launch it and wait until it is ready. Raises `ChildFailed` and leaves nothing running."""
        self.launch()
        try:
            wait_for(self)
        except BaseException:
            self.stop()
            raise

    def check(self) -> None:
        """Raise `ChildFailed` when its process has ended by itself."""
        if self._child is not None:
            self._child.check()

    def stop(self) -> None:
        """End what was started; raises `ChildFailed` if it had to be killed."""
        if self._child is not None:
            self._child.stop()


def wait_for(*services: Service, meanwhile: Callable[[], None] = lambda: None) -> None:
    """Wait until all are ready; `meanwhile` is called between the looks and may raise.

    Raises `ChildFailed` for the first that ended, or was not ready within `START_TIMEOUT`.
    """
    waiting = list(services)

    def all_ready() -> bool:
        meanwhile()
        waiting[:] = [service for service in waiting if not service.ready()]
        return not waiting

    try:
        wait_until(all_ready, START_TIMEOUT, "start of the stack")
    except TimeoutError:
        raise waiting[0].child.failure(f"was not ready within {START_TIMEOUT:g} s") from None


class Server(Service):
    """A service that listens on a port of 127.0.0.1: the given one, or one that is free."""

    def __init__(self, directory: Path, port: int | None = None) -> None:
        super().__init__(directory)
        self._wanted_port = port
        self._tries = 0
        self.port = port or 0

    def launch(self) -> None:
        self.port = self._wanted_port or free_port()
        self._tries += 1
        self._child = self._run()

    @abstractmethod
    def _run(self) -> Child: ...

    @abstractmethod
    def _answers(self) -> bool: ...

    def ready(self) -> bool:
        if self.child.alive:
            return self._answers()
        # Another process can take a free port before ours does.
        taken = _PORT_IN_USE in self.child.output()
        if not taken or self._wanted_port or self._tries >= _PORT_TRIES:
            self.child.check()
        self.launch()
        return False
