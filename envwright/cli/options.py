"""The arguments and options that several commands share."""

import math
from typing import Annotated

import typer

from envwright.priority import Priority

NO_VALUE = ""
"""What a flag takes: without it, the help would say `<bool>`."""

Files = Annotated[
    list[str], typer.Argument(metavar="FILE", help="Spec files, YAML or JSON; `-` is stdin.")
]
File = Annotated[str, typer.Argument(metavar="FILE", help="A spec file; `-` is stdin.")]
Names = Annotated[list[str], typer.Argument(metavar="NAME", help="Environments, by name or by id.")]
SomeNames = Annotated[
    list[str] | None,
    typer.Argument(metavar="NAME", help="Environments, by name or by id.", show_default=False),
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="An environment, by name or by id.")]
Json = Annotated[bool, typer.Option("--json", metavar=NO_VALUE, help="Print one JSON document.")]
JsonEvents = Annotated[
    bool, typer.Option("--json", metavar=NO_VALUE, help="Print JSON, an event a line.")
]
JsonWatch = Annotated[
    bool,
    typer.Option(
        "--json", metavar=NO_VALUE, help="Print JSON, a document a line: events, then the result."
    ),
]
JsonRun = Annotated[
    bool,
    typer.Option(
        "--json",
        metavar=NO_VALUE,
        help="Print JSON, a document a line: what was accepted, events, the result.",
    ),
]
JsonBulk = Annotated[
    bool,
    typer.Option(
        "--json",
        metavar=NO_VALUE,
        help="Print JSON, a document a line: what was accepted, the progress, the report.",
    ),
]
Order = Annotated[Priority, typer.Option(help="Which of the jobs that wait goes first.")]
NoWait = Annotated[
    bool,
    typer.Option("--no-wait", metavar=NO_VALUE, help="Return as soon as the job is on record."),
]
Force = Annotated[
    bool,
    typer.Option(
        "--force", metavar=NO_VALUE, help="Also instances that are protected from termination."
    ),
]
Yes = Annotated[
    bool,
    typer.Option("--yes", "-y", metavar=NO_VALUE, help="Do not ask, also not on a terminal."),
]


def seconds(text: str) -> float:
    """What was typed, as a number of seconds."""
    try:
        given = float(text)
    except ValueError:
        given = math.nan
    if not 0 <= given < math.inf:
        raise typer.BadParameter(f"{text!r} is no number of seconds: give one such as 900.")
    return given


Timeout = Annotated[
    float | None,
    typer.Option(
        metavar="SECONDS",
        parser=seconds,
        show_default=False,
        help="Stop waiting after this time, with exit code 1; the job goes on.",
    ),
]
Report = Annotated[
    str | None,
    typer.Option(
        metavar="FILE", show_default=False, help="Write the report into this file, as JSON."
    ),
]
RedisUrl = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        envvar="ENVWRIGHT_REDIS_URL",
        show_default=False,
        help="Redis. A password is better kept in the variable.",
    ),
]
