"""The command line without a Redis: what it refuses, what it prints, and how it exits."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from envwright import __version__
from envwright.cli.app import app, run
from envwright.errors import UnknownEnvironment
from envwright.testing import InMemoryClient
from tests.documents import document
from tests.repository import ROOT
from tests.specs import spec_data


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
    commands = dict(all_commands(typer.main.get_command(app)))
    options = {
        option
        for command in commands.values()
        for parameter in command.params
        for option in parameter.opts
        if option.startswith("--")
    }

    assert [words for words in commands if f"\n| `{words}" not in page] == []
    assert sorted(option for option in options - {"--version"} if option not in page) == []


def all_commands(command: Any, words: str = "") -> Iterator[tuple[str, Any]]:
    """The command with those below it, by the words that one types."""
    yield words, command
    for name, one in getattr(command, "commands", {}).items():
        yield from all_commands(one, f"{words} {name}".strip())


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
        (["recover", "--region", "eu-west-1", "--external-id", "x"], "goes with --role-arn"),
        (["orphans", "--external-id", "x"], "goes with --role-arn"),
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
