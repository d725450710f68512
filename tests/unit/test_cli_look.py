"""`envwright list`, `status`, `outputs` and `events`: what is there, for people and scripts."""

import json
import sys

import pytest

from envwright.cli.app import run
from envwright.cli.plan_view import show_plan
from envwright.plan import Plan, QuotaUse
from envwright.states import State
from envwright.testing import InMemoryClient
from tests.documents import document, documents
from tests.puppet import UNKNOWN_IMAGE, WEB_OUTPUTS
from tests.specs import spec, spec_data


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
    assert printed.err.startswith("There are no environments to show: `envwright up FILE`")
    assert "`envwright recover`" in printed.err


def test_the_help_of_list_names_all_states(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["list", "--help"]) == 0

    shown = capsys.readouterr().out
    assert [state for state in State if state not in shown] == []


def test_status_says_that_a_run_waits_in_line(
    client: InMemoryClient, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its deadline has no time yet, since it counts from when it is let in.

    However long it waits, that is no sign that no worker runs.
    """
    bulk = client.enqueue_bulk([spec("web", deadline=600)])
    monkeypatch.setattr(client, "now", lambda: bulk.created_at + 60)
    assert run(["status", "web"]) == 0
    shown = capsys.readouterr().out
    assert "10 min 00 s after it is let in: it waits in line" in shown
    assert f"`envwright bulks show {bulk.id}` tells how its bulk stands." in shown
    assert "No worker" not in shown

    client.finish("web", State.READY)
    assert run(["status", "web"]) == 0
    assert "in line" not in capsys.readouterr().out


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


def test_trouble_with_a_quota_stands_apart_from_the_table(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Under an empty line, where it is not taken for a row."""
    quota = QuotaUse(
        name="VPCs per Region", service="vpc", code="L-F678F1CE", needed=1, used=5, limit=5
    )
    plan = Plan(environment_id="web", steps=(), changes={}, reads={}, quotas=(quota,))

    show_plan(plan, (), as_json=False)

    row, between, trouble = capsys.readouterr().out.splitlines()[-3:]
    assert row.split()[-3:] == ["1", "5", "5"]
    assert (between, trouble.split(":")[0]) == ("", "VPCs per Region")
