"""The commands for instances, and `status` as AWS has it: what they ask for and what they print."""

import json
from typing import Any, Final

import pytest

from envwright.cli.app import run
from envwright.failure import Failure, FailureCategory
from envwright.names import Step
from envwright.record import RESOURCE_FIELD, ResourceRecord, ResourceState
from envwright.sight import Console, SeenInstance, Sight
from envwright.states import State
from envwright.testing import InMemoryClient
from tests.records import outputs_with
from tests.specs import with_instances

FIRST, SECOND = "i-0000000000000000a", "i-0000000000000000b"
KEY: Final = "instance/instances/web-eu-west-1a"


@pytest.fixture
def ready(client: InMemoryClient) -> InMemoryClient:
    """An environment with two instances, ready."""
    spec = with_instances("ami-760aaa0f")
    client.enqueue(spec)
    client.finish("web", State.READY, outputs=outputs_with(FIRST, SECOND))
    return client


def documents(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("operation", ["stop", "start", "reboot", "terminate", "replace"])
def test_a_change_is_put_on_record(
    ready: InMemoryClient, capsys: pytest.CaptureFixture[str], operation: str
) -> None:
    """With the instance that is meant; it is not among the outputs meanwhile, the other is."""
    assert run([operation, "web", FIRST, "--no-wait", "--json"]) == 0

    (told,) = documents(capsys.readouterr().out)
    assert told["environments"][0]["state"] == "changing"
    record = ready.status("web")
    assert record.run.change is not None
    assert (record.run.change.operation, record.run.change.ids) == (operation, (FIRST,))
    assert record.outputs is not None
    assert [one.id for one in record.outputs.instances] == [SECOND]


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["terminate", "web"], 2, "Missing argument 'INSTANCE_OR_GROUP'"),
        (["stop", "web", "db"], 1, "web.eu-west-1 has no instance or group of instances db"),
        (["stop", "nobody"], 1, "There is no environment nobody"),
        (["console", "web", "i-1"], 1, "web.eu-west-1 has no instance i-1"),
    ],
)
def test_what_is_wrong_is_refused(
    ready: InMemoryClient,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    code: int,
    sentence: str,
) -> None:
    before = ready.status("web")

    assert run(words) == code

    assert sentence in capsys.readouterr().err
    assert ready.status("web") == before


@pytest.mark.parametrize(
    ("operation", "targets"),
    [("stop", "[INSTANCE_OR_GROUP]..."), ("replace", "{INSTANCE_OR_GROUP}...")],
)
def test_help_shows_whether_instances_must_be_named(
    capsys: pytest.CaptureFixture[str], operation: str, targets: str
) -> None:
    """In brackets where all are meant otherwise, in braces where they must be."""
    assert run([operation, "--help"]) == 0

    assert f"{operation} [OPTIONS] {{NAME}} {targets}" in capsys.readouterr().out


def test_a_failed_change_says_what_can_be_done(
    ready: InMemoryClient, capsys: pytest.CaptureFixture[str]
) -> None:
    ready.change("web", "stop")
    failure = Failure(category=FailureCategory.PERMISSION, message="No.", step=Step.INSTANCE)
    ready.finish("web", State.CHANGE_FAILED, failure=failure)

    assert run(["watch", "web"]) == 1

    told = capsys.readouterr().out
    assert "failed at instance" in told
    assert "The rest of it goes on as it is" in told
    assert "envwright retry web.eu-west-1" in told
    assert run(["retry", "web", "--no-wait"]) == 0
    assert ready.status("web").state is State.CHANGING


def test_status_shows_the_instances_as_aws_has_them(
    ready: InMemoryClient, capsys: pytest.CaptureFixture[str]
) -> None:
    """A worker is asked; what AWS forgot is said to be unknown."""
    seen = SeenInstance(
        id=FIRST,
        group="web",
        state="running",
        instance_check="ok",
        system_check="impaired",
        launched_at=ready.now() - 7200,
    )
    ready.show("web", Sight(instances=(seen, SeenInstance(id=SECOND, group="web"))))

    assert run(["status", "web"]) == 0

    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [FIRST, "web", "running", "ok,", "impaired"] in [line[:5] for line in lines]
    assert [SECOND, "web", "unknown", "-"] in [line[:4] for line in lines]
    assert run(["status", "web", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["seen"]["instances"][0]["system_check"] == "impaired"
    assert told["unseen"] is None


def test_status_says_that_no_worker_answered_and_shows_the_record(
    ready: InMemoryClient, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is no failure; and who does not want to ask, does not."""
    assert run(["status", "web"]) == 0

    told = capsys.readouterr()
    assert "How AWS has the instances is not known. No worker has answered" in told.err
    assert FIRST in told.out
    assert run(["status", "web", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["seen"], document["unseen"][:9]) == (None, "No worker")
    assert run(["status", "web", "--on-record"]) == 0
    assert capsys.readouterr().err == ""


def test_status_says_how_many_instances_there_are_of_how_many(
    ready: InMemoryClient, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where some were terminated and none was put in their place."""
    left = ResourceRecord(state=ResourceState.READY, ids=(), at=1.0)
    ready._memory.write("web.eu-west-1", {f"{RESOURCE_FIELD}{KEY}": left.model_dump_json()})

    assert run(["status", "web", "--on-record"]) == 0

    spec = ready.status("web").spec
    assert spec is not None
    count = spec.instances["web"].count
    assert f"0 of {count} of web" in capsys.readouterr().out


def test_a_console_is_printed_without_what_steers_a_terminal(
    ready: InMemoryClient, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "login:\x1b[2J\nroot\n"
    ready.show("web", Sight(), {FIRST: Console(text=text)})

    assert run(["console", "web", FIRST]) == 0
    assert capsys.readouterr().out == "login:[2J\nroot\n"
    assert run(["console", "web", FIRST, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["console"]["text"] == text
