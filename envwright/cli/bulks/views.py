"""What is shown of bulks, and said of what was asked of one."""

import sys
from typing import TYPE_CHECKING, Final

from rich.table import Table
from rich.text import Text

from envwright.bulk import Bulk, BulkState
from envwright.cli.bulks.display import described
from envwright.cli.bulks.painter import BULK_STYLES, counts_in_words, picture
from envwright.cli.bulks.report import Outcome
from envwright.cli.bulks.requests import goal_of
from envwright.cli.bulks.watch import Progress, titled
from envwright.cli.output import age, capitalized, console, print_json, say, styled
from envwright.cli.painter import Painter, marks_for
from envwright.cli.tables import columns, facts, indented
from envwright.moments import moment

if TYPE_CHECKING:
    from envwright.client import Client

_WIDE: Final = 76
"""Columns from which on a bulk's age fits beside its counts and some of its name."""


def show_bulks(client: "Client", as_json: bool) -> None:
    """All bulks, a line each, the newest first."""
    found = [*client.bulks()]
    if as_json:
        print_json("bulks", bulks=[described(one) for one in found])
    elif found:
        out = console()
        out.print(_table(found, client.now(), out.width))
    else:
        sys.stderr.write("There are no bulks to show: `envwright bulk FILE` begins one.\n")


def show_bulk(client: "Client", bulk: Bulk, as_json: bool) -> None:
    """One bulk: how it stands, since when, why members failed, and what to do."""
    outcome = Outcome(client, bulk, goal_of(bulk))
    if as_json:
        print_json("report", **outcome.document())
        return
    out = console()
    marks = marks_for(out)
    painter = Painter(marks, out.width, client.now())
    out.print(*picture(painter, Progress(bulk, ()), height=0), sep="\n")
    out.print()
    out.print(indented(_about(bulk)))
    outcome.explain_on(out, marks)


def tell_paused(bulk: Bulk, as_json: bool) -> None:
    """That no more of it is let in."""
    _tell(
        bulk,
        as_json,
        f"is paused, {bulk.waiting} in line and {bulk.under_way} under way: those that a worker "
        f"has begun go on. `envwright bulks resume {bulk.id}` lets in the others.",
        otherwise="there is nothing to pause",
    )


def tell_resumed(bulk: Bulk, as_json: bool) -> None:
    """That it goes on."""
    _tell(
        bulk,
        as_json,
        f"goes on, {counts_in_words(bulk)}. `envwright bulks watch {bulk.id}` shows how.",
        otherwise="there is nothing to go on with",
    )


def _tell(bulk: Bulk, as_json: bool, what: str, *, otherwise: str) -> None:
    """Say this of it; `otherwise` is why that is not so where the bulk is done."""
    if as_json:
        print_json("bulk", bulk=described(bulk))
        return
    is_done = bulk.state is BulkState.DONE
    told = f"is done: {otherwise}." if is_done else what
    say(f"{capitalized(titled(bulk))} {told}")


def _about(bulk: Bulk) -> Table:
    limit = "" if bulk.max_failures is None else f"{bulk.max_failures}, {bulk.failures} so far"
    # `down` lets nothing in either, and is no pause.
    paused_at = bulk.paused_at if bulk.state is BulkState.PAUSED else None
    return facts(
        [
            ("bulk", bulk.id),
            ("name", bulk.name or ""),
            ("priority", bulk.priority),
            ("failures allowed", limit),
            ("asked for", moment(bulk.created_at)),
            ("begun", moment(bulk.started_at) if bulk.started_at else ""),
            ("paused", moment(paused_at) if paused_at else ""),
            ("done", moment(bulk.finished_at) if bulk.finished_at else ""),
        ]
    )


def _table(bulks: list[Bulk], now: float, width: int) -> Table:
    """All bulks, a line each in `width` columns; a long name is cut, and an id never."""
    with_age = width >= _WIDE
    counts = ("at rest", "failed", "in line", "of", *(("age",) if with_age else ()))
    table = columns("bulk", "name", "state", *counts)
    for column in table.columns:
        column.no_wrap = True
    for column in table.columns[3:]:
        column.justify = "right"
    table.columns[1].no_wrap, table.columns[1].overflow = False, "ellipsis"
    for one in bulks:
        table.add_row(
            styled(one.id, "bold"),
            styled(one.name or ""),
            Text(one.state, BULK_STYLES[one.state]),
            Text(str(one.at_rest)),
            Text(str(one.failed), "red" if one.failed else "dim"),
            Text(str(one.waiting), "" if one.waiting else "dim"),
            Text(str(one.total)),
            *([Text(age(now - one.created_at), "dim")] if with_age else []),
        )
    return table
