"""What `plan` shows of what a spec would make."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from envwright.cli.output import clean, console, counted, joined, print_json, styled
from envwright.cli.tables import columns, indented
from envwright.errors import Fault
from envwright.plan import Plan, PlannedResource, QuotaUse, Verdict

_SHORT: Final = "bold red"


def show_plan(plan: Plan, warnings: Sequence[Fault], as_json: bool) -> None:
    """The steps with their resources, the calls, the quotas, and the permissions if there are."""
    if as_json:
        told = [asdict(one) for one in warnings]
        print_json("plan", plan=plan.model_dump(mode="json"), warnings=told)
        return
    told_last = [styled(clean(str(one)), "yellow") for one in warnings]
    console().print(Group(*_parts(plan), *told_last))


def _parts(plan: Plan) -> Iterator[RenderableType]:
    made = [one for step in plan.steps for one in step.resources]
    things = counted(len(made), "resource")
    yield styled(f"{plan.environment_id} would be {things}, made in this order:", "bold")
    for step in plan.steps:
        if step.resources:
            yield Text()
            yield Text(step.step, "bold")
            yield indented(_made(step.resources))
    yield Text()
    yield styled(
        f"This takes {counted(sum(plan.changes.values()), 'call')} to make or change things, and "
        f"{sum(plan.reads.values())} to look things up. Not counted are calls that wait for a "
        f"state, and those of the last look at what was made."
    )
    yield from _quotas(plan)
    yield from _permissions(plan)


def _made(resources: Sequence[PlannedResource]) -> Table:
    rows = [
        (_called(one), one.name or "", _said(one.details), _calls(one.changes)) for one in resources
    ]
    filled = [index for index in range(4) if any(row[index] for row in rows)]
    table = columns(*(("resource", "name", "with", "calls")[index] for index in filled))
    for row in rows:
        table.add_row(*(styled(row[index]) for index in filled))
    return table


def _called(one: PlannedResource) -> str:
    times = f" x {one.count}" if one.count > 1 else ""
    return one.key.split("/", 1)[1] + times


def _said(details: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in details.items())


def _calls(changes: Mapping[str, int]) -> str:
    return joined(f"{n} x {action}" if n > 1 else action for action, n in changes.items())


def _quotas(plan: Plan) -> Iterator[RenderableType]:
    if not plan.quotas:
        return
    yield Text()
    yield Text("Of the account's quotas in the region it takes", "bold")
    table = columns("quota", "takes", "in use", "allowed")
    for index in (1, 2, 3):
        table.columns[index].justify = "right"
    for one in plan.quotas:
        numbers = (one.needed, one.used, one.limit)
        style = _SHORT if one.is_short else ""
        table.add_row(
            styled(one.name, style),
            *(styled("unknown" if number is None else str(number), style) for number in numbers),
        )
    yield indented(table)
    troubles = [(told, one) for one in plan.quotas if (told := _about(one))]
    if troubles:
        yield Text()
    for told, one in troubles:
        yield styled(told, "red" if one.is_short else "yellow")


def _about(quota: QuotaUse) -> str:
    if quota.is_short:
        return (
            f"{quota.name}: not enough is left. Ask for more in Service Quotas "
            f"({quota.service}/{quota.code}), or free some."
        )
    return f"{quota.name}: {quota.unknown}" if quota.unknown else ""


def _permissions(plan: Plan) -> Iterator[RenderableType]:
    if not plan.permissions:
        return
    yield Text()
    if plan.denied:
        yield Text("These permissions are missing", _SHORT)
        table = columns("permission", "AWS says")
        for one in plan.denied:
            table.add_row(styled(one.action, "red"), styled(one.why or ""))
        yield indented(table)
    else:
        yield styled("AWS refuses none of the calls that can be asked for in advance.", "green")
    unclear = [one.action for one in plan.permissions if one.verdict is Verdict.UNCLEAR]
    if unclear:
        yield styled(f"Of {joined(map(clean, unclear))} it does not say.", "dim")
