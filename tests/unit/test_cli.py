"""The command line without a Redis: what it refuses, what it prints, and how it exits."""

import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

from envwright import __version__
from envwright.cli import inputs
from envwright.cli.app import app, run
from envwright.errors import UnknownEnvironment
from envwright.names import Step
from envwright.record import Failure, FailureCategory, State
from envwright.testing import InMemoryClient
from tests.puppet import UNKNOWN_IMAGE, WEB_OUTPUTS
from tests.repository import ROOT
from tests.specs import spec_data

Document = dict[str, Any]


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> InMemoryClient:
    """What every command connects to."""
    memory = InMemoryClient()
    monkeypatch.setattr(inputs, "connect", lambda redis_url: memory)
    return memory


@pytest.fixture
def spec_file(tmp_path: Path) -> Callable[..., str]:
    """Write a spec: a small valid one, with these fields changed."""

    def write(name: str = "web", **changes: Any) -> str:
        file = tmp_path / f"{name}.json"
        file.write_text(json.dumps(spec_data(name, **changes)))
        return str(file)

    return write


def document(capsys: pytest.CaptureFixture[str]) -> Document:
    printed: Document = json.loads(capsys.readouterr().out)
    return printed


def documents(capsys: pytest.CaptureFixture[str]) -> list[Document]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_help_groups_all_commands(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever types `--help` sees every command with a line on what it does."""
    assert run(["--help"]) == 0

    shown = capsys.readouterr().out
    for word in ("up", "down", "retry", "status", "list", "watch", "outputs", "events"):
        assert f" {word} " in shown
    for panel in ("Build, and take down", "Look", "Specs"):
        assert panel in shown


def test_the_page_names_every_command_and_option() -> None:
    """docs/cli.md keeps up with what there is."""
    page = (ROOT / "docs/cli.md").read_text(encoding="utf-8")
    commands: Any = typer.main.get_command(app)
    options = {
        option
        for command in [commands, *commands.commands.values()]
        for parameter in command.params
        for option in parameter.opts
        if option.startswith("--")
    }

    assert [name for name in commands.commands if f"\n| `{name}" not in page] == []
    assert sorted(option for option in options - {"--version"} if option not in page) == []


def test_says_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"envwright {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["upp"], "No such command 'upp'"),
        (["up"], "Missing argument 'FILE'"),
        (["up", "--nonsense", "web.yaml"], "No such option: --nonsense"),
        (["watch", "web", "--timeout", "-1"], "'-1' is no number of seconds"),
        (["watch", "web", "--timeout", "abc"], "'abc' is no number of seconds"),
        (["up", "no-such-file.yaml"], "no-such-file.yaml cannot be read: no such file"),
        (["list", "--state", "gone"], "There is no state gone"),
        (["retry"], "Give names, or --all"),
        (["retry", "web", "--all"], "Give names, or --all"),
        (["retry", "web", "--error", "throttled"], "go with --all"),
        (["retry", "web", "--dry-run"], "go with --all"),
        (["retry", "--all", "--state", "ready"], "Nothing that is ready can be retried: --state"),
    ],
)
def test_what_is_mistyped_is_a_sentence_and_exit_code_2(
    client: InMemoryClient, capsys: pytest.CaptureFixture[str], arguments: list[str], part: str
) -> None:
    """A usage error says what is wrong on stderr, and nothing on stdout."""
    assert run(arguments) == 2

    printed = capsys.readouterr()
    assert part in printed.err
    assert "Traceback" not in printed.err
    assert printed.out == ""


def test_no_command_shows_the_help_and_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 2
    assert "Usage: envwright" in capsys.readouterr().out


def test_a_mistyped_command_is_json_where_json_was_asked_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A script that parses stdout finds the error there."""
    assert run(["up", "--json"]) == 2

    error = document(capsys)
    assert (error["version"], error["kind"]) == (1, "error")
    assert error["error"]["type"] == "UsageError"
    assert "Missing argument" in error["error"]["message"]


def test_faults_of_all_files_are_told_and_nothing_is_enqueued(
    client: InMemoryClient,
    spec_file: Callable[..., str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One wrong file of several keeps the right ones from being begun."""
    right, wrong = spec_file("web"), spec_file("shop", region="mars", nonsense=1)

    assert run(["up", right, wrong]) == 2

    told = capsys.readouterr().err
    assert f"{wrong}: 2 faults" in told
    assert "\n  region: `mars` is not the name of an AWS region" in told
    assert right not in told
    assert list(client.environments()) == []


def test_faults_are_data_with_json(
    spec_file: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = spec_file("shop", region="mars")

    assert run(["validate", "--json", wrong]) == 2

    (fault,) = document(capsys)["error"]["faults"]
    assert (fault["file"], fault["path"]) == (wrong, "region")
    assert "mars" in fault["message"]


def test_reads_a_spec_from_stdin(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(spec_data("web"))))

    assert run(["validate", "-"]) == 0
    assert capsys.readouterr().out == "stdin: valid (web.eu-west-1)\n"


def test_the_schema_is_printed_bare_or_in_a_document(capsys: pytest.CaptureFixture[str]) -> None:
    """Bare, it can be redirected into a file that an editor takes."""
    assert run(["schema"]) == 0
    bare = document(capsys)
    assert run(["schema", "--json"]) == 0

    assert bare["title"] == "envwright environment spec"
    assert document(capsys) == {"version": 1, "kind": "schema", "schema": bare}


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


def test_a_long_failure_keeps_a_list_readable(
    client: InMemoryClient, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a terminal it is cut; elsewhere it is whole, on one line, and nothing is padded."""
    long = "AWS has much to say. " * 90
    client.enqueue(spec_data("web"))
    client.finish("web", State.FAILED, failure=UNKNOWN_IMAGE.model_copy(update={"message": long}))
    client.enqueue(spec_data("api"))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "dumb")

    assert run(["list"]) == 0
    piped = capsys.readouterr().out.splitlines()
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert run(["list"]) == 0
    shown = capsys.readouterr().out.splitlines()

    assert len(piped) == len(shown) == 3
    assert long.strip() in piped[2]
    assert [line for line in piped if line != line.rstrip()] == []
    assert max(len(line) for line in shown) <= 80
    assert "web.eu-west-1  failed" in shown[2]


def test_an_empty_list_says_how_to_begin(
    client: InMemoryClient, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["list"]) == 0

    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("There are no environments yet: `envwright up FILE`")


def test_the_help_of_list_names_all_states(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["list", "--help"]) == 0

    shown = capsys.readouterr().out
    assert [state for state in State if state not in shown] == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that takes nothing")
def test_an_output_that_is_not_taken_is_a_sentence() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "envwright", "schema"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )

    assert done.returncode == 1
    assert done.stderr == "Error: The output cannot be written: No space left on device.\n"


def test_waiting_ends_at_the_timeout(
    client: InMemoryClient, capsys: pytest.CaptureFixture[str]
) -> None:
    client.enqueue(spec_data("web"))

    assert run(["watch", "web", "--timeout", "0.1"]) == 1
    assert "web.eu-west-1 is still queued (step network)" in capsys.readouterr().err


def test_retry_goes_on_with_what_can_be_retried(
    client: InMemoryClient, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of several, the one that is not allowed does not stop the other."""
    for name in ("api", "web"):
        client.enqueue(spec_data(name))
    client.finish("web", State.FAILED, failure=UNKNOWN_IMAGE)

    assert run(["retry", "api", "web", "--no-wait"]) == 1

    printed = capsys.readouterr()
    assert "Error: api.eu-west-1 is queued: only what failed" in printed.err
    assert printed.out.startswith("web.eu-west-1 is queued")


THROTTLED = Failure(
    category=FailureCategory.DEADLINE,
    message="The deadline of 900 s passed in the network step.",
    step=Step.NETWORK,
    error_class="throttled",
)


@pytest.fixture
def fleet(client: InMemoryClient) -> InMemoryClient:
    """Two that AWS throttled, one with a wrong image, one that could not be taken down, a ready."""
    for name in ("slow-1", "slow-2", "wrong", "stuck", "fine"):
        client.enqueue(spec_data(name, on_failure="hold"))
    client.finish("slow-1", State.FAILED, failure=THROTTLED)
    client.finish("slow-2", State.FAILED, failure=THROTTLED)
    client.finish("wrong", State.FAILED, failure=UNKNOWN_IMAGE)
    client.finish("fine", State.READY)
    client.destroy("stuck")
    client.finish("stuck", State.CLEANUP_FAILED, failure=THROTTLED)
    return client


@pytest.mark.parametrize(
    ("chosen", "names"),
    [
        ([], {"slow-1", "slow-2", "wrong", "stuck"}),
        (["--state", "failed"], {"slow-1", "slow-2", "wrong"}),
        (["--error", "Throttled"], {"slow-1", "slow-2", "stuck"}),
        (["--state", "failed", "--error", "throttled"], {"slow-1", "slow-2"}),
        (["--error", "deadline"], {"slow-1", "slow-2", "stuck"}),
        (["--error", "invalidamiid.notfound"], {"wrong"}),
        (["--error", "quota"], set()),
        (["--state", "failed", "--state", "cleanup_failed", "--error", "spec"], {"wrong"}),
    ],
)
def test_retry_all_goes_on_with_what_is_meant(
    fleet: InMemoryClient, chosen: list[str], names: set[str]
) -> None:
    """By state and by error, in any case of letters; the others stay as they are."""
    before = {one.spec.name: one.run.id for one in fleet.environments()}

    assert run(["retry", "--all", "--no-wait", *chosen]) == 0

    moved = {one.spec.name for one in fleet.environments() if one.run.id != before[one.spec.name]}
    assert moved == names


def test_a_dry_run_says_how_many_and_begins_nothing(
    fleet: InMemoryClient, capsys: pytest.CaptureFixture[str]
) -> None:
    """By state and error, with some of the names; and as a document."""
    before = list(fleet.environments())

    assert run(["retry", "--all", "--state", "failed", "--dry-run"]) == 0
    told = capsys.readouterr().out
    assert run(["retry", "--all", "--error", "throttled", "--dry-run", "--json"]) == 0
    shown = document(capsys)

    assert told.splitlines() == [
        "3 environments would be retried.",
        "     2  failed, deadline (throttled)",
        "     1  failed, spec (InvalidAMIID.NotFound)",
        "wrong.eu-west-1, slow-2.eu-west-1, slow-1.eu-west-1",
    ]
    assert (shown["kind"], shown["count"]) == ("dry_run", 3)
    assert {(one["state"], one["error_class"]): one["count"] for one in shown["sorts"]} == {
        ("failed", "throttled"): 2,
        ("cleanup_failed", "throttled"): 1,
    }
    assert sorted(shown["environments"]) == [
        "slow-1.eu-west-1",
        "slow-2.eu-west-1",
        "stuck.eu-west-1",
    ]
    assert list(fleet.environments()) == before


@pytest.mark.parametrize(("answer", "code"), [("n", 1), ("y", 0)])
def test_retry_all_asks_on_a_terminal(
    fleet: InMemoryClient, monkeypatch: pytest.MonkeyPatch, answer: str, code: int
) -> None:
    """Only a yes begins anything."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{answer}\n"))
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)

    assert run(["retry", "--all", "--no-wait"]) == code

    state = State.QUEUED if answer == "y" else State.FAILED
    assert fleet.status("slow-1").state is state


