"""The command line as its own process, on a real Redis, with a worker that is played by hand."""

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from envwright.client import Client
from envwright.names import Step
from envwright.record import ResourceState, State
from tests.puppet import UNKNOWN_IMAGE, Puppet
from tests.specs import spec_data
from worker.processes import wait_until
from worker.servers import LocalRedis

WEB = "web.eu-west-1"
COMMAND = [sys.executable, "-m", "envwright"]

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def environment(redis_url: str, key_prefix: str) -> dict[str, str]:
    return os.environ | {
        "ENVWRIGHT_REDIS_URL": redis_url,
        "ENVWRIGHT_KEY_PREFIX": key_prefix,
        "ENVWRIGHT_QUEUE": key_prefix,
        "TERM": "xterm-256color",
    }


@pytest.fixture
def start(environment: dict[str, str]) -> Iterator[Start]:
    """Start a command; what still runs at the end of the test is killed."""
    running: list[subprocess.Popen[str]] = []

    def command(*arguments: str, **extra: str) -> "subprocess.Popen[str]":
        one = subprocess.Popen(
            [*COMMAND, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment | extra,
        )
        running.append(one)
        return one

    yield command
    for one in running:
        one.kill()
        one.communicate()


@pytest.fixture
def puppet(redis_url: str, key_prefix: str) -> Iterator[Puppet]:
    one = Puppet(redis_url, WEB, key_prefix)
    yield one
    one.close()


@pytest.fixture
def spec_file(tmp_path: Path) -> str:
    file = tmp_path / "web.json"
    file.write_text(json.dumps(spec_data("web")))
    return str(file)


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


def documents(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def first_line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def test_up_tells_every_event_on_a_line_and_ends_with_the_outputs(
    start: Start, client: Client, puppet: Puppet, spec_file: str
) -> None:
    """Without a terminal: plain lines, no escape sequences, exit code 0."""
    up = start("up", spec_file)
    worker = once_accepted(client, lambda: (puppet.build(), puppet.ready())[1])

    out, err = ended(up, 0)
    worker.join()

    assert err == ""
    assert "\x1b" not in out
    for line in (
        f"{WEB}  queued: provision (enqueue)",
        f"{WEB}  is provisioning",
        f"{WEB}  network started",
        f"{WEB}  network/vpc/main created vpc-0a1b2c3d4e5f60718",
        f"{WEB}  network finished in 1.5 s",
        f"{WEB}  is ready",
        f"✓ {WEB} is ready, in ",
    ):
        assert line in out
    assert "i-0b1b2c3d4e5f60718" in out.split(f"✓ {WEB}")[1]


def test_up_goes_on_through_the_cleanup_of_a_failure(
    start: Start, client: Client, puppet: Puppet, spec_file: str
) -> None:
    """Exit code 1, and both facts: what failed, and that nothing of it is left."""

    def fail() -> None:
        puppet.build(until=Step.INSTANCE)
        puppet.start(Step.INSTANCE)
        puppet.fail()
        puppet.take_down()

    up = start("up", "--json", spec_file)
    worker = once_accepted(client, fail)

    out, _ = ended(up, 1)
    worker.join()

    lines = documents(out)
    assert {line["version"] for line in lines} == {1}
    assert [lines[0]["kind"], lines[-1]["kind"]] == ["accepted", "result"]
    states = [line["event"]["state"] for line in lines[1:-1] if line["event"]["type"] == "state"]
    assert states == ["provisioning", "failed", "cleaning", "cleaned"]
    (result,) = lines[-1]["environments"]
    assert not result["reached"]
    assert result["failure"]["code"] == UNKNOWN_IMAGE.code
    assert {one["state"] for one in result["resources"]} == {"gone"}


def test_a_cleanup_that_fails_says_what_is_left(
    start: Start, client: Client, puppet: Puppet
) -> None:
    """With the ids, since a person has to look at them in AWS."""
    client.enqueue(spec_data("web"))
    puppet.build(until=Step.INSTANCE)
    puppet.fail()
    puppet.fail_to_clean(
        UNKNOWN_IMAGE.model_copy(
            update={"step": Step.NETWORK, "message": "Something holds on to the VPC."}
        )
    )

    out, _ = ended(start("watch", "web"), 1)

    assert f"{WEB} failed at instance." in out
    assert f"{WEB} could not be taken down: it failed at network." in out
    assert "Something holds on to the VPC." in out
    assert "vpc-0a1b2c3d4e5f60718" in out.split("This is left of it in AWS:")[1]
    assert "go on taking it down" in out


def test_down_sees_it_through_and_leaves_the_history(
    start: Start, client: Client, puppet: Puppet
) -> None:
    client.enqueue(spec_data("web"))
    puppet.build()
    puppet.ready()
    down = start("down", "web", "--yes")
    wait_until(lambda: client.status("web").state is State.CLEANING, 20, "the cleanup run")
    puppet.take_down()

    out, _ = ended(down, 0)
    assert "is taken down, in " in out
    assert f"{WEB}  network/vpc/main gone" in out

    history, _ = ended(start("events", "web"), 0)
    assert "destroyed" in history.splitlines()[-1]
    status, _ = ended(start("status", "web"), 0)
    assert "nothing is left, 9 were taken down" in status


def test_events_go_on_until_they_are_interrupted(
    start: Start, client: Client, puppet: Puppet
) -> None:
    """`--follow` shows what was, then what comes, also after the environment came to rest."""
    client.enqueue(spec_data("web"))
    puppet.build()
    puppet.ready()
    follow = start("events", "web", "--follow", "--json")
    assert json.loads(first_line(follow))["event"]["type"] == "accepted"
    client.destroy("web")
    line = ""
    while "cleanup (destroy)" not in line:
        line = first_line(follow)

    follow.send_signal(signal.SIGINT)
    out, _ = ended(follow, 130)
    assert documents(out)[-1]["error"]["type"] == "Interrupted"


def test_ctrl_c_stops_the_watching_only(start: Start, client: Client) -> None:
    client.enqueue(spec_data("web"))
    watch = start("watch", "web")
    assert "queued" in first_line(watch)

    watch.send_signal(signal.SIGINT)

    _, err = ended(watch, 130)
    assert f"Stopped watching {WEB}; the job goes on." in err
    assert client.status("web").state is State.QUEUED


@pytest.mark.parametrize(
    "arguments", [["up"], ["down", "web"], ["status", "web"], ["list"], ["watch", "web"]]
)
def test_a_frozen_redis_is_told_of_within_ten_seconds(
    start: Start, own_redis: LocalRedis, spec_file: str, arguments: list[str]
) -> None:
    """It takes connections, as the kernel does that for it, and never answers."""
    own_redis.child.freeze()
    begun = time.monotonic()
    files = [spec_file] if arguments == ["up"] else []
    process = start(*arguments, *files, ENVWRIGHT_REDIS_URL=own_redis.url)

    _, err = ended(process, 1)
    own_redis.child.thaw()

    assert time.monotonic() - begun < 10
    assert err.startswith("Error: Redis at 127.0.0.1:")


def test_a_redis_that_freezes_while_we_watch_is_told_of_too(
    start: Start, own_redis: LocalRedis, key_prefix: str
) -> None:
    """First a notice, since it may come back; then an error that says that the job goes on."""
    url = own_redis.url
    with Client(redis_url=url, key_prefix=key_prefix, queue=key_prefix) as client:
        client.enqueue(spec_data("web"))
    watch = start("watch", "web", ENVWRIGHT_REDIS_URL=url)
    assert "queued" in first_line(watch)
    own_redis.child.freeze()
    begun = time.monotonic()

    _, err = ended(watch, 1)
    own_redis.child.thaw()

    assert time.monotonic() - begun < 10
    assert err.startswith("Redis does not answer: waiting a few seconds")
    assert "Watching ends here; the jobs go on." in err


def test_a_restarted_redis_is_ridden_out(
    start: Start, own_redis: LocalRedis, key_prefix: str
) -> None:
    """Who watches is told that Redis was away, and sees the end all the same."""
    url = own_redis.url
    with Client(redis_url=url, key_prefix=key_prefix, queue=key_prefix) as client:
        client.enqueue(spec_data("web"))
    watch = start("watch", "web", ENVWRIGHT_REDIS_URL=url)
    assert "queued" in first_line(watch)

    own_redis.restart()
    puppet = Puppet(url, WEB, key_prefix)
    puppet.build()
    puppet.ready()
    puppet.close()

    out, _ = ended(watch, 0)
    assert f"{WEB}  is ready" in out


def test_whoever_reads_may_stop_reading(start: Start, client: Client) -> None:
    """`envwright … | head -1` ends without a complaint."""
    for number in range(30):
        client.enqueue(spec_data(f"web-{number}"))
    listing = start("list", "--json")
    assert first_line(listing) == "{\n"
    assert listing.stdout is not None
    assert listing.stderr is not None
    listing.stdout.close()

    listing.wait(timeout=30)

    assert listing.stderr.read() == ""


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
    environment: dict[str, str], client: Client, puppet: Puppet, spec_file: str
) -> None:
    """Resources under the running step, then the end; and the cursor is there again."""

    def build() -> None:
        puppet.start(Step.NETWORK)
        puppet.put("network/vpc/main", ResourceState.INTENDED)

    worker = once_accepted(client, build)
    process, terminal = on_terminal(environment, "up", spec_file)
    drawn = read_all(terminal, until="vpc main")
    worker.join()
    puppet.build()
    puppet.ready()
    drawn += read_all(terminal)

    assert exit_code(process, terminal) == 0
    assert "provisioning" in drawn
    assert f"{WEB}\x1b[0m is ready, in " in drawn
    assert drawn.rindex("\x1b[?25h") > drawn.rindex("\x1b[?25l")


def test_no_color_is_honoured_and_a_termination_gives_the_cursor_back(
    environment: dict[str, str], client: Client
) -> None:
    client.enqueue(spec_data("web"))
    process, terminal = on_terminal(environment | {"NO_COLOR": "1"}, "watch", "web")
    drawn = read_all(terminal, until="network")

    process.send_signal(signal.SIGTERM)
    drawn += read_all(terminal)

    assert exit_code(process, terminal) == 128 + signal.SIGTERM
    assert "\x1b[36m" not in drawn
    assert drawn.rindex("\x1b[?25h") > drawn.rindex("\x1b[?25l")


def test_down_asks_on_a_terminal_and_takes_no_for_an_answer(
    environment: dict[str, str], client: Client
) -> None:
    client.enqueue(spec_data("web"))
    process, terminal = on_terminal(environment, "down", "web")
    asked = read_all(terminal, until="[y/N]")
    os.write(terminal, b"n\n")
    said = read_all(terminal)

    assert exit_code(process, terminal) == 1
    assert f"{WEB} is queued" in asked
    assert "Nothing was changed." in said
    assert client.status("web").state is State.QUEUED
