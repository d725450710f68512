"""The tables and lists that the commands print."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from envwright.cli.lines import sentence
from envwright.cli.output import age, ahead, clean, duration, left_over, styled
from envwright.cli.painter import STATE_STYLES, title
from envwright.failure import Failure
from envwright.moments import moment
from envwright.parked import Parked
from envwright.record import Event, Record, ResourceRecord, ResourceState
from envwright.states import CHANGEABLE, State
from envwright.targets import missing_from

RESOURCE_STYLES: Final[Mapping[ResourceState, str]] = {
    ResourceState.INTENDED: "cyan",
    ResourceState.CREATED: "",
    ResourceState.READY: "green",
    ResourceState.DELETING: "yellow",
    ResourceState.GONE: "dim",
}


WISH_IS_LOST: Final = "from tags: what was wished for is lost"


def indented(renderable: RenderableType) -> Padding:
    return Padding(renderable, (0, 0, 0, 2), expand=False)


def columns(*headers: str) -> Table:
    """A table without lines: aligned columns under dim headings."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for header in headers:
        table.add_column(Text(header), overflow="fold")
    return table


def facts(rows: Iterable[tuple[str, str]]) -> Table:
    """Words and what they stand for, under each other; rows with nothing to say are left out."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold")
    for word, value in rows:
        if value:
            table.add_row(word, styled(value))
    return table


def environments(records: Sequence[Record], now: float, width: int) -> Table:
    """All environments, a line each in `width` columns; a failure gets what the others leave."""
    # An own column only where it says something: terminals are narrow.
    with_ends = any(record.expires_at is not None for record in records)
    ends = ("ends in",) if with_ends else ()
    table = columns("environment", "state", "step", "since", *ends, "failure")
    for record in records:
        at = record.expires_at
        table.add_row(
            styled(record.environment_id, "bold"),
            Text(record.state, STATE_STYLES[record.state]),
            Text("" if record.at_rest else record.step),
            Text(age(now - record.updated_at), "dim"),
            *([Text(_ends_in(at, now))] if with_ends else []),
            _why_in_brief(record),
        )
    table.columns[3].justify = "right"
    left = width
    for column in table.columns[-2::-1]:
        column.no_wrap, column.overflow = True, "ellipsis"
        cells = [cell.cell_len for cell in column.cells if isinstance(cell, Text)]
        column.width = min(max(*cells, cell_len(str(column.header))), max(left - 2, 1))
        left -= column.width + 2
    failure = table.columns[-1]
    failure.no_wrap, failure.overflow, failure.max_width = True, "ellipsis", max(left, 1)
    return table


def _ends_in(at: float | None, now: float) -> str:
    if at is None:
        return ""
    return ahead(at - now) if at > now else "passed"


def _why_in_brief(record: Record) -> Text:
    if record.trouble:
        return styled(f"waiting: {record.trouble}", "yellow")
    if record.state is State.RECOVERED:
        return styled(f"recovered {WISH_IS_LOST}", "yellow")
    failure = record.cleanup_failure or record.failure
    return styled(failure.message if failure else "", "red")


def about(record: Record, now: float) -> Table:
    """What `status` says beside steps and resources."""
    run = record.run
    return facts(
        [
            ("name", record.identity.name),
            ("region", record.identity.region),
            ("recovered", WISH_IS_LOST if record.recovered else ""),
            ("run", f"{run.kind} ({run.reason}), {run.id}"),
            ("bulk", run.bulk or ""),
            ("step", f"{record.step}, attempt {record.attempt}" if not record.at_rest else ""),
            ("accepted", f"{moment(run.accepted_at)}, {age(now - run.accepted_at)} ago"),
            ("changed", f"{moment(record.updated_at)}, {age(now - record.updated_at)} ago"),
            ("deadline", deadline(record)),
            ("ends", end(record, now)),
            ("tried again", tried_again(record)),
            ("instances", fewer_instances(record)),
        ]
    )


def deadline(record: Record) -> str:
    """When its run is given up; empty when none is under way."""
    if record.at_rest:
        return ""
    if record.waits_in_line:
        return f"{duration(record.run.limit)} after it is let in: it waits in line"
    return moment(record.run.deadline_at)


def end(record: Record, now: float) -> str:
    """When an environment is destroyed by itself; empty when it is not."""
    if record.life_to_begin is not None:
        return f"{ahead(record.life_to_begin)} after it is let in: it waits in line"
    at = record.expires_at
    if at is None:
        return ""
    return f"{moment(at)}, in {ahead(at - now)}" if at > now else f"{moment(at)}, which has passed"


def tried_again(record: Record) -> str:
    """When a cleanup that failed is tried again by itself; empty when it is not."""
    at = record.run.retry_at
    is_waiting = record.state is State.CLEANUP_FAILED and at is not None and at > record.updated_at
    return moment(at) if at is not None and is_waiting else ""


def fewer_instances(record: Record) -> str:
    """Which groups have fewer instances than their spec asks for, where all should be there."""
    if record.state not in CHANGEABLE:
        return ""
    return ", ".join(
        f"{there} of {count} of {group}" for group, (there, count) in missing_from(record).items()
    )


def resources(record: Record, now: float) -> RenderableType:
    """What the record knows to exist, and how much of it is gone."""
    there = left_over(record)
    table = columns("resource", "state", "ids", "age")
    table.columns[1].no_wrap = table.columns[3].no_wrap = True
    table.columns[3].justify = "right"
    for key, resource in there.items():
        table.add_row(
            styled(title(key)),
            Text(resource.state, RESOURCE_STYLES[resource.state]),
            _ids(resource),
            Text(age(now - resource.at), "dim"),
        )
    gone = len(record.resources) - len(there)
    told = f"{gone} {'was' if gone == 1 else 'were'} taken down"
    note = Text(told if there else f"nothing is left, {told}", "dim")
    return Group(*([table] if there else []), *([note] if gone else []))


def why(failure: Failure) -> Table:
    """Why it failed, on what, and AWS's own words, which its support asks for first."""
    answer = " answered ".join(filter(None, (failure.action, failure.code)))
    return facts(
        [
            ("why", failure.message),
            ("category", failure.category),
            ("resource", failure.resource or ""),
            ("AWS", answer),
            ("request id", failure.request_id or ""),
        ]
    )


