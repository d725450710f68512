"""The command line on a pseudo terminal: what it draws, asks and leaves behind."""

import json
import os
import pty
import select
import signal
import subprocess
import time
from pathlib import Path

from envwright.client import Client
from envwright.names import Step
from envwright.record import ResourceState
from envwright.states import State
from envwright.targets import instances_of
from tests.commands import COMMAND, once_accepted
from tests.integration.conftest import WEB
from tests.puppet import Puppet
from tests.specs import spec, spec_data


def on_terminal(
    environment: dict[str, str], *arguments: str
) -> tuple["subprocess.Popen[bytes]", int]:
    """Start a command on a pseudo terminal of 80 by 24; returns it and the terminal."""
    terminal, inner = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        stdin=inner,
        stdout=inner,
        stderr=inner,
        env=environment | {"COLUMNS": "80", "LINES": "24"},
        start_new_session=True,
    )
    os.close(inner)
    return process, terminal


def exit_code(process: "subprocess.Popen[bytes]", terminal: int) -> int:
    code = process.wait(timeout=30)
    os.close(terminal)
    return code


def read_all(terminal: int, until: str = "") -> str:
    """What a command writes on its terminal, until it ends or has written this."""
    seen = b""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and not (until and until.encode() in seen):
        if not select.select([terminal], [], [], 0.5)[0]:
            continue
        try:
            seen += os.read(terminal, 65536)
        except OSError:
            # That is how Linux tells that nobody has the terminal open any more.
            break
    return seen.decode()


def test_on_a_terminal_it_draws_and_leaves_the_last_picture(
    command_environment: dict[str, str], client: Client, puppet: Puppet, spec_file: str
) -> None:
    """Resources under the running step, then the end; and the cursor is there again."""

    def build() -> None:
        puppet.start(Step.NETWORK)
        puppet.put("network/vpc/main", ResourceState.INTENDED)

    worker = once_accepted(client, build)
    process, terminal = on_terminal(command_environment, "up", spec_file)
    drawn = read_all(terminal, until="vpc main")
    worker.join()
    puppet.build()
    puppet.ready()
    drawn += read_all(terminal)

    assert exit_code(process, terminal) == 0
    assert "provisioning" in drawn
    assert f"{WEB}\x1b[0m is ready, in " in drawn
    assert drawn.rindex("\x1b[?25h") > drawn.rindex("\x1b[?25l")


def test_a_bulk_is_drawn_and_its_last_picture_stays(
    command_environment: dict[str, str], client: Client, puppet: Puppet, tmp_path: Path
) -> None:
    """A bar with the counts while it goes on; the report under it when it is over."""
    file = tmp_path / "labs.jsonl"
    file.write_text(json.dumps(spec_data("web")))
    worker = once_accepted(client, lambda: puppet.start(Step.NETWORK))
    process, terminal = on_terminal(command_environment, "bulk", str(file), "--name", "labs")
    drawn = read_all(terminal, until="1 provisioning")
    worker.join()
    puppet.build()
    puppet.ready()
    drawn += read_all(terminal)

    assert exit_code(process, terminal) == 0
    assert "running" in drawn
    assert "100 %" in drawn
    assert "labs\x1b[0m is done, in " in drawn
    assert drawn.rindex("\x1b[?25h") > drawn.rindex("\x1b[?25l")


def test_no_color_is_honoured_and_a_termination_gives_the_cursor_back(
    command_environment: dict[str, str], client: Client
) -> None:
    client.enqueue(spec_data("web"))
    process, terminal = on_terminal(command_environment | {"NO_COLOR": "1"}, "watch", "web")
    drawn = read_all(terminal, until="network")

    process.send_signal(signal.SIGTERM)
    drawn += read_all(terminal)

    assert exit_code(process, terminal) == 128 + signal.SIGTERM
    assert "\x1b[36m" not in drawn
    assert drawn.rindex("\x1b[?25h") > drawn.rindex("\x1b[?25l")


def test_down_asks_on_a_terminal_and_takes_no_for_an_answer(
    command_environment: dict[str, str], client: Client
) -> None:
    client.enqueue(spec_data("web"))
    process, terminal = on_terminal(command_environment, "down", "web")
    asked = read_all(terminal, until="[y/N]")
    os.write(terminal, b"n\n")
    said = read_all(terminal)

    assert exit_code(process, terminal) == 1
    assert f"{WEB} is queued" in asked
    assert "Nothing was changed." in said
    assert client.status("web").state is State.QUEUED


def test_a_bulk_is_taken_down_only_after_a_question(
    command_environment: dict[str, str], client: Client
) -> None:
    """It says how many environments that is, and how they stand."""
    bulk = client.enqueue_bulk([spec("web"), spec("api")], name="labs")
    process, terminal = on_terminal(command_environment, "bulks", "down", "labs")
    asked = read_all(terminal, until="[y/N]")
    os.write(terminal, b"n\n")
    said = read_all(terminal)

    assert exit_code(process, terminal) == 1
    assert f"The bulk labs ({bulk.id}) has 2 environments:\r\n0 of 2 at rest: 2 in line" in asked
    assert "Nothing was changed." in said
    assert client.bulk(bulk.id).states == {State.QUEUED: 2}


def test_a_change_names_its_instances_and_takes_no_for_an_answer(
    command_environment: dict[str, str], client: Client, puppet: Puppet
) -> None:
    """What is asked about is what was named, and none of the others."""
    client.enqueue(spec_data("web"))
    puppet.build()
    puppet.ready()
    record = client.status("web")
    (one, *_), *_ = instances_of(record).values()
    process, terminal = on_terminal(command_environment, "stop", "web", one)
    asked = read_all(terminal, until="[y/N]")
    os.write(terminal, b"n\n")
    said = read_all(terminal)

    assert exit_code(process, terminal) == 1
    assert f"{WEB}: {one}\r\n" in asked
    assert "Stop 1 instance?" in asked
    assert "Nothing was changed." in said
    assert client.status("web") == record
