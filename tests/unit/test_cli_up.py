"""`envwright up`: what is asked for, what comes of it, and what is said of it."""

import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from envwright.cli.app import run
from envwright.failure import FailureCategory
from envwright.states import State
from envwright.testing import InMemoryClient
from tests.documents import document, documents
from tests.puppet import UNKNOWN_IMAGE, WEB_OUTPUTS
from tests.specs import spec_data


def test_up_without_waiting(
    client: InMemoryClient, spec_file: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    """The first `up` starts a run; the second finds it, and starts none."""
    file = spec_file("web")

    assert run(["up", "--no-wait", file]) == 0
    assert capsys.readouterr().out.startswith("web.eu-west-1 is queued: `envwright watch web")
    assert run(["up", "--no-wait", file]) == 0
    assert "no second run was started" in capsys.readouterr().out


def test_up_refuses_another_spec_and_begins_the_others(
    client: InMemoryClient, spec_file: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    """A conflict is told, and does not stop what is in order."""
    client.enqueue(spec_data("web"))

    files = [spec_file("web", tags={"a": "b"}), spec_file("api")]
    assert run(["up", "--json", "--no-wait", *files]) == 1

    refused, accepted = document(capsys)["environments"]
    assert (refused["environment"], refused["accepted"]) == ("web.eu-west-1", False)
    assert refused["error"]["type"] == "SpecConflict"
    assert (accepted["environment"], accepted["accepted"]) == ("api.eu-west-1", True)
    assert client.status("api").state is State.QUEUED


def test_up_of_what_is_being_taken_down_is_refused_and_the_others_go_on(
    client: InMemoryClient, spec_file: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    client.enqueue(spec_data("web"))
    client.destroy("web")

    assert run(["up", "--no-wait", spec_file("web"), spec_file("api")]) == 1

    printed = capsys.readouterr()
    assert "Error: web.eu-west-1 is being taken down" in printed.err
    assert printed.out.startswith("api.eu-west-1 is queued")


def test_up_waits_and_answers_with_what_came_of_it(
    client: InMemoryClient, spec_file: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    """The lines of an `up --json` that joins: how it stands, each event from then, the result."""
    client.enqueue(spec_data("web"))
    worker = threading.Timer(0.2, client.finish, ("web", State.READY), {"outputs": WEB_OUTPUTS})
    worker.start()

    assert run(["up", "--json", spec_file("web")]) == 0
    worker.join()

    printed = documents(capsys)
    assert [one["kind"] for one in printed] == ["accepted", "status", "event", "result"]
    (result,) = printed[-1]["environments"]
    assert result["reached"]
    assert result["state"] == "ready"
    assert [one["id"] for one in result["outputs"]["instances"]] == [
        one.id for one in WEB_OUTPUTS.instances
    ]


def test_what_fails_is_exit_code_1_with_all_that_is_known(
    client: InMemoryClient, capsys: pytest.CaptureFixture[str]
) -> None:
    """The sentence, the resource, AWS's code and request id, and what to type next."""
    client.enqueue(spec_data("web"))
    client.finish("web", State.FAILED, failure=UNKNOWN_IMAGE)

    assert run(["watch", "web"]) == 1

    told = capsys.readouterr().out
    for part in (
        "web.eu-west-1 failed at instance.",
        UNKNOWN_IMAGE.message,
        "instance/instances/web-eu-west-1a",
        "RunInstances answered InvalidAMIID.NotFound",
        "59dbff89-35bd-4eac-99ed-be587example",
        "envwright retry web.eu-west-1",
        "envwright down web.eu-west-1",
        "envwright events web.eu-west-1",
    ):
        assert part in told


def test_of_several_those_that_failed_are_explained(
    client: InMemoryClient, capsys: pytest.CaptureFixture[str]
) -> None:
    """The others are counted; how each stands was shown while they were watched."""
    for name in ("api", "web"):
        client.enqueue(spec_data(name))
    client.finish("api", State.READY, outputs=WEB_OUTPUTS)
    client.finish("web", State.FAILED, failure=UNKNOWN_IMAGE)

    assert run(["watch", "api", "web"]) == 1

    told = capsys.readouterr().out
    assert "web.eu-west-1 failed at instance." in told
    assert "api.eu-west-1 is ready, in" not in told
    assert told.endswith("1 of 2 are as asked for.\n")


def test_up_of_what_has_failed_starts_nothing_and_says_so(
    client: InMemoryClient, spec_file: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    """An environment that is held after a failure is not built by asking once more."""
    client.enqueue(spec_data("web"))
    client.finish("web", State.FAILED, failure=UNKNOWN_IMAGE)

    for arguments in (["up", "--no-wait"], ["up"]):
        assert run([*arguments, spec_file("web")]) == 1
        assert "is failed already: nothing was started" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["up", "watch"])
def test_what_is_at_rest_shows_only_how_it_is(
    client: InMemoryClient,
    spec_file: Callable[..., str],
    capsys: pytest.CaptureFixture[str],
    command: str,
) -> None:
    """Its history is what `events` is for."""
    client.enqueue(spec_data("web"))
    client.finish("web", State.READY, outputs=WEB_OUTPUTS)

    assert run([command, spec_file("web") if command == "up" else "web"]) == 0

    told = capsys.readouterr().out
    assert "web.eu-west-1 is ready." in told
    assert "provision (enqueue)" not in told


@pytest.mark.parametrize("twice", [True, False])
def test_one_environment_cannot_be_asked_for_twice_at_once(
    client: InMemoryClient,
    spec_file: Callable[..., str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    twice: bool,
) -> None:
    """Which of two specs is meant is not ours to guess; nothing is begun."""
    first = spec_file("web")
    other = tmp_path / "other.json"
    other.write_text(json.dumps(spec_data("web", tags={"a": "b"})))

    assert run(["up", spec_file("api"), first, first if twice else str(other)]) == 2

    told = capsys.readouterr().err
    part = f"{first} is given 2 times" if twice else f"{first} and {other} both describe web.eu"
    assert part in told
    assert list(client.environments()) == []


def test_what_is_refused_is_in_the_result_too(
    client: InMemoryClient, spec_file: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever reads the last line only learns of it."""
    client.enqueue(spec_data("web"))

    assert run(["up", "--json", spec_file("web", tags={"a": "b"})]) == 1

    (result,) = documents(capsys)[-1]["environments"]
    assert (result["environment"], result["reached"]) == ("web.eu-west-1", False)
    assert result["error"]["type"] == "SpecConflict"


@pytest.mark.parametrize(
    ("category", "state", "offered"),
    [
        ("spec", State.CLEANED, "build it from the corrected spec"),
        ("spec", State.FAILED, "take it down, then `envwright up` the corrected spec"),
        ("quota", State.CLEANED, "build it anew, from the same spec, once that is mended"),
        ("permission", State.FAILED, "go on at the step that failed, once that is mended"),
    ],
)
def test_what_to_do_next_follows_from_what_failed(
    client: InMemoryClient,
    capsys: pytest.CaptureFixture[str],
    category: str,
    state: State,
    offered: str,
) -> None:
    client.enqueue(spec_data("web"))
    failure = UNKNOWN_IMAGE.model_copy(update={"category": FailureCategory(category)})
    client.finish("web", State.FAILED, failure=failure)
    if state is State.CLEANED:
        client.destroy("web")
        client.finish("web", State.CLEANED)

    assert run(["status", "web"]) == 0

    told = capsys.readouterr().out
    assert offered in told
    assert told.count(UNKNOWN_IMAGE.message) == 1


def test_waiting_ends_at_the_timeout(
    client: InMemoryClient, capsys: pytest.CaptureFixture[str]
) -> None:
    client.enqueue(spec_data("web"))

    assert run(["watch", "web", "--timeout", "0.1"]) == 1
    assert "web.eu-west-1 is still queued (step network)" in capsys.readouterr().err