def leftovers(record: Record) -> Table:
    """What a cleanup could not take down."""
    table = columns("resource", "ids")
    for key, resource in left_over(record).items():
        table.add_row(styled(title(key)), _ids(resource))
    return table


def events(history: Iterable[Event]) -> Table:
    """What happened, in its order."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold")
    for event in history:
        style = "red" if event.type == "failure" else ""
        table.add_row(moment(event.at), Text(sentence(event), style))
    return table


def parked(found: Parked, now: float) -> Group:
    """What was set aside: the messages, the newest first, and the records."""
    messages = columns("parked", "task", "content type", "bytes", "delivered", "why")
    for one in found.messages:
        messages.add_row(
            Text(f"{age(now - one.at)} ago", "dim"),
            styled(one.task or "-", "bold"),
            styled(one.content_type or "-"),
            Text(str(one.size)),
            Text(f"{one.deliveries} times"),
            styled(one.why, "red"),
        )
    records = columns("environment", "why")
    for environment_id, why_not in found.records.items():
        records.add_row(styled(environment_id, "bold"), styled(why_not, "red"))
    shown = [table for table in (messages, records) if table.row_count]
    return Group(*([shown[0], Text(), shown[1]] if len(shown) > 1 else shown))


def _ids(resource: ResourceRecord) -> Text:
    """The ids that AWS knows; an attachment and a route have none but those of their ends."""
    return Text(clean(" ".join(one for one in resource.ids if "@" not in one)), "dim")
