"""`envwright bulk` until all are on record: what is asked for, and what is refused."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from envwright.cli.app import run
from envwright.errors import StoreUnavailable
from envwright.priority import Priority
from envwright.testing import InMemoryClient
from tests.bulks import Lines, finish, interrupt, the_bulk
from tests.specs import spec_data


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
        patched.setattr(client._bulks, "open", lose_redis)
        assert run(["bulk", file, "--no-wait", "--id", "labs"]) == 1
    assert "Some of 3 may be on record, as the bulk labs, and then" in capsys.readouterr().err

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


def test_a_single_job_has_a_priority_too(
    client: InMemoryClient, spec_file: Callable[..., str]
) -> None:
    assert run(["up", "--no-wait", "--priority", "high", spec_file("web")]) == 0
    assert client.status("web").run.priority is Priority.HIGH
    assert run(["up", "--no-wait", spec_file("api")]) == 0
    assert client.status("api").run.priority is Priority.NORMAL
