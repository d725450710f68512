"""Move the end of an environment's time to live."""

from datetime import datetime
from typing import Annotated

import typer

from envwright.cli import exits, inputs
from envwright.cli.options import NO_VALUE, Json, Name, RedisUrl


def extend(
    name: Name,
    by: Annotated[
        str | None,
        typer.Argument(
            metavar="DURATION",
            show_default=False,
            help="How much longer it lives, such as 30m, 2h or 7d; from now, if it has no end yet.",
        ),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            show_default=False,
            help="When it ends instead, such as 2026-12-24T18:00:00Z; earlier is possible too.",
        ),
    ] = None,
    never: Annotated[
        bool, typer.Option("--never", metavar=NO_VALUE, help="It has no end any more.")
    ] = False,
    as_json: Json = False,
    redis_url: RedisUrl = None,
) -> int:
    """Move the end of an environment's life, or give it one."""
    from envwright.cli.views import show_end

    if (by is not None) + (until is not None) + never != 1:
        raise exits.UsageError("Give a duration such as 2h, or --until TIME, or --never.")
    seconds = None if by is None else _seconds(by)
    at = None if until is None else _unix_time(until)
    with inputs.connect(redis_url) as client:
        record = client.extend(name, by=seconds, until=at, never=never)
        show_end(client, record, as_json)
    return exits.OK


def _seconds(text: str) -> int:
    from envwright.cli.output import clean
    from envwright.spec.durations import duration

    seconds = duration(text)
    if not seconds:
        raise exits.UsageError(f"{clean(text)!r} is no duration: give one such as 30m, 2h or 7d.")
    return seconds


def _unix_time(text: str) -> float:
    from envwright.cli.output import clean

    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise exits.UsageError(
            f"{clean(text)!r} is no time: give one such as 2026-12-24T18:00:00Z."
        ) from None
    if at.tzinfo is None:
        raise exits.UsageError(
            f"{clean(text)!r} does not say in which zone: end it in Z for UTC, or in an offset "
            f"such as +02:00."
        )
    return at.timestamp()
