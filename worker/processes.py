"""The child processes of the embedded stack: started, watched and stopped in one way."""

import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeVar

from envwright.errors import EnvwrightError

LOCALHOST: Final = "127.0.0.1"
ROOT: Final = Path(__file__).resolve().parent.parent
"""Where the project's packages and examples are."""

_TETHER: Final = Path(__file__).with_name("tether.py")
_TAIL_LINES: Final = 20
_FIRST_PAUSE, _LONGEST_PAUSE = 0.01, 0.2
_PORTS: Final = range(20_000, 32_000)
_PORT_TRIES: Final = 200

T = TypeVar("T")


class ChildFailed(EnvwrightError):
    """A process of the embedded stack failed."""


def wait_until(condition: Callable[[], T], timeout: float, what: str) -> T:
    """Ask again and again until the condition holds, and return what it said.

    `timeout` is in seconds; `what` completes "… did not come true". Raises `TimeoutError`, and
    whatever the condition raises.
    """
    deadline = time.monotonic() + timeout
    pause = _FIRST_PAUSE
    while not (answer := condition()):
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"{what}: did not come true within {timeout:g} s.")
        time.sleep(min(pause, left))
        pause = min(pause * 1.5, _LONGEST_PAUSE)
    return answer


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now.

    It lies below the range from which the system takes the ports of outgoing connections, on
    Linux (ip(7), ip_local_port_range) as on macOS. Else a client that tries again and again to
    reach a server that is down may, by chance, get the server's port as its own, and from then
    on talk to itself.
    """
    for _ in range(_PORT_TRIES):
        port = random.choice(_PORTS)  # noqa: S311 - nothing secret hangs on it
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOCALHOST, port))
            except OSError:
                continue
            return port
    raise ChildFailed(f"No free port on {LOCALHOST} between {_PORTS.start} and {_PORTS.stop}.")


def tethered(command: Sequence[str]) -> list[str]:
    """The command so wrapped that it dies with this process; where not Linux, as it is."""
    if sys.platform != "linux":
        return list(command)
    return [sys.executable, "-I", "-S", str(_TETHER), str(os.getpid()), *command]


class Child:
    """One process of ours. Its output goes to a log file, in which its errors are shown.

    It is the leader of a session of its own, so that a terminal's Ctrl-C reaches only the parent,
    which stops its children in their order. On Linux it does not outlive the parent (see
    `worker/tether.py`); elsewhere that is so only when the parent gets to stop it.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        environment: Mapping[str, str],
        directory: Path,
    ) -> None:
        self.name = name
        self.log = log
        # What the kernel takes for the parent is the thread that starts the child: were it to
        # end, so would the child.
        if threading.current_thread() is not threading.main_thread():
            raise ChildFailed(f"{name} must be started from the main thread.")
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                tethered(command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                cwd=directory,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """How it ended, negative for the signal that ended it; None while it runs."""
        return self._process.poll()

    def output(self) -> str:
        """All that it has written so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def check(self) -> None:
        """Raise `ChildFailed` when it has ended, whatever its exit code: it was to stay."""
        if not self.alive:
            raise self.failure(f"ended by itself, {_ending(self._process.returncode)}")

    def failure(self, what: str) -> ChildFailed:
        """The error that says what went wrong with it, with the end of its log."""
        tail = self.output().splitlines()[-_TAIL_LINES:]
        shown = "\n".join(f"  | {line}" for line in tail) or "  | (it wrote nothing)"
        return ChildFailed(f"{self.name} {what}. The end of its log:\n{shown}")

    def stop(self, timeout: float = 10.0) -> None:
        """Ask it to end (SIGTERM) and wait until it has.

        `timeout` is in seconds; after it the whole process group is killed, and `ChildFailed`
        says so. Stopping what has ended already is nothing.
        """
        if not self.alive:
            return
        self._process.terminate()
        self.thaw()
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise self.failure(
                f"did not end within {timeout:g} s of SIGTERM, so it was killed"
            ) from None

    def kill(self) -> None:
        """End it and all that it has started, at once (SIGKILL)."""
        if self.alive:
            os.killpg(self.pid, signal.SIGKILL)
            self._process.wait()

    def freeze(self) -> None:
        """Stop it in its tracks (SIGSTOP): it keeps its connections, and answers nothing."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on after `freeze` (SIGCONT)."""
        self._process.send_signal(signal.SIGCONT)


def _ending(returncode: int) -> str:
    if returncode >= 0:
        return f"with exit code {returncode}"
    try:
        return f"killed by {signal.Signals(-returncode).name}"
    except ValueError:
        return f"killed by signal {-returncode}"
