"""`envwright retry`, `cancel` and `down`: of what is there, one or many."""

import io
import sys

import pytest
from rich.console import Console

from envwright.cli.app import run
from envwright.cli.painter import Marks
from envwright.cli.results import Report
from envwright.failure import Failure, FailureCategory
from envwright.names import Step
from envwright.record import ResourceRecord, ResourceState
from envwright.states import State
from envwright.testing import InMemoryClient
from tests.documents import document
from tests.puppet import UNKNOWN_IMAGE
from tests.specs import spec_data

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


@pytest.mark.parametrize("mode", [[], ["--dry-run"], ["--json"]])
def test_an_error_that_nobody_has_heard_of_is_doubted(
    fleet: InMemoryClient, capsys: pytest.CaptureFixture[str], mode: list[str]
) -> None:
    """It may be mistyped: what --error takes is told. What is known, or on record, is no doubt."""
    assert run(["retry", "--all", "--error", "throtled", *mode]) == 0
    told = capsys.readouterr().err
    assert "Nothing on record failed with throtled." in told
    assert "spec, permission, quota," in told
    assert "throttled, transient," in told

    for known in ("token", "InvalidAMIID.NotFound"):
        assert run(["retry", "--all", "--state", "cleaned", "--error", known, *mode]) == 0
        assert "Nothing on record" not in capsys.readouterr().err


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
    assert run(["status", "held"]) == 0
    assert "held.eu-west-1 was cancelled." in capsys.readouterr().out


def test_the_events_of_a_cancelled_run_tell_of_no_failure_at_a_step(
    client: InMemoryClient, capsys: pytest.CaptureFixture[str]
) -> None:
    client.enqueue(spec_data("web", on_failure="hold"))

    assert run(["cancel", "web"]) == 0
    assert "Nothing was made." in capsys.readouterr().out
    assert run(["events", "web"]) == 0

    told = capsys.readouterr().out
    assert "cancelled: The run was cancelled before it began." in told
    assert "failed at" not in told


@pytest.mark.parametrize(
    ("made", "begun", "told"),
    [
        (0, 2, "Nothing was made. Of 2 only the intent is on record: it may have been made."),
        (2, 0, "What was made is held for inspection: 2 resources."),
        (1, 1, "1 resource. Of 1 more only the intent is on record"),
    ],
)
def test_of_what_is_held_only_what_was_made_is_counted(
    client: InMemoryClient, made: int, begun: int, told: str
) -> None:
    """An intent is no resource yet, and may be one that nobody recorded."""
    client.enqueue(spec_data("web", on_failure="hold"))
    record = client.finish("web", State.FAILED, failure=UNKNOWN_IMAGE)
    states = [ResourceState.CREATED] * made + [ResourceState.INTENDED] * begun
    resources = {
        f"network/subnet/{number}": ResourceRecord(
            state=state, ids=("subnet-1",) if state is ResourceState.CREATED else (), at=0
        )
        for number, state in enumerate(states)
    }
    shown = io.StringIO()

    report = Report(Console(file=shown, width=200), Marks(spinner="*"))
    report.failed(record.model_copy(update={"resources": resources}))

    assert told in shown.getvalue()


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
