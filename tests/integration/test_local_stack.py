"""The embedded stack: what it starts, it ends, whatever happens in between."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.processes import MARK, Trail
from worker.interrupt import Interrupted, StopSignals
from worker.processes import LOCALHOST, ROOT, ChildFailed, wait_until
from worker.servers import LocalRedis
from worker.stack import LocalStack

linux_only = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux tells a child that its parent was killed"
)
GONE_WITHIN = 15.0


class StackProcess:
    """A real `python -m worker.local`, in a directory for temporary files of its own."""

    def __init__(self, tmp_path: Path) -> None:
        self.files = tmp_path / "tmp"
        self.files.mkdir()
        self.trail = Trail(self.files)
        self.output = tmp_path / "output"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "worker.local", "--without-worker"],
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=ROOT,
                env=os.environ
                | {MARK: self.trail.mark, "TMPDIR": str(self.files), "REDIS_URL": ""},
                start_new_session=True,
            )

    def text(self) -> str:
        return self.output.read_text()

    def wait_until_up(self) -> None:
        def up() -> bool:
            assert self.process.poll() is None, self.text()
            return "Ctrl-C ends it" in self.text()

        wait_until(up, 30, "the stack is up")

    def press_ctrl_c(self) -> None:
        """What a terminal does: SIGINT to the whole foreground process group."""
        os.killpg(self.process.pid, signal.SIGINT)

    def wait(self) -> int:
        return self.process.wait(GONE_WITHIN)

    def wait_until_no_process_is_left(self) -> None:
        def gone() -> bool:
            return not self.trail.living()

        try:
            wait_until(gone, GONE_WITHIN, "all processes are gone")
        except TimeoutError:
            pytest.fail(f"left running: {self.trail.described()}")

    def left_files(self) -> list[Path]:
        return list(self.files.iterdir())


@pytest.fixture
def stack_process(tmp_path: Path) -> Iterator[StackProcess]:
    stack = StackProcess(tmp_path)
    yield stack
    for process in stack.trail.living():
        process.kill()
    stack.process.wait(GONE_WITHIN)


@pytest.fixture
def temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a stack in this process puts its files, with a Redis of its own."""
    directory = tmp_path / "tmp"
    directory.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(directory))
    monkeypatch.delenv("REDIS_URL", raising=False)
    return directory


def listening_addresses(process: psutil.Process) -> set[str]:
    return {
        connection.laddr.ip
        for connection in process.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    }


# --- The whole stack ---


def test_it_listens_on_this_machine_alone_and_leaves_nothing(temporary_files: Path) -> None:
    """Both servers are bound to 127.0.0.1 only; afterwards no process and no file is left."""
    with LocalStack(with_worker=False) as stack:
        children = [psutil.Process(service.child.pid) for service in stack.services]

        assert [listening_addresses(child) for child in children] == [{LOCALHOST}, {LOCALHOST}]
        assert list(temporary_files.iterdir()) != []

    assert [child for child in children if child.is_running()] == []
    assert list(temporary_files.iterdir()) == []


def test_the_whole_of_it_comes_up_and_goes_down(temporary_files: Path) -> None:
    """Redis, AWS and worker are there together, and are gone together."""
    trail = Trail(temporary_files)
    with LocalStack() as stack:
        stack.check()

        assert {service.name for service in stack.services} == {
            "Redis",
            "The fake AWS",
            "The worker",
        }
        children = [psutil.Process(service.child.pid) for service in stack.services]
        assert all(child.is_running() for child in children)

    assert [child for child in children if child.is_running()] == []
    assert trail.living() == []
    assert list(temporary_files.iterdir()) == []


