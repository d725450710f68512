"""How a command ends: its exit code, and errors as sentences or as JSON, never as tracebacks."""

import shutil
import sys
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Protocol, runtime_checkable

from envwright.cli.output import clean, counted, joined, print_json
from envwright.errors import EnvwrightError, Fault

OK: Final = 0
FAILED: Final = 1
USAGE: Final = 2
INTERRUPTED: Final = 130


class UsageError(EnvwrightError):
    """What was typed, or set in the environment, cannot be carried out."""


class FaultySpecs(UsageError):
    """Specs that are not valid."""

    def __init__(
        self, faults: Mapping[str, Sequence[Fault]], unread: Mapping[str, str] | None = None
    ) -> None:
        """`faults` by file, as the file was named; and why those that are `unread` are so."""
        self.faults = faults
        self.unread = unread or {}
        if self.unread:
            told = [f"{file} cannot be read: {why}." for file, why in self.unread.items()]
            EnvwrightError.__init__(self, "\n".join(told))
            return
        several = len(faults) > 1
        super().__init__(f"{len(faults)} specs are not valid." if several else "Not a valid spec.")

    def faults_in(self, file: str) -> int:
        return len(self.faults[file])

    @property
    def unshown(self) -> int:
        """How many faults are counted only."""
        return 0


@dataclass(frozen=True, slots=True)
class LineFault(Fault):
    """What is wrong with lines of a file: the first of them, counted from 1, and how many more."""

    lines: tuple[int, ...]
    more: int = 0

    def also_in(self, line: int, named: int) -> "LineFault":
        """The same fault in one more line, of which `named` are told by their numbers."""
        if len(self.lines) < named:
            return replace(self, lines=(*self.lines, line))
        return replace(self, more=self.more + 1)

    def __str__(self) -> str:
        words = [*map(str, self.lines), *([f"{self.more} more"] if self.more else [])]
        place = f"{'line' if len(words) == 1 else 'lines'} {joined(words)}"
        return f"{place}, {Fault.__str__(self)}" if self.path else f"{place}: {self.message}"


class FaultyTemplate(FaultySpecs):
    """A template that is not valid, or a table that does not fit it."""

    def __init__(self, faults: Mapping[str, Sequence[Fault]]) -> None:
        super().__init__(faults)
        total = sum(map(len, faults.values()))
        EnvwrightError.__init__(
            self, f"{counted(total, 'fault')} before the first row: nothing was begun."
        )


class FaultyBulk(FaultySpecs):
    """A bulk of which some lines are not valid."""

    def __init__(
        self, file: str, faults: Sequence[LineFault], total: int, faulty: int, lines: int
    ) -> None:
        """`total` faults in the `faulty` of its `lines`, of which some are told."""
        super().__init__({file: faults})
        self._total = total
        self._told = sum(len(one.lines) + one.more for one in faults)
        EnvwrightError.__init__(
            self,
            f"{counted(total, 'fault')} in {faulty} of {counted(lines, 'line')}: "
            f"nothing was begun.",
        )

    def faults_in(self, file: str) -> int:
        return self._total

    @property
    def unshown(self) -> int:
        return self._total - self._told


class Declined(EnvwrightError):
    """Nothing was changed."""


class Interrupted(EnvwrightError):
    """Stopped by Ctrl-C."""


@runtime_checkable
class MistypedCommand(Protocol):
    """What Typer raises about a command line; the classes themselves are private to it."""

    exit_code: int

    def format_message(self) -> str: ...


def tell(error: BaseException, as_json: bool) -> int:
    """Print an error, and say which exit code it is."""
    if as_json:
        # On one line, since it may stand behind the lines of a stream.
        print_json("error", lines=True, error=_document(error))
    else:
        lines = _faults(error) if isinstance(error, FaultySpecs) else []
        if not is_of_stdout(error):
            sys.stdout.flush()
        sys.stderr.write("".join(f"{_wrapped(line)}\n" for line in lines + _sentences(error)))
        sys.stderr.flush()
    return _exit_code(error)


def is_of_stdout(error: BaseException) -> bool:
    """Whether the system did not take what was printed: no other work here has no file's name."""
    return isinstance(error, OSError) and error.filename is None


def _exit_code(error: BaseException) -> int:
    if isinstance(error, Interrupted):
        return INTERRUPTED
    if isinstance(error, UsageError):
        return USAGE
    if isinstance(error, MistypedCommand):
        return error.exit_code
    return FAILED


def _wrapped(line: str) -> str:
    """A line as long as it is, but on a terminal, which would break it within words."""
    if not sys.stderr.isatty():
        return line
    inner = " " * (4 if line.startswith(" ") else 2)
    return textwrap.fill(
        line,
        shutil.get_terminal_size().columns - 1,
        subsequent_indent=inner,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _sentences(error: BaseException) -> list[str]:
    lines = [clean(line) for line in _message(error).splitlines() if line.strip()]
    mark = "" if isinstance(error, Interrupted | Declined) else "Error: "
    return [f"{mark}{line}" for line in lines]


def _message(error: BaseException) -> str:
    if isinstance(error, EnvwrightError):
        return str(error)
    if is_of_stdout(error):
        return f"The output cannot be written: {getattr(error, 'strerror', error)}."
    if isinstance(error, MistypedCommand):
        return f"{error.format_message().rstrip('.')}. {_where_help_is(error)}"
    return (
        f"envwright itself failed ({type(error).__name__}: {clean(str(error))}). This is no fault "
        f"of yours: please report it to the maintainers, with what `envwright --debug ...` shows."
    )


def _where_help_is(error: object) -> str:
    command = getattr(getattr(error, "ctx", None), "command_path", "envwright")
    return f"`{command} --help` shows what there is."


def _faults(error: FaultySpecs) -> list[str]:
    lines = []
    for file, faults in error.faults.items():
        name = "stdin" if file == "-" else clean(file)
        lines.append(f"{name}: {counted(error.faults_in(file), 'fault')}")
        lines += [f"  {clean(str(fault))}" for fault in faults]
    return [*lines, *([f"  and {error.unshown} more"] if error.unshown else [])]


def _document(error: BaseException) -> dict[str, Any]:
    known = isinstance(error, EnvwrightError)
    kind = "UsageError" if isinstance(error, MistypedCommand) else type(error).__name__
    faults = error.faults if isinstance(error, FaultySpecs) else {}
    return {
        "type": kind if known or kind == "UsageError" else "InternalError",
        "message": _message(error),
        "faults": [
            {"file": file, **asdict(fault)} for file, some in faults.items() for fault in some
        ],
    }
