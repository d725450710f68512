"""Check a whole bulk before any of it is asked for, in memory that does not grow with it."""

import pickle
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from tempfile import SpooledTemporaryFile
from typing import Any, Final

from envwright.cli.bulks.entries import Entry
from envwright.cli.exits import FaultyBulk, LineFault
from envwright.errors import Fault
from envwright.spec import EnvironmentSpec

_IN_MEMORY: Final = 1024 * 1024
"""How many bytes of specs are kept in memory; more of them go to an unnamed file."""

FAULTS_SHOWN: Final = 20
"""How many different faults are told; the others are counted."""

_LINES_NAMED: Final = 3
_SAID_EVERY: Final = 100


class Specs(AbstractContextManager["Specs"]):
    """Valid specs, kept out of memory: iterate over them as often as you like."""

    def __init__(self) -> None:
        self._file: Any = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - see __exit__
        self._count = 0

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[EnvironmentSpec]:
        self._file.seek(0)
        for _ in range(self._count):
            # Twenty times as fast as another validation, and nobody else can write the file.
            yield pickle.load(self._file)  # noqa: S301

    def add(self, spec: EnvironmentSpec) -> None:
        pickle.dump(spec, self._file, pickle.HIGHEST_PROTOCOL)
        self._count += 1


@dataclass(slots=True)
class _Faults:
    """The faults so far: each once, with the first lines that have it."""

    shown: dict[Fault, LineFault] = field(default_factory=dict)
    lines: int = 0
    total: int = 0

    def add(self, entry: Entry) -> None:
        self.lines += 1
        for one in entry.faults:
            self.total += 1
            if known := self.shown.get(one):
                self.shown[one] = known.also_in(entry.line, _LINES_NAMED)
            elif len(self.shown) < FAULTS_SHOWN:
                self.shown[one] = LineFault(one.path, one.message, (entry.line,))


def take_in(specs: Specs, file: str, entries: Iterable[Entry], say: Callable[[str], None]) -> None:
    """Put the specs of all entries into `specs`, and say how far that is.

    Raises `FaultyBulk` with what is wrong with all of them, also where there are none, or two of
    one environment.
    """
    first: dict[str, int] = {}
    faults = _Faults()
    lines = 0
    for entry in entries:
        lines += 1
        if lines % _SAID_EVERY == 0:
            say(f"Checking: {lines} lines.")
        checked = _distinct(entry, first)
        if checked.spec is None:
            faults.add(checked)
        elif not faults.total:
            specs.add(checked.spec)
    if not lines:
        faults.add(Entry(1, None, [Fault("", "There is nothing in it that could be built.")]))
    if faults.total:
        raise FaultyBulk(file, [*faults.shown.values()], faults.total, faults.lines, lines or 1)


def _distinct(entry: Entry, first: dict[str, int]) -> Entry:
    if entry.spec is None:
        return entry
    environment_id = entry.spec.environment_id
    line = first.setdefault(environment_id, entry.line)
    if line == entry.line:
        return entry
    sentence = (
        f"{environment_id} is in line {line} already: leave one of the two out, or give it "
        f"another name or region."
    )
    return Entry(entry.line, None, [Fault("", sentence)])
