"""The tables and lists that the commands print."""

from collections.abc import Iterable, Mapping
from typing import Final

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from envwright.cli.lines import moment
from envwright.cli.output import age, clean, duration, left_over, styled
from envwright.cli.painter import STATE_STYLES
from envwright.record import Event, Failure, Outputs, Record, ResourceRecord, ResourceState

RESOURCE_STYLES: Final[Mapping[ResourceState, str]] = {
    ResourceState.INTENDED: "cyan",
    ResourceState.CREATED: "",
    ResourceState.READY: "green",
    ResourceState.DELETING: "yellow",
    ResourceState.GONE: "dim",
}


def indented(renderable: RenderableType) -> Padding:
    return Padding(renderable, (0, 0, 0, 2), expand=False)


def columns(*headers: str) -> Table:
    """A table without lines: aligned columns under dim headings."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for header in headers:
        table.add_column(header, overflow="fold")
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


def environments(records: Iterable[Record], now: float) -> Table:
    """All environments, a row each."""
    table = columns("environment", "state", "step", "since", "failure")
    for record in records:
        table.add_row(
            styled(record.environment_id, "bold"),
            Text(record.state, STATE_STYLES[record.state]),
            Text("" if record.at_rest else record.step),
            Text(age(now - record.updated_at), "dim"),
            styled(record.failure.message if record.failure else "", "red"),
        )
    table.columns[3].justify = "right"
    for column in table.columns[1:]:
        column.no_wrap, column.overflow = True, "ellipsis"
    return table


def about(record: Record, now: float) -> Table:
    """What `status` says beside steps and resources."""
    run = record.run
    return facts(
        [
            ("name", record.spec.name),
            ("region", record.spec.region),
            ("run", f"{run.kind} ({run.reason}), {run.id}"),
            ("step", f"{record.step}, attempt {record.attempt}" if not record.at_rest else ""),
            ("accepted", f"{moment(run.accepted_at)}, {age(now - run.accepted_at)} ago"),
            ("changed", f"{moment(record.updated_at)}, {age(now - record.updated_at)} ago"),
            ("deadline", "" if record.at_rest else moment(run.deadline_at)),
        ]
    )


def resources(record: Record, now: float) -> RenderableType:
    """What the record knows to exist, and how much of it is gone."""
    there = left_over(record)
    table = columns("resource", "state", "ids", "age")
    table.columns[1].no_wrap = table.columns[3].no_wrap = True
    table.columns[3].justify = "right"
    for key, resource in there.items():
        table.add_row(
            styled(key),
            Text(resource.state, RESOURCE_STYLES[resource.state]),
            _ids(resource),
            Text(age(now - resource.at), "dim"),
        )
    gone = len(record.resources) - len(there)
    note = Text(f"{gone} gone" if there else f"no resources are left, {gone} are gone", "dim")
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
        table.add_row(styled(key), _ids(resource))
    return table


def instances(outputs: Outputs, limit: int | None = None) -> Table:
    """The instances with their zones and addresses."""
    table = columns("instance", "group", "zone", "private", "public")
    shown = outputs.instances[:limit]
    for one in shown:
        cells = (one.id, one.group, one.zone, one.private_ip, one.public_ip)
        table.add_row(*(styled(cell or "-") for cell in cells))
    hidden = len(outputs.instances) - len(shown)
    if hidden:
        table.add_row(Text(f"and {hidden} more", "dim"))
    return table


def outputs_in_full(outputs: Outputs) -> Group:
    """All that a caller needs of a ready environment."""
    table = columns("output", "id", "name")
    table.add_row("vpc", styled(outputs.vpc_id), "")
    for name, subnet in outputs.subnets.items():
        table.add_row("subnet", styled(subnet), styled(name))
    for name, group in outputs.security_groups.items():
        table.add_row("security group", styled(group), styled(name))
    if outputs.key_pair:
        table.add_row("key pair", styled(outputs.key_pair), "")
    return Group(table, Text(), instances(outputs)) if outputs.instances else Group(table)


def events(history: Iterable[Event]) -> Table:
    """What happened, in its order."""
    table = columns("time", "step", "resource", "state", "message")
    table.columns[0].no_wrap = True
    for event in history:
        message = " ".join(filter(None, (event.message, " ".join(event.ids))))
        if event.seconds is not None:
            message = f"{duration(event.seconds)} {message}".strip()
        table.add_row(
            Text(moment(event.at), "dim"),
            Text(event.step or ""),
            styled((event.resource or "").removeprefix(f"{event.step}/")),
            styled(event.state or event.type, "red" if event.type == "failure" else ""),
            styled(message),
        )
    return table


def _ids(resource: ResourceRecord) -> Text:
    return Text(clean(" ".join(resource.ids)), "dim")
