"""Where the specs of a bulk come from: a file of them, or a template and a table of values."""

import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import BinaryIO, Final

from envwright.cli.bulks.entries import Entry, Rows, of_lines, of_rows
from envwright.cli.bulks.intake import Specs, take_in
from envwright.cli.exits import FaultySpecs, FaultyTemplate, Interrupted, UsageError
from envwright.cli.inputs import STDIN, shown
from envwright.cli.output import busy
from envwright.errors import Fault, SpecError
from envwright.spec.forms import shown as quoted
from envwright.spec.template import COLUMN, Template

_YAML: Final = (".yaml", ".yml")
_TABS: Final = (".tsv", ".tab")


def read_lines(specs: Specs, file: str) -> None:
    """Take in a file of JSON, one spec a line.

    Raises `FaultySpecs`, and `UsageError` for what is no such file by its name.
    """
    if Path(file).suffix in _YAML:
        raise UsageError(
            f"{shown(file)} is YAML: a bulk is read from a file of JSON, one spec a line, or from "
            f"a template and a table, as in `envwright bulk TEMPLATE.yaml --values TABLE.csv`."
        )
    base = Path.cwd() if file == STDIN else Path(file).parent
    with _opened(file) as stream:
        _check(specs, file, of_lines(stream, base))


def read_table(specs: Specs, template_file: str, table_file: str) -> None:
    """Take in a template's specs, one for each row of a table.

    Raises `FaultySpecs`, and `UsageError` for a template from stdin.
    """
    if template_file == STDIN:
        raise UsageError("The template is read from a file; the table can come on stdin.")
    with _opened(template_file):
        pass  # Why a file cannot be opened is no fault of a template.
    try:
        template = Template.load(Path(template_file))
    except SpecError as error:
        raise FaultyTemplate({template_file: error.faults}) from None
    delimiter = "\t" if Path(table_file).suffix in _TABS else ","
    with _opened(table_file) as stream:
        rows = Rows(stream, delimiter)
        if rows.end is None:
            _refuse_what_does_not_fit(template_file, template, table_file, rows.columns)
        _check(specs, table_file, of_rows(template, rows))


def _check(specs: Specs, file: str, entries: Iterable[Entry]) -> None:
    try:
        with busy() as say:
            take_in(specs, file, entries, say)
    except KeyboardInterrupt:
        raise Interrupted("Stopped by Ctrl-C: nothing was begun.") from None


@contextmanager
def _opened(file: str) -> Iterator[BinaryIO]:
    if file == STDIN:
        yield sys.stdin.buffer
        return
    with ExitStack() as stack:
        try:
            stream = stack.enter_context(Path(file).open("rb"))
        except OSError as error:
            raise FaultySpecs({}, {file: (error.strerror or str(error)).lower()}) from None
        yield stream


def _refuse_what_does_not_fit(
    template_file: str, template: Template, table_file: str, columns: list[str]
) -> None:
    """Raise `FaultyTemplate` for columns that are none or fill nothing, and for ones that lack."""
    placeholders = template.placeholders()
    of_table = [*_misnamed(columns)] or [
        Fault(
            "",
            f"Line 1: nothing in {shown(template_file)} is filled in from the column "
            f"{quoted(column)}: remove it, or write `${{{column}}}` where it belongs.",
        )
        for column in columns
        if column not in placeholders
    ]
    of_template = [
        Fault(
            "", f"{place}: {shown(table_file)} has no column {quoted(name)}{_like(name, columns)}"
        )
        for name, place in placeholders.items()
        if name not in columns
    ]
    faults = {template_file: of_template, table_file: of_table}
    if any(faults.values()):
        raise FaultyTemplate({file: some for file, some in faults.items() if some})


def _misnamed(columns: list[str]) -> Iterator[Fault]:
    if not columns:
        yield Fault("", "It is empty: the first line names the columns.")
    for column, times in Counter(columns).items():
        if re.fullmatch(COLUMN, column) is None:
            yield Fault(
                "",
                f"Line 1: {quoted(column)} is no name for a column: those have letters, digits, - "
                f"and _, and a comma, or a tab in a .tsv file, between them.",
            )
        elif times > 1:
            yield Fault("", f"Line 1: {quoted(column)} names {times} columns: rename all but one.")


def _like(name: str, columns: list[str]) -> str:
    alike = get_close_matches(name, columns, n=1)
    return f"; did you mean {quoted(alike[0])}?" if alike else "."
