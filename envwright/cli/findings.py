"""What `recover` and `orphans` show of what AWS holds and no record names."""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import typer

from envwright.cli.output import clean, console, counted, described, joined, print_json, styled
from envwright.cli.tables import columns, indented
from envwright.record import Record
from envwright.recovery import Findings, Lost, Recovery
from envwright.survey import Place, Stray

Resources = Mapping[str, tuple[str, ...]]


def look_in(recovery: Recovery, places: Sequence[Place], timeout: float) -> list[Findings]:
    """What there is in these places, one after the other."""
    return [recovery.look(place, timeout) for place in places]


def show_recovered(found: Sequence[Findings], records: Sequence[Record], as_json: bool) -> None:
    """Which records were written, place by place, and what to do next."""
    if as_json:
        print_json(
            "recover",
            places=[{**_place(one.place), "on_record": one.on_record} for one in found],
            environments=[described(one) for one in records],
            strays=_strays(found),
        )
        return
    for one in found:
        before = f"{counted(one.on_record, 'environment')} had a record" if one.on_record else ""
        news = f"{counted(len(one.lost), 'record')} written anew" if one.lost else ""
        nothing = "no environment can be told" if one.strays else "nothing carries envwright's tags"
        told = joined(filter(None, (before, news))) or nothing
        typer.echo(f"{one.place}: {told}.")
    _section(
        "",
        ("environment", "resources"),
        [
            (one.environment_id, _counts({key: it.ids for key, it in one.resources.items()}))
            for one in records
        ],
    )
    if records:
        typer.echo(
            "What these were to be is lost, so they can be seen and taken down, and not built on: "
            "`envwright list --state recovered`, `envwright down NAME`."
        )
    _show_strays(found)


def show_orphans(found: Sequence[Findings], as_json: bool, *, lines: bool) -> None:
    """All that has our tags and is in no record. `lines` says that more documents follow."""
    if as_json:
        print_json(
            "orphans",
            lines=lines,
            places=[_place(one.place) for one in found],
            environments=[_lost(one) for some in found for one in some.lost],
            unrecorded=[
                {
                    "environment": one.environment_id,
                    "state": one.state,
                    "resources": _resources(one.resources),
                }
                for some in found
                for one in some.unrecorded
            ],
            strays=_strays(found),
        )
        return
    _section(
        "Without a record:",
        ("environment", "record", "resources", "ids"),
        [
            (
                one.holding.environment_id,
                one.holding.uid,
                _counts(one.holding.resources),
                _ids(one.holding.resources),
            )
            for some in found
            for one in some.lost
        ],
    )
    _section(
        "Not in the record of its environment, and left alone:",
        ("environment", "state", "resources", "ids"),
        [
            (one.environment_id, one.state, _counts(one.resources), _ids(one.resources))
            for some in found
            for one in some.unrecorded
        ],
    )
    _show_strays(found)
    if not any(one.lost or one.unrecorded or one.strays for one in found):
        where = joined(str(one.place) for one in found)
        typer.echo(f"All that carries envwright's tags in {where} is on record.")


def really_delete(doomed: Sequence[Lost]) -> bool:
    """Ask on a terminal whether these shall be taken down; elsewhere the command is enough."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return True
    them = "it" if len(doomed) == 1 else f"these {len(doomed)}"
    return typer.confirm(f"Take {them} down?", err=True)


def _show_strays(found: Sequence[Findings]) -> None:
    _section(
        "It cannot be told whose these are, and they are left alone:",
        ("id", "why"),
        [(one.id, one.why) for one in _all_strays(found)],
    )


def _section(title: str, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table under its title; nothing, where there are no rows."""
    if not rows:
        return
    table = columns(*headers)
    for first, *others in rows:
        table.add_row(styled(first, "bold"), *map(styled, others))
    out = console()
    if title:
        out.print(styled(title))
    out.print(indented(table))
    out.print()


def _all_strays(found: Sequence[Findings]) -> Iterator[Stray]:
    return (one for some in found for one in some.strays)


def _strays(found: Sequence[Findings]) -> list[dict[str, Any]]:
    return [{"id": one.id, "why": one.why} for one in _all_strays(found)]


def _place(place: Place) -> dict[str, Any]:
    """A place as JSON has it, without the external id."""
    return {"region": place.region, "role_arn": place.account.role_arn if place.account else None}


def _lost(lost: Lost) -> dict[str, Any]:
    return {
        "environment": lost.holding.environment_id,
        "record": lost.holding.uid,
        **_place(lost.place),
        "resources": _resources(lost.holding.resources),
    }


def _resources(resources: Resources) -> list[dict[str, Any]]:
    return [{"key": key, "ids": list(ids)} for key, ids in sorted(resources.items())]


def _counts(resources: Resources) -> str:
    """How many there are of each kind: 1 vpc, 2 subnet."""
    counts: Counter[str] = Counter()
    for key, ids in resources.items():
        counts[key.split("/")[1]] += len(ids)
    return ", ".join(f"{number} {clean(kind)}" for kind, number in counts.items())


def _ids(resources: Resources) -> str:
    return " ".join(one for ids in resources.values() for one in ids)