def test_of_very_many_retries_the_number_is_told(
    client: InMemoryClient, capsys: pytest.CaptureFixture[str]
) -> None:
    """A thousand lines help nobody."""
    for number in range(30):
        client.enqueue(spec_data(f"web-{number}", on_failure="hold"))
        client.finish(f"web-{number}", State.FAILED, failure=THROTTLED)

    assert run(["retry", "--all", "--no-wait"]) == 0

    assert capsys.readouterr().out == "30 jobs on record: `envwright list` shows how they stand.\n"
    assert run(["retry", "--all"]) == 0
    assert "There is nothing to retry." in capsys.readouterr().err


def test_cancel_says_what_became_of_each(
    client: InMemoryClient, capsys: pytest.CaptureFixture[str]
) -> None:
    """Held, taken down, or refused, in sentences; and a refusal does not stop the others."""
    client.enqueue(spec_data("held", on_failure="hold"))
    client.enqueue(spec_data("gone"))
    client.enqueue(spec_data("done"))
    client.finish("done", State.READY)

    assert run(["cancel", "done", "held", "gone", "--no-wait"]) == 1

    printed = capsys.readouterr()
    assert "held.eu-west-1 is cancelled: what was made is held." in printed.out
    assert "gone.eu-west-1 is cleaning: `envwright watch gone.eu-west-1`" in printed.out
    assert "done.eu-west-1 is ready: nobody builds it, so there is nothing to cancel" in printed.err
    assert "envwright down done.eu-west-1" in printed.err
    assert client.status("held").state is State.FAILED

    assert run(["cancel", "held"]) == 0
    assert "held.eu-west-1 is cancelled." in capsys.readouterr().out