def test_a_worker_that_cannot_start_is_shown_and_the_rest_is_stopped(
    temporary_files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A start that fails half-way says which part, why, and leaves no process and no file."""
    monkeypatch.setenv("ENVWRIGHT_CONCURRENCY", "none")
    trail = Trail(temporary_files)
    monkeypatch.setenv(MARK, trail.mark)

    with pytest.raises(ChildFailed, match=r"The worker ended by itself, with exit code \d") as told:
        LocalStack().__enter__()

    assert "| " in str(told.value)
    assert trail.living() == []
    assert list(temporary_files.iterdir()) == []


def test_an_interrupted_start_leaves_nothing(
    temporary_files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signal in the middle of the start gives up at once and stops what was started."""
    trail = Trail(temporary_files)
    monkeypatch.setenv(MARK, trail.mark)
    with StopSignals() as signals:

        def interrupted_when_both_run() -> None:
            if len(trail.living()) >= 2:
                signal.raise_signal(signal.SIGTERM)
            signals.check()

        with pytest.raises(Interrupted, match="SIGTERM asked to stop"):
            LocalStack(with_worker=False, meanwhile=interrupted_when_both_run).__enter__()

    assert trail.living() == []
    assert list(temporary_files.iterdir()) == []


def test_it_says_which_part_died(temporary_files: Path) -> None:
    """A part that is killed while the stack is up is named, with what killed it."""
    with LocalStack(with_worker=False) as stack:
        os.kill(stack.aws.child.pid, signal.SIGKILL)

        def check() -> bool:
            stack.check()
            return False

        with pytest.raises(ChildFailed, match="The fake AWS ended by itself, killed by SIGKILL"):
            wait_until(check, 5, "the death is seen")


def test_a_given_redis_is_used_and_only_our_keys_are_removed(
    own_redis: LocalRedis, temporary_files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With REDIS_URL none is started; what others keep in it stays, what we kept goes."""
    monkeypatch.setenv("REDIS_URL", own_redis.url)
    with own_redis.client() as client:
        client.set("theirs", "1")
        with LocalStack(with_worker=False) as stack:
            names = stack.client_environment()
            client.set(f"{names['ENVWRIGHT_KEY_PREFIX']}:record:web", "1")

            assert names["ENVWRIGHT_REDIS_URL"] == own_redis.url
            assert names["ENVWRIGHT_QUEUE"] == names["ENVWRIGHT_KEY_PREFIX"] != "envwright"

        assert client.keys() == ["theirs"]


def test_a_given_redis_that_does_not_answer_is_a_clear_error(
    own_redis: LocalRedis, temporary_files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names REDIS_URL and what to do; the start leaves nothing."""
    monkeypatch.setenv("REDIS_URL", own_redis.url)
    own_redis.stop()

    with pytest.raises(ChildFailed, match=r"REDIS_URL names does not answer.*unset"):
        LocalStack(with_worker=False).__enter__()

    assert list(temporary_files.iterdir()) == []


# --- The process that holds it ---


def test_ctrl_c_leaves_nothing(stack_process: StackProcess) -> None:
    """Ctrl-C, and once more out of impatience: all ends, and it says so."""
    stack_process.wait_until_up()

    stack_process.press_ctrl_c()
    wait_until(lambda: "Stopping" in stack_process.text(), 10, "it says that it stops")
    stack_process.press_ctrl_c()

    assert stack_process.wait() == 0, stack_process.text()
    assert "SIGINT asked to stop. The stack is stopped" in stack_process.text()
    assert stack_process.trail.living() == []
    assert stack_process.left_files() == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signals_that_end_a_process_end_the_stack(
    stack_process: StackProcess, number: signal.Signals
) -> None:
    """A service manager's SIGTERM and a closed terminal's SIGHUP leave nothing either."""
    stack_process.wait_until_up()

    stack_process.process.send_signal(number)

    assert stack_process.wait() == 0, stack_process.text()
    assert stack_process.trail.living() == []
    assert stack_process.left_files() == []


def test_ctrl_c_while_it_starts_leaves_nothing(stack_process: StackProcess) -> None:
    """Nor does Ctrl-C before it is up."""
    wait_until(stack_process.left_files, 10, "its directory is there")

    stack_process.press_ctrl_c()

    assert stack_process.wait() == 0, stack_process.text()
    assert "Ctrl-C ends it" not in stack_process.text()
    assert stack_process.trail.living() == []
    assert stack_process.left_files() == []


def test_it_ends_with_an_error_when_a_part_dies(stack_process: StackProcess) -> None:
    """A dead Redis ends the stack with exit code 1 and a sentence that names it."""
    stack_process.wait_until_up()
    (its_redis,) = [
        process for process in stack_process.trail.living() if "redis" in process.name()
    ]

    its_redis.kill()

    assert stack_process.wait() == 1
    assert "Redis ended by itself, killed by SIGKILL" in stack_process.text()
    assert stack_process.trail.living() == []
    assert stack_process.left_files() == []


@linux_only
def test_a_killed_stack_takes_its_processes_with_it(stack_process: StackProcess) -> None:
    """SIGKILL gives it no chance to stop its children: the kernel does."""
    stack_process.wait_until_up()
    assert len(stack_process.trail.living()) == 3

    stack_process.process.kill()

    stack_process.process.wait(GONE_WITHIN)
    stack_process.wait_until_no_process_is_left()
