"""`envwright bulks`: the list, one of them, and what is asked of all its members."""

import contextlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.text import Text

from envwright.bulk import BulkState
from envwright.cli.app import run
from envwright.errors import StoreUnavailable
from envwright.states import State
from envwright.testing import InMemoryClient
from tests.bulks import NO_IMAGE, NO_QUOTA, Lines, finish, interrupt, the_bulk
from tests.documents import document
from tests.puppet import WEB_OUTPUTS
from tests.specs import spec_data


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
    assert run(["bulks", "show", "labs"]) == 0
    assert "paused" not in capsys.readouterr().out


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


def test_ctrl_c_is_never_without_a_word(
    client: InMemoryClient,
    lines: Lines,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Also where a command is not prepared for it."""
    run(["bulk", lines("aa"), "--no-wait", "--id", "labs"])
    monkeypatch.setattr(client, "pause_bulk", interrupt)
    capsys.readouterr()

    assert run(["bulks", "pause", "labs"]) == 130
    assert capsys.readouterr().err == "Stopped by Ctrl-C.\n"


@pytest.mark.parametrize(
    ("cut_off", "code"), [(KeyboardInterrupt(), 130), (StoreUnavailable("Redis is away."), 1)]
)
@pytest.mark.parametrize("command", ["retry", "down"])
def test_a_request_that_is_cut_off_says_how_far_it_came(
    client: InMemoryClient,
    lines: Lines,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
    cut_off: BaseException,
    code: int,
) -> None:
    """What was asked for is carried out, and the same command asks for the others."""
    run(["bulk", lines("aa", "bb"), "--no-wait", "--id", "labs"])
    finish(client, {"aa": NO_QUOTA, "bb": NO_QUOTA})

    def first_chunk(_: str) -> Iterator[list[str]]:
        yield ["aa.eu-west-1"]
        raise cut_off

    monkeypatch.setattr(client._bulks, "member_ids", first_chunk)
    capsys.readouterr()

    assert run(["bulks", command, "labs"]) == code
    told = capsys.readouterr().err
    assert "At least 1 run of the bulk labs is on record, and carried out." in told
    assert "The same command asks for the others; `envwright bulks show labs`" in told


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("retry", ["Asking for them: 0 of 1.", "Asking for them: 1 of 1."]),
        ("down", ["Asking for them: 0 of 2.", "Asking for them: 2 of 2."]),
    ],
)
def test_who_asks_something_of_all_sees_how_far_it_is(
    client: InMemoryClient,
    lines: Lines,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    told: list[str],
) -> None:
    """That of ten thousand takes seconds, in which a terminal should not be dark."""
    said: list[str] = []
    run(["bulk", lines("aa", "bb"), "--no-wait", "--id", "labs"])
    finish(client, {"aa": None, "bb": NO_QUOTA})
    monkeypatch.setattr(
        "envwright.cli.bulks.requests.busy", lambda: contextlib.nullcontext(said.append)
    )

    assert run(["bulks", command, "labs", "--no-wait"]) == 0
    assert said == told


def test_sentences_are_wrapped_between_their_words(
    client: InMemoryClient,
    lines: Lines,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """On a narrow terminal, of all commands that say one; elsewhere each is one line."""
    file = lines("aa", "bb")
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("TERM", "xterm")
    for command in (
        ["bulk", file, "--dry-run"],
        ["bulk", file, "--no-wait", "--name", "labs-of-the-autumn"],
        *(["bulks", one, "labs-of-the-autumn"] for one in ("pause", "resume")),
        ["bulks", "down", "labs-of-the-autumn", "--no-wait"],
    ):
        with monkeypatch.context() as at:
            at.setattr(sys.stdout, "isatty", lambda: True)
            assert run(command) == 0
        wrapped = Text.from_ansi(capsys.readouterr().out).plain.splitlines()
        assert len(wrapped) > 1
        assert max(map(len, wrapped)) <= 40
    run(["bulks", "down", "labs-of-the-autumn", "--no-wait"])
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_what_only_other_specs_can_mend_is_not_to_be_retried(
    client: InMemoryClient, lines: Lines, capsys: pytest.CaptureFixture[str]
) -> None:
    """A retry would fail alike. With another failure beside it, it has something to go on with."""
    run(["bulk", lines("aa", "bb", "cc"), "--no-wait", "--id", "labs"])
    finish(client, {"aa": None, "bb": NO_IMAGE, "cc": NO_IMAGE})
    capsys.readouterr()

    assert run(["bulks", "show", "labs"]) == 0
    shown = capsys.readouterr().out
    assert "envwright bulks retry" not in shown
    assert "envwright bulk FILE --name NAME  build them from corrected specs" in shown
    assert "A retry fails alike, unless what they name is there by now." in shown

    client.retry("bb")
    finish(client, {"bb": NO_QUOTA})
    assert run(["bulks", "show", "labs"]) == 0
    assert "  envwright bulks retry labs" in capsys.readouterr().out


def test_which_bulk_is_meant_must_be_clear(
    client: InMemoryClient, lines: Lines, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("aa", "bb"):
        run(["bulk", lines(name), "--no-wait", "--name", "labs"])
    capsys.readouterr()

    assert run(["bulks", "show", "labs"]) == 1
    assert "Several bulks are named labs; give the id of one: " in capsys.readouterr().err
    run(["bulk", lines("cc"), "--no-wait", "--name", "nightly"])
    run(["bulk", lines("cc"), "--no-wait", "--name", "nightly"])  # All of it is there already.
    capsys.readouterr()
    assert run(["bulks", "show", "nightly", "--json"]) == 0
    assert document(capsys)["bulk"]["total"] == 1
    assert run(["bulks", "pause", "lab"]) == 1
    assert "There is no bulk lab: `envwright bulks` shows all." in capsys.readouterr().err
