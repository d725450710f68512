"""The tables and lists that the commands print."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from envwright.cli.lines import sentence
from envwright.cli.output import age, ahead, clean, left_over, styled
from envwright.cli.painter import STATE_STYLES, title
from envwright.failure import Failure
from envwright.moments import moment
from envwright.outputs import Outputs
from envwright.parked import Parked
from envwright.record import Event, Record, ResourceRecord, ResourceState
from envwright.sight import Sight
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

_WIDE: Final = 110
"""Columns from which on an instance's type and subnet fit beside its addresses."""


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
            *([Text("" if at is None else ahead(at - now))] if with_ends else []),
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
            ("step", f"{record.step}, attempt {record.attempt}" if not record.at_rest else ""),
            ("accepted", f"{moment(run.accepted_at)}, {age(now - run.accepted_at)} ago"),
            ("changed", f"{moment(record.updated_at)}, {age(now - record.updated_at)} ago"),
            ("deadline", "" if record.at_rest else moment(run.deadline_at)),
            ("ends", end(record, now)),
            ("tried again", tried_again(record)),
            ("instances", fewer_instances(record)),
        ]
    )


def end(record: Record, now: float) -> str:
    """When an environment is destroyed by itself; empty when it is not."""
    at = record.expires_at
    return "" if at is None else f"{moment(at)}, in {ahead(at - now)}"


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


def instances(outputs: Outputs, limit: int | None = None, *, with_place: bool = False) -> Table:
    """The instances with their zones and addresses, and with their type and subnet."""
    headers = ("instance", "group", "zone", "private", "public")
    shown = outputs.instances[:limit]
    with_state = any(one.state != "running" for one in shown)
    more = (*(("type", "subnet") if with_place else ()), *(("state",) if with_state else ()))
    table = columns(*headers, *more)
    for one in shown:
        cells = (one.id, one.group, one.zone, one.private_ip, one.public_ip)
        place = (one.type, one.subnet_id) if with_place else ()
        state = (one.state,) if with_state else ()
        table.add_row(*(styled(cell or "-") for cell in cells + place + state))
    hidden = len(outputs.instances) - len(shown)
    if hidden:
        table.add_row(Text(f"and {hidden} more", "dim"))
    return table


def seen(sight: Sight, now: float, width: int) -> Group:
    """The instances as AWS has them; what needs more columns has a table of its own."""
    stands = ("instance", "group", "state", "checks", "private", "public")
    made = ("zone", "type", "image", "launched")
    rows = [
        (
            (one.id, one.group, one.state or "unknown", one.checks, one.private_ip, one.public_ip),
            (one.zone, one.type, one.image, _ago(one.launched_at, now)),
        )
        for one in sight.instances
    ]
    if width >= _WIDE:
        return Group(_filled((*stands, *made), [(*first, *second) for first, second in rows]))
    return Group(
        _filled(stands, [first for first, _ in rows]),
        Text(),
        _filled(("instance", *made), [(first[0], *second) for first, second in rows]),
    )


def _filled(headers: Sequence[str], rows: Iterable[Sequence[str | None]]) -> Table:
    table = columns(*headers)
    for row in rows:
        table.add_row(*(styled(cell or "-") for cell in row))
    return table


def _ago(at: float | None, now: float) -> str | None:
    return None if at is None else f"{age(now - at)} ago"


def _named(outputs: Outputs) -> Iterator[tuple[str, str, str]]:
    """The sort, name and id of each thing in the outputs but the instances."""
    yield "vpc", "", outputs.vpc_id
    if outputs.ipv6_block:
        yield "IPv6 block", "", outputs.ipv6_block
    for name, subnet in outputs.subnets.items():
        yield "subnet", name, subnet
    for name, group in outputs.security_groups.items():
        yield "security group", name, group
    for zone, address in outputs.nat_addresses.items():
        yield "NAT gateway", zone, address
    for name, endpoint in outputs.endpoints.items():
        yield "VPC endpoint", name, endpoint.id
    if outputs.key_pair:
        yield "key pair", outputs.key_pair, ""


def outputs_in_full(outputs: Outputs, width: int) -> Group:
    """All that a caller needs of a ready environment; what needs more columns has its own table."""
    table = columns("output", "name", "id")
    for sort, name, value in _named(outputs):
        table.add_row(sort, styled(name), styled(value))
    parts: list[RenderableType] = [table]
    if outputs.instances:
        parts += [Text(), instances(outputs, with_place=width >= _WIDE)]
    if any(one.public_dns or one.private_dns for one in outputs.instances):
        names = columns("instance", "DNS name")
        for one in outputs.instances:
            names.add_row(styled(one.id), styled(one.public_dns or one.private_dns or "-"))
        parts += [Text(), names]
    if with_ipv6 := [one for one in outputs.instances if one.ipv6_address]:
        addresses = columns("instance", "IPv6 address")
        for one in with_ipv6:
            addresses.add_row(styled(one.id), styled(one.ipv6_address or ""))
        parts += [Text(), addresses]
    return Group(*parts)


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
