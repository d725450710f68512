"""The command line as a process of its own, for a test that plays the worker."""

import subprocess
import sys
from collections.abc import Callable
from threading import Thread
from typing import Final

from envwright.client import Client
from worker.processes import wait_until

COMMAND: Final = (sys.executable, "-m", "envwright")

Start = Callable[..., "subprocess.Popen[str]"]


def once_accepted(client: Client, act: Callable[[], None]) -> Thread:
    """Let the worker act as soon as the command has put its run on record."""

    def wait_and_act() -> None:
        wait_until(lambda: list(client.environments()), 20, "an accepted run")
        act()

    thread = Thread(target=wait_and_act)
    thread.start()
    return thread


def ended(process: "subprocess.Popen[str]", code: int) -> tuple[str, str]:
    """What a command printed, once it ended with this exit code."""
    out, err = process.communicate(timeout=30)
    assert process.returncode == code, out + err
    assert "Traceback" not in err
    return out, err


def first_line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline()
