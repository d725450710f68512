"""`envwright bulk` and `envwright bulks`: what is asked for, what is shown, and the report."""

import contextlib
import json
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from rich.text import Text

from envwright.bulk import Bulk, BulkState
from envwright.cli.app import run
from envwright.cli.bulks import watch as bulk_watch
from envwright.errors import StoreUnavailable
from envwright.failure import Failure, FailureCategory
from envwright.names import Step
from envwright.priority import Priority
from envwright.states import State
from envwright.testing import InMemoryClient
from tests.documents import document, documents
from tests.puppet import WEB_OUTPUTS
from tests.specs import spec_data
from worker.processes import wait_until

NO_QUOTA = Failure(
    category=FailureCategory.QUOTA,
    message="The quota of VPCs is used up: have it raised.",
    step=Step.NETWORK,
    code="VpcLimitExceeded",
)
NO_CAPACITY = Failure(
    category=FailureCategory.CAPACITY,
    message="There is no t3.micro left in eu-west-1a.",
    step=Step.INSTANCE,
    code="InsufficientInstanceCapacity",
)

Lines = Callable[..., str]
Ends = Mapping[str, Failure | None]


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at a bulk again at once: nobody else wants anything of this store."""
    monkeypatch.setattr(bulk_watch, "_SHORTEST_PAUSE", 0.01)


@pytest.fixture
def lines(tmp_path: Path) -> Lines:
    """Write a file with a spec a line, of these names."""

    def write(*names: str) -> str:
        file = tmp_path / "labs.jsonl"
        file.write_text("".join(f"{json.dumps(spec_data(name))}\n" for name in names))
        return str(file)

    return write


def worker(client: InMemoryClient, ends: Ends) -> threading.Thread:
    """Somebody who ends these environments as soon as they are on record, with these failures."""

    def work() -> None:
        wait_until(lambda: ends.keys() <= names_of(client), 20, "a bulk on record")
        finish(client, ends)

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def names_of(client: InMemoryClient) -> set[str]:
    return {one.identity.name for one in client.environments()}


def finish(client: InMemoryClient, ends: Ends) -> None:
    for name, failure in ends.items():
        client.finish(name, State.FAILED if failure else State.READY, failure=failure)


def the_bulk(client: InMemoryClient) -> Bulk:
    (bulk,) = client.bulks()
    return bulk


def test_a_bulk_that_comes_to_a_good_end(
    client: InMemoryClient, lines: Lines, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is on record as one thing, with its name and priority, and ends when all are ready."""
    ended = worker(client, {"aa": None, "bb": None})

    assert run(["bulk", lines("aa", "bb"), "--name", "labs", "--priority", "high"]) == 0
    ended.join()

    bulk = the_bulk(client)
    assert (bulk.name, bulk.priority, bulk.total) == ("labs", Priority.HIGH, 2)
    assert [one.run.bulk for one in client.environments()] == [bulk.id] * 2
    told = capsys.readouterr().out
    assert f"The bulk labs ({bulk.id}) is on record, with 2 environments.\n" in told
    assert "\n✓ labs is done, in " in told
    assert ": all 2 are ready.\n" in told
    assert f"envwright bulks down {bulk.id}" in told
    assert "retry" not in told


def test_the_report_groups_what_failed_and_says_what_to_do(
    client: InMemoryClient, lines: Lines, capsys: pytest.CaptureFixture[str]
) -> None:
    """Failures of one sort are one thing to mend; what is refused or there already is told too."""
    client.enqueue(spec_data("old"))
    client.enqueue(spec_data("other", tags={"a": "b"}))
    names = {"aa": None, **{f"b{n}": NO_QUOTA for n in range(5)}, "cc": NO_CAPACITY}
    ended = worker(client, names)

    assert run(["bulk", lines("old", "other", *names)]) == 1
    ended.join()

    bulk = the_bulk(client)
    told = capsys.readouterr().out
    for part in (
        "with 7 environments, 1 there already and 1 refused.",
        "  failed: quota (VpcLimitExceeded), such as b0.eu-west-1: The quota of VPCs is used up",
        f"\n✗ {bulk.id} is done, in ",
        ": 1 of 7 are ready.\n\n",
        "\n  1 environment was there already, with the same spec: no members of this bulk.\n",
        "\n  1 spec was refused: no members of this bulk.\n    other.eu-west-1 exists already",
        "\n  ✗ 5 failed: quota (VpcLimitExceeded)\n",
        "\n    b0.eu-west-1, b1.eu-west-1, b2.eu-west-1 and 2 more\n",
        "\n    The quota of VPCs is used up: have it raised.\n",
        "\n    Have the quota raised in Service Quotas, or free some; then retry.\n",
        "\n  ✗ 1 failed: capacity (InsufficientInstanceCapacity)\n",
        f"\n  envwright bulks retry {bulk.id}  go on with those that failed, once that is mended\n",
    ):
        assert part in told, told


