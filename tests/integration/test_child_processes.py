"""Child processes: how they end, and how their ends are told."""

import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from worker.processes import Child, ChildFailed, wait_until

GONE_WITHIN = 15.0


def script(tmp_path: Path, code: str) -> Child:
    """A child that runs a few lines of Python."""
    return Child(
        "The script", [sys.executable, "-c", code], tmp_path / "script.log", os.environ, tmp_path
    )


def says(child: Child, word: str) -> Callable[[], bool]:
    return lambda: word in child.output()


def test_a_child_that_fails_is_described(tmp_path: Path) -> None:
    """Which one, its exit code, and the last 20 lines of what it wrote."""
    child = script(tmp_path, "import sys; print(*range(1, 31), sep='\\n'); sys.exit(3)")
    wait_until(lambda: not child.alive, 10, "the child's end")

    with pytest.raises(ChildFailed) as told:
        child.check()

    message = str(told.value)
    assert message.startswith("The script ended by itself, with exit code 3.")
    assert [line.strip(" |") for line in message.splitlines()[1:]] == [
        str(number) for number in range(11, 31)
    ]


def test_a_command_that_does_not_exist_is_described(tmp_path: Path) -> None:
    """The name of what could not be run is in the error."""

    def start_and_wait() -> None:
        child = Child("Nothing", ["/no/such/program"], tmp_path / "log", os.environ, tmp_path)
        wait_until(child.check, 10, "the child's end")

    with pytest.raises((ChildFailed, FileNotFoundError), match="/no/such/program"):
        start_and_wait()


def test_a_child_that_does_not_listen_is_killed_and_reported(tmp_path: Path) -> None:
    """SIGTERM that is ignored ends in SIGKILL for the child and its own children, and an error."""
    child = script(
        tmp_path,
        "import signal, subprocess, sys\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "subprocess.Popen([sys.executable, '-c', "
        "'import signal; print(\"both\", flush=True); signal.pause()'])\n"
        "while True: signal.pause()\n",
    )
    wait_until(says(child, "both"), 10, "both run")
    (grandchild,) = psutil.Process(child.pid).children()

    with pytest.raises(ChildFailed, match=r"did not end within 0.2 s of SIGTERM, so it was killed"):
        child.stop(timeout=0.2)

    assert not child.alive
    grandchild.wait(GONE_WITHIN)


def test_a_frozen_child_can_be_stopped(tmp_path: Path) -> None:
    """A child under SIGSTOP does not have to be killed."""
    child = script(tmp_path, "import signal; print('up', flush=True); signal.pause()")
    wait_until(says(child, "up"), 10, "it runs")

    child.freeze()
    child.stop(timeout=5)

    assert not child.alive


def test_children_are_started_from_the_main_thread_only(tmp_path: Path) -> None:
    """The kernel ties a child's life to the thread that started it, so others are refused."""
    refused: list[ChildFailed] = []

    def start() -> None:
        try:
            script(tmp_path, "pass")
        except ChildFailed as error:
            refused.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()

    assert [str(error) for error in refused] == ["The script must be started from the main thread."]


def test_a_condition_that_stays_false_is_named() -> None:
    """What was waited for, and for how long, is in the error."""
    with pytest.raises(TimeoutError, match=r"the sky falls: did not come true within 0\.05 s"):
        wait_until(lambda: False, 0.05, "the sky falls")
