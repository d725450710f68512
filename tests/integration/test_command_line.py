"""The command line as its own process, on a real Redis, with a worker that is played by hand."""

import json
import signal
from typing import Any

from envwright.client import Client
from envwright.names import Step
from envwright.states import State
from tests.commands import Start, ended, first_line, once_accepted
from tests.integration.conftest import WEB
from tests.puppet import UNKNOWN_IMAGE, Puppet
from tests.specs import spec_data
from worker.processes import wait_until


def documents(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


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
