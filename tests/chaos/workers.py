"""Worker processes to be killed, frozen and replaced, by the dozen."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Self

from worker.processes import ROOT, tethered
from worker.servers import inherited_environment
from worker.stack import says_ready

_LOOK_EVERY: Final = 0.05


class WorkerProcess:
    """One worker, which is nobody's child here: it is known by its pid alone."""

    def __init__(self, pid: int, log: Path) -> None:
        self.pid = pid
        self.log = log
        self.may_end = False
        """Whether somebody has ended it: else it must live."""
        self._descriptor = os.pidfd_open(pid)

    @property
    def alive(self) -> bool:
        """Whether it runs, or is frozen."""
        try:
            signal.pidfd_send_signal(self._descriptor, 0)
        except ProcessLookupError:
            return False
        return True

    def kill(self) -> None:
        """End it at once, in the middle of whatever it does."""
        self.may_end = True
        self._signal(signal.SIGKILL)

    def stop(self) -> None:
        """Ask it to end, as a service manager does."""
        self.may_end = True
        self._signal(signal.SIGTERM)

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    async def ready(self) -> None:
        """Wait until it takes messages."""
        while not says_ready(self.log.read_text() if self.log.exists() else ""):
            self.check()
            await asyncio.sleep(_LOOK_EVERY)

    def check(self) -> None:
        """Raise when it has ended, and nobody has ended it."""
        if not self.may_end and not self.alive:
            tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-20:])
            raise AssertionError(f"A worker ended by itself. The end of its log:\n{tail}")

    def close(self) -> None:
        self.kill()
        os.close(self._descriptor)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._descriptor, number)


class Workers:
    """Has workers forked by `tests.chaos.forkserver`, which dies with this process."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.create_subprocess_exec(
            *tethered([sys.executable, "-m", "tests.chaos.forkserver"]),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            cwd=ROOT,
            env=inherited_environment(),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server.stdin is not None
        self._server.stdin.close()
        await self._server.wait()

    async def start(
        self, environment: Mapping[str, str], directory: Path, name: str
    ) -> WorkerProcess:
        """Start a worker of this name with these settings; its log lies in the directory."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        log = directory / f"{name}.log"
        quiet = ["--without-mingle", "--without-gossip", "--loglevel", "INFO"]
        request = {
            "environment": inherited_environment() | dict(environment),
            "log": str(log),
            "arguments": ["-A", "worker.app", "worker", "--hostname", f"{name}@%h", *quiet],
        }
        async with self._turn:
            self._server.stdin.write(json.dumps(request).encode() + b"\n")
            await self._server.stdin.drain()
            answer = await self._server.stdout.readline()
        assert answer, "The fork server has ended."
        return WorkerProcess(int(answer), log)
