"""What every command prints with: text that a terminal can be trusted with, and versioned JSON."""

import json
import os
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TextIO

if TYPE_CHECKING:
    from pydantic import BaseModel
    from rich.console import Console
    from rich.text import Text

    from envwright.record import Record, ResourceRecord

JSON_VERSION: Final = 1
"""The version of every JSON document that the command line prints."""

_UNBOUNDED: Final = 1_000_000
"""Columns of an output that is no terminal: whoever reads it does the wrapping."""


def clean(text: str) -> str:
    """The text on one line, without the characters that steer a terminal or hide other text.

    AWS's messages and names go through this: an escape sequence in one must not reach a terminal.
    """
    spaced = "".join(" " if one in "\n\r\t" else one for one in text)
    return "".join(one for one in spaced if unicodedata.category(one)[0] != "C")


def styled(text: str, style: str = "") -> "Text":
    """Cleaned text for Rich, in which square brackets are just that."""
    from rich.text import Text

    return Text(clean(text), style)


def console(stream: TextIO | None = None) -> "Console":
    """A console on stdout, or on the given stream: without colours where `NO_COLOR` says so."""
    from rich.console import Console

    class Unpadded(Console):
        """Prints lines as long as their text is: padding is for terminals."""

        def print(self, *objects: Any, **options: Any) -> None:
            with self.capture() as captured:
                super().print(*objects, **options)
            self.file.writelines(f"{line.rstrip()}\n" for line in captured.get().splitlines())

    stream = stream or sys.stdout
    if stream.isatty():
        return Console(file=stream, markup=False, emoji=False, highlight=False)
    return Unpadded(file=stream, width=_UNBOUNDED, markup=False, emoji=False, highlight=False)


def say(words: str, *, err: bool = False) -> None:
    """Print a sentence; on a terminal it is wrapped between its words."""
    console(sys.stderr if err else sys.stdout).print(styled(words))


@contextmanager
def busy() -> Iterator[Callable[[str], None]]:
    """Says on a terminal what is being done; it is gone from there when it is over."""
    if is_interactive(sys.stderr):
        with console(sys.stderr).status("") as status:
            yield lambda words: status.update(words)
    else:
        yield lambda words: None


def is_interactive(stream: TextIO) -> bool:
    """Whether a person sits in front of it, at a terminal on which lines can be drawn anew."""
    return stream.isatty() and os.environ.get("TERM") not in ("dumb", "unknown")


def duration(seconds: float) -> str:
    """How long something took, as a person says it: 4.2 s, 51 s, 3 min 20 s, 2 h 05 min."""
    if seconds < 9.95:
        return f"{max(seconds, 0):.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def age(seconds: float) -> str:
    """How long ago something was, in its largest unit: 40 s, 12 min, 5 h, 3 d."""
    whole = max(int(seconds), 0)
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if whole >= length:
            return f"{whole // length} {unit}"
    return f"{whole} s"


def ahead(seconds: float) -> str:
    """How long it is until something, to the minute; in days where they are many."""
    return age(seconds) if seconds > 2 * 86400 else duration(seconds)


def print_json(kind: str, lines: bool = False, **fields: Any) -> None:
    """Print one JSON document; on a single line where it is one of many."""
    document = {"version": JSON_VERSION, "kind": kind, **fields}
    sys.stdout.write(json.dumps(document, indent=None if lines else 2) + "\n")
    sys.stdout.flush()


def plain(model: "BaseModel | None") -> Any:
    """A record's part as JSON has it."""
    return None if model is None else model.model_dump(mode="json")


def described(record: "Record") -> dict[str, Any]:
    """A record as JSON has it, without the spec: a spec may hold user data, which is never shown.

    Times are Unix times in seconds.
    """
    return {
        "environment": record.environment_id,
        "name": record.identity.name,
        "region": record.identity.region,
        "recovered": record.recovered is not None,
        "state": record.state,
        "step": record.step,
        "run": plain(record.run),
        "attempt": record.attempt,
        "trouble": record.trouble or None,
        "created_at": record.created_at,
        "updated_at": record.updated_at,
        "expires_at": record.expires_at,
        "failure": plain(record.failure),
        "cleanup_failure": plain(record.cleanup_failure),
        "resources": [
            {"key": key, **plain(resource)} for key, resource in sorted(record.resources.items())
        ],
        "outputs": plain(record.outputs),
    }


def left_over(record: "Record") -> dict[str, "ResourceRecord"]:
    """What the record believes to exist in AWS still, in the order of the steps."""
    from envwright.names import Step
    from envwright.record import ResourceState

    order = {str(step): place for place, step in enumerate(Step)}
    there = [
        (key, resource)
        for key, resource in record.resources.items()
        if resource.state is not ResourceState.GONE
    ]
    return dict(sorted(there, key=lambda one: (order.get(one[0].split("/")[0], 0), one[0])))


def counted(number: int, thing: str) -> str:
    """1 fault, 2 faults."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def joined(words: Iterable[str]) -> str:
    """a, b and c."""
    *first, last = [*words] or [""]
    return f"{', '.join(first)} and {last}" if first else last


def capitalized(words: str) -> str:
    """As it begins a sentence; the rest stays as it is."""
    return words[:1].upper() + words[1:]