def test_cancel_asks_before_it_takes_down(
    client: InMemoryClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a terminal, and only where something would be taken down."""
    client.enqueue(spec_data("web"))
    client.enqueue(spec_data("held", on_failure="hold"))
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    for stream in (sys.stdin, sys.stderr):
        monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)

    assert run(["cancel", "held", "--no-wait"]) == 0
    assert run(["cancel", "web", "--no-wait"]) == 1
    assert client.status("web").state is State.QUEUED
    assert run(["cancel", "web", "--no-wait", "--yes"]) == 0
    assert client.status("web").state is State.CLEANING


def test_down_asks_nothing_where_nobody_could_answer(
    client: InMemoryClient, capsys: pytest.CaptureFixture[str]
) -> None:
    """Off a terminal, the command itself is enough; a second one finds the first one's run."""
    client.enqueue(spec_data("web"))

    assert run(["down", "web", "--no-wait"]) == 0
    assert client.status("web").state is State.CLEANING
    client.finish("web", State.DESTROYED)
    assert run(["down", "web"]) == 0
    assert "is taken down: AWS holds nothing of it" in capsys.readouterr().out


@pytest.mark.parametrize(("answer", "state"), [("n", State.QUEUED), ("y", State.CLEANING)])
def test_down_asks_on_a_terminal(
    client: InMemoryClient, monkeypatch: pytest.MonkeyPatch, answer: str, state: State
) -> None:
    """Only a yes takes anything down."""
    client.enqueue(spec_data("web"))
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{answer}\n"))
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)

    assert run(["down", "web", "--no-wait"]) == (0 if answer == "y" else 1)
    assert client.status("web").state is state


