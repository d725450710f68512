"""Draws a bulk as lines of text, and tells it in words."""

from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap
from typing import Final

from rich.text import Text

from envwright.bulk import Bulk, BulkState
from envwright.cli.bulks.failures import Sort
from envwright.cli.bulks.standstill import in_words, standstill
from envwright.cli.bulks.watch import Progress, is_over
from envwright.cli.output import clean, counted, duration
from envwright.cli.painter import STATE_STYLES, Painter, tally, ticking
from envwright.states import AT_REST, State

BULK_STYLES: Final[Mapping[BulkState, str]] = {
    BulkState.OPEN: "cyan",
    BulkState.RUNNING: "cyan",
    BulkState.PAUSED: "yellow",
    BulkState.DONE: "green",
}

_LONGEST_BAR: Final = 58


def picture(painter: Painter, progress: Progress, height: int) -> list[Text]:
    """A bulk with its members counted, and why some failed, as far as `height` allows."""
    bulk = progress.bulk
    lines = [
        _head(painter, bulk),
        Text(),
        _bar(painter, bulk),
        *tally(_counts(bulk), painter.width),
        *[painter.line(Text(f"  {one}", "dim")) for one in [pace_in_words(progress)] if one],
        *[line for one in _notices(bulk) for line in wrapped(one, painter.width)],
    ]
    if is_over(bulk):
        return lines  # Why some failed is told in full by the report.
    room = max(height - len(lines) - 1, 1)
    return [*lines, *_failures(painter, progress.failures, room)]


def counts_in_words(bulk: Bulk) -> str:
    """1 of 3 at rest: 1 ready, 2 in line."""
    if not bulk.total:
        return "no members"
    told = ", ".join(f"{count} {word}" for word, count, _ in _counts(bulk) if count)
    return f"{bulk.at_rest} of {bulk.total} at rest: {told}"


def pace_in_words(progress: Progress) -> str:
    if progress.a_minute is None or not _is_moving(progress.bulk):
        return ""  # It would be that of a better time.
    rate = f"{progress.a_minute:.0f}" if progress.a_minute >= 9.5 else f"{progress.a_minute:.1f}"
    if progress.left is None or progress.bulk.state is not BulkState.RUNNING:
        return f"{rate} a minute"
    return f"{rate} a minute, about {duration(max(round(progress.left, -1), 10))} left"


def _is_moving(bulk: Bulk) -> bool:
    is_held = bulk.state is BulkState.PAUSED and not bulk.under_way
    return not (is_held or bulk.state is BulkState.DONE or standstill(bulk))


def _head(painter: Painter, bulk: Bulk) -> Text:
    head = Text.assemble((clean(bulk.name or bulk.id), "bold"), "  ")
    head.append(bulk.state, BULK_STYLES[bulk.state])
    if bulk.name:
        head.append(f"  {bulk.id}", "dim")
    seconds = (bulk.finished_at or painter.now) - bulk.created_at
    return painter.line(head, ticking(seconds, bulk.state is BulkState.DONE))


def _counts(bulk: Bulk) -> list[tuple[str, int, str]]:
    """Its members by state; of those that are queued, who waits in line is told apart."""
    queued = bulk.states.get(State.QUEUED, 0) - bulk.waiting
    counts = {**bulk.states, State.QUEUED: queued}
    at_rest_first = sorted(State, key=lambda one: (one is not State.READY, one not in AT_REST))
    return [
        *((str(state), counts.get(state, 0), STATE_STYLES[state]) for state in at_rest_first),
        ("in line", bulk.waiting, "dim"),
        ("without a record", bulk.total - sum(bulk.states.values()), "red"),
    ]


def _bar(painter: Painter, bulk: Bulk) -> Text:
    """A part each for what is as it should be, what failed, what is under way, and the rest."""
    width = max(min(painter.width - 9, _LONGEST_BAR), 10)
    good = sum(bulk.states.get(one, 0) for one in (State.READY, State.DESTROYED))
    parts = [
        (good, painter.marks.bar[0], "green"),
        (bulk.at_rest - good, painter.marks.bar[0], "red"),
        (bulk.under_way, painter.marks.bar[1], "cyan"),
    ]
    line, drawn, so_far = Text("  "), 0, 0
    for count, sign, style in parts:
        so_far += count
        end = round(so_far / bulk.total * width) if bulk.total else 0
        line.append(sign * (end - drawn), style)
        drawn = end
    line.append(painter.marks.bar[2] * (width - drawn), "dim")
    share = int(bulk.at_rest / bulk.total * 100) if bulk.total else 100
    return line.append(f" {share:3} %", "dim")


def wrapped(words: str, width: int) -> list[Text]:
    """A notice on as many lines as it takes."""
    return [Text(f"  {one}", "yellow") for one in wrap(words, max(width - 2, 10))]


def _notices(bulk: Bulk) -> Iterator[str]:
    if bulk.state is BulkState.PAUSED and bulk.paused_because:
        if not is_over(bulk):  # Then the report says so.
            yield f"paused: {clean(bulk.paused_because)}"
    elif bulk.state is BulkState.PAUSED:
        yield "paused; those that a worker has begun go on" if bulk.under_way else "paused"
    elif _begins_slowly(bulk):
        yield "It begins with a few, for --max-failures: more follow as these get on."
    if why := in_words(bulk):
        yield why


def _begins_slowly(bulk: Bulk) -> bool:
    is_first_wave = bulk.under_way and not bulk.states.get(State.READY)
    return bool(bulk.max_failures is not None and bulk.waiting and is_first_wave)


def _failures(painter: Painter, sorts: Sequence[Sort], room: int) -> list[Text]:
    if not sorts:
        return []
    shown = sorts if len(sorts) < room else sorts[: max(room - 2, 0)]
    lines = [Text()]
    widest = max((len(one.title) for one in shown), default=0)
    for one in shown:
        line = Text.assemble("  ", (painter.marks.failed, "red"), f" {one.count:5}  ")
        line.append(f"{one.title:{widest}}  ", "red").append(clean(one.who), "dim")
        lines.append(painter.line(line))
    if len(shown) < len(sorts):
        lines.append(Text(f"  and {counted(len(sorts) - len(shown), 'sort')} more", "dim"))
    return lines
