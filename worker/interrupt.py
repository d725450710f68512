"""SIGINT, SIGTERM and SIGHUP as something that is asked for, not something that breaks in."""

import contextlib
import queue
import signal
from typing import Self

from envwright.errors import EnvwrightError

_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(EnvwrightError):
    """A signal asked to stop."""


class StopSignals:
    """Within it, SIGINT, SIGTERM and SIGHUP are noted instead of ending the process.

    An exception thrown by a handler could fall between the birth of a child and the moment when
    we know its pid, and a second Ctrl-C into the stopping itself. So nothing is thrown: the code
    asks, at the places where it can stop, and a stop that has begun is carried to its end.
    """

    def __init__(self) -> None:
        self._received: signal.Signals | None = None
        # Of what a thread can wait for, only this may be woken from a signal handler.
        self._wake: queue.SimpleQueue[None] = queue.SimpleQueue()

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._note) for number in _STOPPING}
        # Who started us with nohup wants us to outlive the terminal.
        if self._before[signal.SIGHUP] is signal.SIG_IGN:
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler or signal.SIG_DFL)

    def _note(self, number: int, _frame: object) -> None:
        self._received = signal.Signals(number)
        self._wake.put(None)

    def wait(self, timeout: float) -> None:
        """Wait until a signal has come, for at most this many seconds. Raises `Interrupted`."""
        with contextlib.suppress(queue.Empty):
            self._wake.get(timeout=timeout)
        self.check()

    def check(self) -> None:
        """Raise `Interrupted` when a signal has come."""
        if self._received is not None:
            raise Interrupted(f"{self._received.name} asked to stop.")
