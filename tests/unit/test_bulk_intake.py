"""What a bulk is read from, and what of it is refused before anything is asked for."""

import io
import json
import sys
import tracemalloc
from pathlib import Path

import pytest

from envwright.cli.bulks import entries, intake
from envwright.cli.bulks.intake import FAULTS_SHOWN, Specs
from envwright.cli.bulks.source import read_lines, read_table
from envwright.cli.exits import FaultyBulk, FaultySpecs, UsageError, tell
from envwright.spec import parse_spec
from tests.bulks import TEMPLATE, Write, told
from tests.repository import ROOT
from tests.specs import spec_data


def lines(*names: str) -> str:
    return "".join(f"{json.dumps(spec_data(name))}\n" for name in names)


def test_a_line_is_a_spec(specs: Specs, write: Write) -> None:
    """Blank lines and a byte order mark mean nothing; the specs can be gone through twice."""
    read_lines(specs, write("a.jsonl", "\ufeff" + lines("one") + "\n  \n" + lines("two")))

    for _ in range(2):
        assert [one.name for one in specs] == ["one", "two"]
    assert len(specs) == 2


def test_specs_that_do_not_fit_into_memory_are_read_back_alike(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of a long bulk lie in an unnamed file: what comes back is what was checked."""
    monkeypatch.setattr(intake, "_IN_MEMORY", 1)
    with Specs() as specs:
        read_lines(specs, write("a.jsonl", lines("one", "two")))

        assert specs._file._rolled
        for _ in range(2):
            assert [*specs] == [parse_spec(spec_data(name)) for name in ("one", "two")]


def test_files_are_read_beside_the_bulk(specs: Specs, write: Write) -> None:
    """As they are of a spec: `user_data: {file: …}`, relative to the file's folder."""
    write("boot.sh", "echo hello")
    data = spec_data("one")
    group = {
        "types": ["t3.micro"],
        "image": "/aws/image",
        "security_groups": ["web"],
        "user_data": {"file": "boot.sh"},
    }
    data |= {"security": {"groups": {"web": {}}}, "instances": {"web": group}}

    read_lines(specs, write("a.jsonl", json.dumps(data)))

    (spec,) = specs
    assert spec.instances["web"].user_data == "echo hello"


def test_it_can_come_on_stdin(
    specs: Specs, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stdin = io.TextIOWrapper(io.BytesIO(lines("one").encode()))
    monkeypatch.setattr(sys, "stdin", stdin)

    read_lines(specs, "-")

    assert len(specs) == 1


def test_all_faults_are_told_with_their_lines(
    specs: Specs, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    """Those of JSON, of specs, and of two lines that mean one environment."""
    wrong = json.dumps(spec_data("three", region="mars"))
    text = f'{lines("one")}{{"name": "rosebud"\n{wrong}\n{lines("one")}{{"a": 1, "a": 2}}\n'

    with pytest.raises(FaultyBulk) as caught:
        read_lines(specs, write("a.jsonl", text))

    shown = told(capsys, caught.value)
    assert "a.jsonl: 4 faults\n" in shown
    assert "\n  line 2: This is not JSON: Expecting ',' delimiter, at column " in shown
    assert "\n  line 3, region: `mars` is not the name of an AWS region" in shown
    assert "\n  line 4: one.eu-west-1 is in line 1 already: leave one of the two out" in shown
    assert "\n  line 5: A name stands here twice" in shown
    assert "\nError: 4 faults in 4 of 5 lines: nothing was begun.\n" in shown
    assert "rosebud" not in shown


def test_a_fault_of_many_lines_is_told_once_and_many_faults_are_counted(
    specs: Specs, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong template makes every row wrong: nobody wants to read that ten thousand times."""
    several = "".join(f"{json.dumps(spec_data(f'a-{n}', region='mars'))}\n" for n in range(5))
    many = "".join(f"{json.dumps(spec_data(f'b-{n}', **{f'x{n}': 1}))}\n" for n in range(30))

    with pytest.raises(FaultyBulk) as caught:
        read_lines(specs, write("a.jsonl", several + many))

    shown = told(capsys, caught.value)
    assert "a.jsonl: 35 faults\n" in shown
    assert "\n  lines 1, 2, 3 and 2 more, region: `mars`" in shown
    assert shown.count("There is no such field") == FAULTS_SHOWN - 1
    assert "\n  and 11 more\n" in shown


def test_faults_are_data_with_json(
    specs: Specs, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write("a.jsonl", lines("one") + json.dumps(spec_data("two", region="mars")))
    with pytest.raises(FaultyBulk) as caught:
        read_lines(specs, file)

    tell(caught.value, as_json=True)

    (fault,) = json.loads(capsys.readouterr().out)["error"]["faults"]
    assert (fault["file"], fault["lines"], fault["more"]) == (file, [2], 0)
    assert fault["path"] == "region"


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "There is nothing in it that could be built"),
        (b"", "Error: 1 fault in 1 of 1 line: nothing was begun."),
        (b"[{}]\n", "a list, and a bulk has a spec in each line: `jq -c '.[]'` writes it so."),
        (b'{\n  "name": "one"\n}\n', "Error: 1 fault in 1 of 1 line: nothing was begun."),
        (b'{\n  "name": "one"\n}\n', "goes on in the next line, and a bulk has a whole spec"),
        (b"\n\n", "There is nothing in it that could be built"),
        (b"[1]\n", "line 1: "),
        (b"[" * 100_000, "line 1: This is nested too deeply"),
        (b"\n{\xff}\n", "line 2: This is not UTF-8 text: byte 1 does not fit"),
        (b"x" * (1024 * 1024 + 1), "line 1: This line is too long to be a spec"),
    ],
)
def test_what_is_no_bulk_is_a_fault(
    specs: Specs,
    write: Write,
    capsys: pytest.CaptureFixture[str],
    content: bytes,
    part: str,
) -> None:
    with pytest.raises(FaultyBulk) as caught:
        read_lines(specs, write("a.jsonl", content))

    assert part in told(capsys, caught.value)


def test_what_cannot_be_read_is_told(specs: Specs, write: Write, tmp_path: Path) -> None:
    template, gone = write("t.yaml", TEMPLATE), str(tmp_path / "gone")
    for read in (
        lambda: read_lines(specs, gone),
        lambda: read_table(specs, gone, gone),
        lambda: read_table(specs, template, gone),
    ):
        with pytest.raises(FaultySpecs, match="gone cannot be read: no such file"):
            read()
    with pytest.raises(UsageError, match=r"t.yaml is YAML: .* --values TABLE.csv"):
        read_lines(specs, template)
    with pytest.raises(UsageError, match="the table can come on stdin"):
        read_table(specs, "-", "-")


def test_a_line_is_read_when_the_one_before_it_was_taken(write: Write, tmp_path: Path) -> None:
    """So no more than one is held, however many there are."""
    stream = io.BytesIO(lines("one", "two", "three").encode())

    for number, entry in enumerate(entries.of_lines(stream, tmp_path), 1):
        assert entry.line == number
        assert stream.getvalue()[: stream.tell()].count(b"\n") == number


def peak_of(count: int, file: str) -> int:
    """Bytes of memory that it takes at most to check and read back so many specs."""
    Path(file).write_text(lines(*[f"lab-{n}" for n in range(count)]))
    tracemalloc.start()
    with Specs() as specs:
        read_lines(specs, file)
        assert sum(1 for _ in specs) == count
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def test_a_long_bulk_takes_no_more_memory_than_a_short_one(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But for the ids, by which two of one are found: some hundred bytes each."""
    monkeypatch.setattr(intake, "_IN_MEMORY", 1024)
    file = write("a.jsonl", "")
    peak_of(10, file)

    short, long = peak_of(100, file), peak_of(1000, file)

    assert long - short < 900 * 250


def test_the_examples_are_valid(specs: Specs) -> None:
    """What docs/bulk.md says of templates holds of the one that it shows."""
    folder = ROOT / "examples/bulk"
    read_table(specs, str(folder / "lab.yaml"), str(folder / "labs.csv"))
    with Specs() as networks:
        read_lines(networks, str(folder / "networks.jsonl"))
        assert len(networks) == 3

    assert [(one.name, one.ttl) for one in specs] == [
        ("lab-ada", 8 * 3600),
        ("lab-grace", 8 * 3600),
        ("lab-linus", None),
    ]
