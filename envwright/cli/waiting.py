"""Wait for environments, show what happens meanwhile, and report how they ended."""

import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from envwright.cli import exits
from envwright.cli.lines import Display, JsonDisplay, LineDisplay
from envwright.cli.output import console, counted, described, is_interactive, joined, print_json
from envwright.cli.watch import Watch
from envwright.client import Client
from envwright.record import Record
from envwright.states import State

Goal = Collection[State]
"""The states that a command was given to reach."""

BUILT: Final = frozenset({State.READY})
TAKEN_DOWN: Final = frozenset({State.CLEANED, State.DESTROYED})
CALLED_OFF: Final = TAKEN_DOWN | {State.FAILED}
"""Where a run that was cancelled ends, as its spec says."""
SETTLED: Final = frozenset({State.READY, State.DESTROYED})
"""What `watch` takes for a good end: a `cleaned` environment is one that failed."""


@dataclass(frozen=True, slots=True)
class Awaited:
    """An environment to wait for, from which run on, and what shall become of it."""

    environment_id: str
    run_id: str
    goal: Goal
    is_ours: bool
    """Whether its run is one that this command began, so that all of it is news."""


def wait_for(
    client: Client,
    awaited: Iterable[Awaited],
    *,
    timeout: float | None,
    as_json: bool,
    refused: Sequence[dict[str, Any]] = (),
) -> int:
    """Wait until all are at rest, and answer with the exit code.

    `refused` are requests that came to nothing, as the result in JSON shall name them.

    Raises `WaitTimeout`, `StoreUnavailable`, and `Interrupted` on Ctrl-C; the jobs go on.
    """
    wanted = {one.environment_id: one for one in awaited}
    records: dict[str, Record] = {}
    news = {name for name, one in wanted.items() if one.is_ours}
    display = _display(client, as_json)
    watch = Watch(
        client,
        {one.environment_id: one.run_id for one in wanted.values()},
        timeout=timeout,
        on_outage=display.show_outage,
    )
    try:
        with display:
            for update in watch:
                record = update.record
                is_known = record.environment_id in records or record.environment_id in news
                records[record.environment_id] = record
                if not record.at_rest:
                    news.add(record.environment_id)
                if is_known:
                    display.show(update)
                elif not record.at_rest or len(wanted) > 1:
                    display.join(update)
    except KeyboardInterrupt:
        raise exits.Interrupted(_how_to_go_on(list(wanted))) from None
    _report(records, wanted, news, as_json, refused)
    reached = all(records[name].state in one.goal for name, one in wanted.items())
    return exits.OK if reached else exits.FAILED


def _display(client: Client, as_json: bool) -> Display:
    if as_json:
        return JsonDisplay()
    if not is_interactive(sys.stdout):
        return LineDisplay()
    from envwright.cli.progress import LiveDisplay

    return LiveDisplay(console(), client.now())


def _report(
    records: Mapping[str, Record],
    wanted: Mapping[str, Awaited],
    news: Collection[str],
    as_json: bool,
    refused: Sequence[dict[str, Any]],
) -> None:
    if as_json:
        ended = [
            {"reached": record.state in wanted[name].goal, **described(record)}
            for name, record in records.items()
        ]
        print_json("result", lines=True, environments=[*ended, *refused])
        return
    from envwright.cli.painter import marks_for
    from envwright.cli.results import Report

    out = console()
    report = Report(out, marks_for(out))
    if len(records) > 1:
        goals = {name: one.goal for name, one in wanted.items()}
        report.several(list(records.values()), goals)
    for name, record in records.items() if len(records) == 1 else ():
        out.print()
        report.ended(record, wanted[name].goal, is_news=name in news)


def _how_to_go_on(names: list[str]) -> str:
    several = len(names) > 1
    who = counted(len(names), "environment") if len(names) > 5 else joined(names)
    some = " ".join(names[:5])
    return (
        f"Stopped watching {who}; the {'jobs go' if several else 'job goes'} on.\n"
        f"`envwright watch {some}` shows {'them' if several else 'it'} again, "
        f"`envwright down {some}` takes {'them' if several else 'it'} down."
    )