def test_down_takes_nothing_down_when_one_name_is_unknown(
    client: InMemoryClient, capsys: pytest.CaptureFixture[str]
) -> None:
    client.enqueue(spec_data("web"))

    assert run(["down", "web", "wbe", "--yes"]) == 1

    assert "There is no environment wbe" in capsys.readouterr().err
    assert client.status("web").state is State.QUEUED


def test_status_as_json_holds_no_spec(
    client: InMemoryClient, capsys: pytest.CaptureFixture[str]
) -> None:
    """A spec may hold user data, and that is never shown."""
    client.enqueue(spec_data("web", tags={"secret": "rosebud"}))

    assert run(["status", "web", "--json"]) == 0

    printed = capsys.readouterr().out
    status = json.loads(printed)
    assert (status["version"], status["kind"]) == (1, "status")
    assert status["environment"]["state"] == "queued"
    assert "rosebud" not in printed


def test_list_shows_those_in_a_state(
    client: InMemoryClient, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("api", "web"):
        client.enqueue(spec_data(name))
    client.finish("web", State.READY)

    assert run(["list", "--state", "ready"]) == 0
    shown = capsys.readouterr().out
    assert run(["list", "--json"]) == 0

    assert "web.eu-west-1" in shown
    assert "api.eu-west-1" not in shown
    assert {one["name"] for one in document(capsys)["environments"]} == {"api", "web"}


def test_outputs_are_those_of_a_ready_environment_only(
    client: InMemoryClient, capsys: pytest.CaptureFixture[str]
) -> None:
    client.enqueue(spec_data("web"))
    assert run(["outputs", "web"]) == 1
    assert "only a ready environment has outputs" in capsys.readouterr().err

    client.finish("web", State.READY, outputs=WEB_OUTPUTS)
    assert run(["outputs", "web", "--json"]) == 0
    assert document(capsys)["outputs"]["vpc_id"] == WEB_OUTPUTS.vpc_id
    assert run(["outputs", "web"]) == 0
    assert "54.77.1.201" in capsys.readouterr().out


def test_events_are_a_line_each(client: InMemoryClient, capsys: pytest.CaptureFixture[str]) -> None:
    client.enqueue(spec_data("web"))
    client.finish("web", State.READY)

    assert run(["events", "web", "--json"]) == 0

    assert [one["event"]["state"] for one in documents(capsys)] == ["queued", "ready"]


def test_what_comes_from_elsewhere_cannot_steer_the_terminal(
    client: InMemoryClient, capsys: pytest.CaptureFixture[str]
) -> None:
    """Escape sequences in a message lose their power, and square brackets are just that."""
    nasty = "no \x1b[31mimage\x1b[0m [bold]here[/bold]\u202e\x07"
    client.enqueue(spec_data("web"))
    client.finish("web", State.FAILED, failure=UNKNOWN_IMAGE.model_copy(update={"message": nasty}))

    for command in (["status", "web"], ["watch", "web"], ["list"]):
        run(command)
        shown = capsys.readouterr().out
        assert "[bold]here[/bold]" in shown
        assert not {"\x1b", "\x07", "\u202e"} & set(shown)


def test_ctrl_c_says_how_to_go_on(
    client: InMemoryClient, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only the watching is over, and the exit code is that of an interrupt."""
    client.enqueue(spec_data("web"))

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(client, "follow", interrupt)

    assert run(["watch", "web"]) == 130

    told = capsys.readouterr().err
    assert "the job goes on" in told
    assert "`envwright watch web.eu-west-1` shows it again" in told
    assert "`envwright down web.eu-west-1` takes it down" in told


def test_an_error_that_nobody_foresaw_is_a_sentence_too(
    client: InMemoryClient, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It asks for a report; `--debug` shows the traceback that a report needs."""

    def break_down(name: str) -> None:
        raise ZeroDivisionError("by a bug")

    monkeypatch.setattr(client, "status", break_down)

    assert run(["status", "web"]) == 1
    told = capsys.readouterr().err
    assert "envwright itself failed (ZeroDivisionError: by a bug)" in told
    assert "report" in told
    assert "Traceback" not in told
    for arguments in (["--debug", "status", "web"], ["status", "web", "--debug"]):
        assert run(arguments) == 1
        assert "Traceback" in capsys.readouterr().err


def test_errors_of_the_client_are_json_where_asked_for(
    client: InMemoryClient, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["status", "web", "--json"]) == 1

    error = document(capsys)["error"]
    assert error["type"] == UnknownEnvironment.__name__
    assert error["faults"] == []


@pytest.mark.parametrize(
    ("variable", "value", "part"),
    [
        ("ENVWRIGHT_REDIS_TIMEOUT", "soon", "ENVWRIGHT_REDIS_TIMEOUT is not valid"),
        ("ENVWRIGHT_REDIS_URL", "postgres://user:rosebud@db/0", "The address of Redis"),
    ],
)
def test_a_wrong_setting_is_named_and_its_value_kept_back(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variable: str,
    value: str,
    part: str,
) -> None:
    """The address of Redis may hold a password."""
    monkeypatch.setenv(variable, value)

    assert run(["list"]) == 2

    told = capsys.readouterr().err
    assert part in told
    assert "rosebud" not in told


@pytest.mark.parametrize("arguments", [["--help"], ["status", "web"], ["validate", "-"]])
def test_looking_loads_neither_celery_nor_the_aws_sdk(arguments: list[str]) -> None:
    """They take longer to load than all else together, and only sending needs one of them."""
    code = (
        "import sys\n"
        "from envwright.cli.app import run\n"
        f"run({arguments!r})\n"
        "heavy = {'celery', 'kombu', 'aioboto3', 'aiobotocore', 'boto3', 'botocore'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
    )
    environment = os.environ | {"ENVWRIGHT_REDIS_URL": "redis://127.0.0.1:1/0"}

    done = subprocess.run(
        [sys.executable, "-c", code],
        input="{}",
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )

    assert done.stderr.splitlines()[-1] == "[]"


def test_help_needs_nothing_that_only_commands_need() -> None:
    """That is what lets it come at once; how fast it is depends on the machine."""
    code = (
        "import sys\n"
        "from envwright.cli.app import run\n"
        "run(['--help'])\n"
        "slow = {'pydantic', 'pydantic_settings', 'redis', 'yaml', 'rich.live'}\n"
        "print(sorted(slow & set(sys.modules)), file=sys.stderr)\n"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stderr.splitlines()[-1] == "[]"
