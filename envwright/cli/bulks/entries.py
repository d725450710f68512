"""The specs of a bulk, one after the other: from lines of JSON, or from a template and a table.

Neither holds more than a line at a time, however long the input is.
"""

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, BinaryIO, Final

from envwright.cli.output import counted
from envwright.errors import Fault, SpecError
from envwright.spec import EnvironmentSpec
from envwright.spec.limits import MAX_SPEC
from envwright.spec.load import spec_from
from envwright.spec.template import Template
from envwright.spec.yamlfile import distinct

_OPENED: Final = ("{", "[")
_OVER_SEVERAL_LINES: Final = (
    "This goes on in the next line, and a bulk has a whole spec in each: `jq -c .` puts each "
    "spec of a file on one line, and `jq -c '.[]'` each of a list."
)
_LIST: Final = "This is a list, and a bulk has a spec in each line: `jq -c '.[]'` writes it so."


@dataclass(frozen=True, slots=True)
class Entry:
    """A line, counted from 1, and the spec that it holds, or what is wrong with it."""

    line: int
    spec: EnvironmentSpec | None
    faults: Sequence[Fault] = ()


class _NoText(Exception):
    """A line that cannot be read: what comes after it is not read either."""


def of_lines(stream: BinaryIO, base: Path) -> Iterator[Entry]:
    """The specs of a file of JSON, one a line; `base` is the folder that files are relative to."""
    number = 0
    try:
        for number, line in _lines(stream):
            if line.strip() in _OPENED:
                yield _fault(number, _OVER_SEVERAL_LINES)
                return
            if line.strip():
                yield _entry(number, partial(_object, line), base)
    except _NoText as error:
        yield _fault(number + 1, str(error))


def of_rows(template: Template, rows: "Rows") -> Iterator[Entry]:
    """The template's specs, one for each row of the table."""
    for number, cells in rows:
        if len(cells) != len(rows.columns):
            values = counted(len(cells), "value")
            yield _fault(number, f"This has {values} for {counted(len(rows.columns), 'column')}.")
            continue
        row = dict(zip(rows.columns, cells, strict=True))
        yield _entry(number, partial(template.filled, row), template.base)
    if rows.end:
        yield rows.end


class Rows:
    """The rows of a table, each with the line that it begins in; the first names the columns."""

    def __init__(self, stream: BinaryIO, delimiter: str) -> None:
        self._lines = _lines(stream)
        self._reader = csv.reader(
            (line for _, line in self._lines), delimiter=delimiter, strict=True
        )
        self.end: Entry | None = None
        """Why the rows ended early, once they have."""
        _, self.columns = next(iter(self), (1, []))

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        while True:
            begins = self._reader.line_num + 1
            try:
                cells = next(self._reader, None)
            except csv.Error as error:
                self.end = _fault(begins, f"This is no row of a table: {error}.")
                return
            except _NoText as error:
                self.end = _fault(self._reader.line_num + 1, str(error))
                return
            if cells is None:
                return
            if cells:
                yield begins, cells


def _lines(stream: BinaryIO) -> Iterator[tuple[int, str]]:
    for number in count(1):
        line = stream.readline(MAX_SPEC + 1)
        if not line:
            return
        if len(line) > MAX_SPEC:
            raise _NoText(f"This line is too long to be a spec: it may have {MAX_SPEC} bytes.")
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise _NoText(f"This is not UTF-8 text: byte {error.start} does not fit.") from None
        yield number, text


def _entry(line: int, read: Callable[[], Any], base: Path) -> Entry:
    try:
        return Entry(line, spec_from(read(), base))
    except SpecError as error:
        return Entry(line, None, error.faults)


def _fault(line: int, sentence: str) -> Entry:
    return Entry(line, None, [Fault("", sentence)])


def _object(line: str) -> Any:
    """Plain data from a line of JSON. Raises `SpecError`, which does not repeat the line."""
    try:
        data = json.loads(line, object_pairs_hook=distinct)
        if not isinstance(data, list):
            return data
        sentence = _LIST
    except json.JSONDecodeError as error:
        sentence = f"This is not JSON: {error.msg}, at column {error.colno}."
    except RecursionError:
        sentence = "This is nested too deeply to be a spec."
    except ValueError:
        sentence = "A name stands here twice in one object, and only one of the two can hold."
    raise SpecError([Fault("", sentence)])