def test_the_report_is_data_with_json_and_in_a_file(
    client: InMemoryClient, lines: Lines, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One document with each member, its state and why it failed; the same one in both places."""
    client.enqueue(spec_data("other", tags={"a": "b"}))
    ended = worker(client, {"aa": None, "bb": NO_QUOTA})
    file = tmp_path / "report.json"

    assert run(["bulk", lines("aa", "bb", "other"), "--json", "--report", str(file)]) == 1
    ended.join()

    printed = documents(capsys)
    assert printed[0]["kind"] == "accepted"
    assert {one["kind"] for one in printed[1:-1]} == {"progress"}
    report = printed[-1]
    assert json.loads(file.read_text()) == report
    assert (report["kind"], report["version"], report["reached"]) == ("report", 1, False)
    assert report["bulk"]["states"] == {"ready": 1, "failed": 1}
    (sort,) = report["failures"]
    assert (sort["category"], sort["code"], sort["count"]) == ("quota", "VpcLimitExceeded", 1)
    assert [one["environment"] for one in report["refused"]] == ["other.eu-west-1"]
    a, b = report["members"]
    assert a == {"environment": "aa.eu-west-1", "state": "ready", "failure": None}
    assert (b["state"], b["failure"]["message"]) == ("failed", NO_QUOTA.message)


def test_without_waiting_it_says_how_to_look(
    client: InMemoryClient, lines: Lines, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["bulk", lines("aa", "bb"), "--no-wait"]) == 0

    bulk = the_bulk(client)
    assert capsys.readouterr().out == (
        f"The bulk {bulk.id} is on record, with 2 environments: `envwright bulks watch {bulk.id}` "
        f"shows how it goes.\n"
    )


def test_what_is_refused_makes_the_exit_code_1_at_once(
    client: InMemoryClient, lines: Lines
) -> None:
    client.enqueue(spec_data("aa", tags={"a": "b"}))

    assert run(["bulk", lines("aa", "bb"), "--no-wait"]) == 1


def test_one_faulty_line_keeps_all_from_being_begun(
    client: InMemoryClient, lines: Lines, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = Path(lines("aa", "bb"))
    file.write_text(file.read_text() + json.dumps(spec_data("cc", region="mars")))

    assert run(["bulk", str(file)]) == 2

    assert "\n  line 3, region: `mars` is not" in capsys.readouterr().err
    assert [*client.bulks()] == []
    assert [*client.environments()] == []


def test_a_template_is_filled_in_from_a_table(
    client: InMemoryClient, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    template, table = tmp_path / "lab.yaml", tmp_path / "labs.csv"
    template.write_text(
        "name: lab-${id}\nregion: eu-west-1\nnetwork: {cidr: 10.20.0.0/16, zones: 2}\n"
    )
    table.write_text("id\n1\n2\n")

    assert run(["bulk", str(template), "--values", str(table), "--no-wait"]) == 0

    members = client.bulk_members(the_bulk(client).id)
    assert [one.environment_id for one in members] == ["lab-1.eu-west-1", "lab-2.eu-west-1"]


def test_a_dry_run_checks_all_and_begins_nothing(
    client: InMemoryClient, lines: Lines, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["bulk", lines("aa", "bb"), "--dry-run"]) == 0

    told = capsys.readouterr().out
    assert told == "All specs are valid: 2 environments would be asked for.\n"
    assert [*client.environments()] == []


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (["--report", "/no/such/folder/r.json"], "r.json cannot be written: no such file"),
        (["--report", "r.json", "--no-wait"], "--report is written at the end"),
        (["--id", "a b"], "cannot be the id of a bulk"),
        (["--id", "normal"], "cannot be the id of a bulk"),
        (["--max-failures", "-1"], "max-failures"),
        (["--priority", "urgent"], "urgent"),
    ],
)
def test_what_is_mistyped_begins_nothing(
    client: InMemoryClient,
    lines: Lines,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    part: str,
) -> None:
    assert run(["bulk", lines("aa"), *options]) == 2

    assert part in capsys.readouterr().err
    assert [*client.environments()] == []


def test_after_an_outage_half_way_the_same_command_goes_on(
    client: InMemoryClient,
    lines: Lines,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The error names the id under which it does, and nothing is begun twice."""
    file = lines("aa", "bb", "cc")

    def lose_redis(*_: object) -> None:
        raise StoreUnavailable("Redis does not answer.")

    with monkeypatch.context() as patched:
        patched.setattr(client._bulks, "seal", lose_redis)
        assert run(["bulk", file, "--no-wait"]) == 1

    bulk = the_bulk(client)
    told = capsys.readouterr().err
    assert f"At least 3 of 3 are on record, as the bulk {bulk.id}" in told
    assert f"The same command with --id {bulk.id} asks for the others" in told

    finish(client, {"aa": None, "bb": None, "cc": None})
    assert run(["bulks", "watch", bulk.id]) == 0
    assert "Not all of it was put on record yet." in capsys.readouterr().out

    assert run(["bulk", file, "--no-wait", "--id", bulk.id]) == 0
    assert (the_bulk(client).total, the_bulk(client).existing) == (3, 0)


def test_ctrl_c_leaves_it_running_and_says_how_to_go_on(
    client: InMemoryClient,
    lines: Lines,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("envwright.cli.bulks.watch.time.sleep", interrupt)

    assert run(["bulk", lines("aa"), "--name", "labs"]) == 130

    bulk = the_bulk(client)
    told = capsys.readouterr().err
    assert f"Stopped watching the bulk labs ({bulk.id}); it goes on." in told
    assert f"`envwright bulks watch {bulk.id}` shows it again" in told
    assert client.status("aa").state is State.QUEUED


def test_a_moment_without_redis_is_ridden_out(
    client: InMemoryClient,
    lines: Lines,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Who watches is told, and sees the end all the same."""
    run(["bulk", lines("aa"), "--no-wait", "--id", "labs"])
    finish(client, {"aa": None})
    answer, outages = client.bulk, iter([False, True])

    def away_once(bulk_id: str) -> Bulk:
        if next(outages, False):
            raise StoreUnavailable("Redis does not answer.")
        return answer(bulk_id)

    monkeypatch.setattr(client, "bulk", away_once)

    assert run(["bulks", "watch", "labs"]) == 0

    printed = capsys.readouterr()
    assert "waiting a few seconds for it" in printed.err
    assert "Redis answers again." in printed.err
    assert "1 of 1 is ready" in printed.out


def test_waiting_ends_at_the_timeout(
    client: InMemoryClient, lines: Lines, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["bulk", lines("aa"), "--timeout", "0.05"]) == 1
    assert "is still running, 0 of 1 at rest, after 0.05 s" in capsys.readouterr().err


def test_a_bulk_that_paused_by_itself_ends_the_waiting(
    client: InMemoryClient,
    lines: Lines,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A person must decide: a script that waits for it is told, and not kept for ever."""
    run(["bulk", lines("aa", "bb"), "--no-wait", "--max-failures", "0", "--name", "labs"])
    finish(client, {"aa": NO_QUOTA})
    bulk = the_bulk(client)
    why = "1 of its members has failed, and 0 may."
    client._bulks._change(bulk.id, paused_at=client.now(), paused_because=why)  # type: ignore[attr-defined]
    capsys.readouterr()

    assert run(["bulks", "watch", "labs"]) == 1

    told = capsys.readouterr().out
    assert "✗ labs is paused: 0 of 2 are ready" in told
    assert f"It paused by itself: {why}" in told
    assert f"envwright bulks resume {bulk.id}" in told


def test_a_bulk_is_paused_and_goes_on(
    client: InMemoryClient, lines: Lines, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["bulk", lines("aa", "bb"), "--no-wait", "--name", "labs"])
    capsys.readouterr()

    assert run(["bulks", "pause", "labs"]) == 0
    assert "is paused, 2 in line and 0 under way: those that" in capsys.readouterr().out
    assert the_bulk(client).paused_at is not None
    assert run(["bulks", "resume", "labs", "--json"]) == 0
    assert document(capsys)["bulk"]["state"] == "running"
    assert the_bulk(client).paused_at is None


def test_what_failed_is_retried_and_seen_through(
    client: InMemoryClient, lines: Lines, capsys: pytest.CaptureFixture[str]
) -> None:
    """Those that are ready are left alone."""
    run(["bulk", lines("aa", "bb"), "--no-wait", "--name", "labs"])
    finish(client, {"aa": None, "bb": NO_QUOTA})
    ready = client.status("aa")
    capsys.readouterr()

    assert run(["bulks", "retry", "labs", "--no-wait"]) == 0
    assert capsys.readouterr().out.startswith("1 run of the bulk labs (")
    finish(client, {"bb": None})

    assert run(["bulks", "watch", "labs"]) == 0
    assert ": all 2 are ready." in capsys.readouterr().out
    assert client.status("aa") == ready


def test_all_of_it_is_taken_down(
    client: InMemoryClient, lines: Lines, capsys: pytest.CaptureFixture[str]
) -> None:
    """Meanwhile it is not called paused, although nothing is let in: nothing waits for that."""
    run(["bulk", lines("aa", "bb"), "--no-wait", "--name", "labs"])
    finish(client, {"aa": None, "bb": None})

    assert run(["bulks", "down", "labs", "--no-wait"]) == 0
    assert the_bulk(client).state is BulkState.RUNNING
    for name in ("aa", "bb"):
        client.finish(name, State.DESTROYED)
    capsys.readouterr()
    assert run(["bulks", "down", "labs"]) == 0

    told = capsys.readouterr().out
    assert "Nothing was begun for the bulk labs" in told
    assert "all 2 are taken down." in told
    assert "envwright bulks" not in told.splitlines()[-1]


def test_a_protected_member_is_told_and_the_others_go_down(
    client: InMemoryClient, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    protected = spec_data("aa")
    group = {"image": "ami-0a1b2c3d4e5f60718", "types": ["t3.micro"], "security_groups": ["web"]}
    protected |= {
        "security": {"groups": {"web": {}}},
        "instances": {"web": {**group, "termination_protection": True}},
    }
    file = tmp_path / "labs.jsonl"
    file.write_text(f"{json.dumps(protected)}\n{json.dumps(spec_data('bb'))}\n")
    run(["bulk", str(file), "--no-wait", "--name", "labs"])
    client.finish("aa", State.READY, outputs=WEB_OUTPUTS)
    client.finish("bb", State.READY)

    assert run(["bulks", "down", "labs", "--no-wait"]) == 1

    assert "Error: aa.eu-west-1 " in capsys.readouterr().err
    assert client.status("bb").state is State.CLEANING


def test_bulks_are_listed_the_newest_first(
    client: InMemoryClient, lines: Lines, capsys: pytest.CaptureFixture[str]
) -> None:
    """`envwright bulks` alone does it, with the options of a list."""
    assert run(["bulks"]) == 0
    assert "There are no bulks to show" in capsys.readouterr().err
    run(["bulk", lines("aa"), "--no-wait", "--name", "first"])
    run(["bulk", lines("bb"), "--no-wait"])
    capsys.readouterr()

    assert run(["bulks", "--json"]) == 0
    second, first = document(capsys)["bulks"]
    assert (first["name"], second["name"], first["waiting"]) == ("first", None, 1)

    assert run(["bulks"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].split() == [
        "bulk",
        "name",
        "state",
        "at",
        "rest",
        "failed",
        "in",
        "line",
        "of",
        "age",
    ]
    assert printed[1].startswith(second["id"])


def test_a_bulk_is_shown_with_its_members_in_json(
    client: InMemoryClient, lines: Lines, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["bulk", lines("aa", "bb"), "--no-wait", "--name", "labs", "--max-failures", "3"])
    finish(client, {"aa": NO_QUOTA})
    capsys.readouterr()

    assert run(["bulks", "show", "labs"]) == 0
    told = capsys.readouterr().out
    for part in ("labs  running", "1 failed · 1 in line", "3, 0 so far", "✗ 1 failed: quota"):
        assert part in told
    assert run(["bulks", "show", the_bulk(client).id, "--json"]) == 0
    assert [one["state"] for one in document(capsys)["members"]] == ["failed", "queued"]


@pytest.mark.parametrize("width", [56, 60, 80])
def test_bulks_are_a_line_each_on_a_narrow_terminal(
    client: InMemoryClient,
    lines: Lines,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    width: int,
) -> None:
    """A name gets what the others leave; the id is whole, since the other commands take it."""
    run(["bulk", lines("aa"), "--no-wait", "--name", "labs-of-the-autumn"])
    capsys.readouterr()
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)

    assert run(["bulks"]) == 0

    heading, line = Text.from_ansi(capsys.readouterr().out).plain.splitlines()
    assert line.startswith(the_bulk(client).id)
    assert "  running  " in line
    assert heading.split()[-1] == ("age" if width > 76 else "of")


def interrupt(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_ctrl_c_while_specs_are_checked_says_that_nothing_was_begun(
    client: InMemoryClient,
    lines: Lines,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """That of ten thousand takes long enough to think twice."""
    monkeypatch.setattr("envwright.cli.bulks.source.take_in", interrupt)

    assert run(["bulk", lines("aa")]) == 130
    assert capsys.readouterr().err == "Stopped by Ctrl-C: nothing was begun.\n"
    assert [*client.bulks()] == []


def test_ctrl_c_is_never_without_a_word(
    client: InMemoryClient,
    lines: Lines,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Also where a command is not prepared for it: of `bulks down` some may be on record."""
    run(["bulk", lines("aa"), "--no-wait", "--id", "labs"])
    monkeypatch.setattr(client, "destroy_bulk", interrupt)
    capsys.readouterr()

    assert run(["bulks", "down", "labs"]) == 130
    assert capsys.readouterr().err == "Stopped by Ctrl-C.\n"


@pytest.mark.parametrize("command", ["retry", "down"])
def test_who_asks_something_of_all_sees_that_it_is_being_asked(
    client: InMemoryClient, lines: Lines, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """That of ten thousand takes seconds, in which a terminal should not be dark."""
    said: list[str] = []
    run(["bulk", lines("aa", "bb"), "--no-wait", "--id", "labs"])
    monkeypatch.setattr(
        "envwright.cli.bulks.requests.busy", lambda: contextlib.nullcontext(said.append)
    )

    assert run(["bulks", command, "labs", "--no-wait"]) == 0
    assert said == ["Asking for 2 environments."]


def test_which_bulk_is_meant_must_be_clear(
    client: InMemoryClient, lines: Lines, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("aa", "bb"):
        run(["bulk", lines(name), "--no-wait", "--name", "labs"])
    capsys.readouterr()

    assert run(["bulks", "show", "labs"]) == 1
    assert "Several bulks are named labs; give the id of one: " in capsys.readouterr().err
    assert run(["bulks", "pause", "lab"]) == 1
    assert "There is no bulk lab: `envwright bulks` shows all." in capsys.readouterr().err


def test_a_single_job_has_a_priority_too(
    client: InMemoryClient, spec_file: Callable[..., str]
) -> None:
    assert run(["up", "--no-wait", "--priority", "high", spec_file("web")]) == 0
    assert client.status("web").run.priority is Priority.HIGH
    assert run(["up", "--no-wait", spec_file("api")]) == 0
    assert client.status("api").run.priority is Priority.NORMAL
