"""The tables of what an environment gives its caller, and of its instances as AWS has them."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from envwright.cli.output import age, styled
from envwright.cli.tables import columns
from envwright.outputs import Outputs
from envwright.sight import Sight

_WIDE: Final = 110
"""Columns from which on an instance's type and subnet fit beside its addresses."""


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
