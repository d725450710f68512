"""Which calls can be made as one, and whose part of the answer is whose.

Two rules find them. A list of ids, or of the values of a filter for an id, may hold those of many
callers, and the answer has the id in a field of the same name. And calls that say the very same
are one.
"""

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tasks.aws.actions import Effect
from tasks.aws.listing import FILTER_VALUES
from tasks.aws.wire import Call

_CHANGES: Final = frozenset({"DeleteVpcEndpoints", "TerminateInstances"})
"""The calls that change something, and may be made again for each where many were refused."""

_MOST_IDS: Final = 100
"""In one call: some actions refuse more."""

_MOST: Final = {
    # AWS does not say how many it takes.
    "DeleteVpcEndpoints": 25,
    # To read what it says of one takes 0.4 ms, and nothing else gets on meanwhile.
    "DescribeInstances": 50,
    # So that one page of 1000 tags holds those of so many environments.
    "DescribeTags": 20,
}
"""The most values of many callers in one call, where they are fewer than AWS takes."""

_FILTERS: Final = ("Filters", "Filter")
_TAG_VALUE: Final = "Value"
_NOT_DONE: Final = "Unsuccessful"
"""What an answer lists of which nothing else is told (EC2 API: UnsuccessfulItem)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What a call asks for. Calls of one sort differ in nothing but these values."""

    sort: Hashable
    values: tuple[str, ...] = ()
    parameter: str = ""
    """The one that holds the values, or the filters with them."""
    filter: int | None = None
    """Which of the filters has them."""
    field: str = ""
    """Where an item of the answer says to which of the values it belongs."""
    most: int = 1

    def call_for(self, call: Call, values: Sequence[str]) -> Call:
        """The same call, for these values."""
        given: Any = [*values]
        if self.filter is not None:
            filters = [*call.parameters[self.parameter]]
            filters[self.filter] = {**filters[self.filter], "Values": given}
            given = filters
        return call.saying(**{self.parameter: given})

    def parts(
        self, answer: Mapping[str, Any], wanted: Sequence[Sequence[str]]
    ) -> list[dict[str, Any] | None]:
        """What each caller would have been answered alone, by the values that each wanted.

        None for one who wanted something of which the answer has nothing.
        """
        name = list_in(answer)
        if not self.values or name == _NOT_DONE:
            return [{**answer} for _ in wanted]
        if name is None or answer.get("NextToken"):
            return [None for _ in wanted]
        callers = defaultdict(list)
        for caller, values in enumerate(wanted):
            for value in values:
                callers[value].append(caller)
        parts: list[list[Any]] = [[] for _ in wanted]
        told: set[str] = set()
        for item in answer[name]:
            for caller, part in self._portions(item, callers, told).items():
                parts[caller].append(part)
        return [
            {**answer, name: parts[caller]} if told.issuperset(values) else None
            for caller, values in enumerate(wanted)
        ]

    def _portions(
        self, item: Mapping[str, Any], callers: Mapping[str, list[int]], told: set[str]
    ) -> dict[int, Any]:
        """Each caller's portion of an item; DescribeInstances alone has items with many ids."""
        portions: dict[int, Any] = {}
        inner = item.get("Instances")
        for one in (item,) if inner is None else inner:
            value = one.get(self.field, "")
            if self.field == _TAG_VALUE:
                value = _prefix(value)
            for caller in callers.get(value, ()):
                told.add(value)
                if inner is None:
                    portions[caller] = item
                else:
                    portion = portions.setdefault(caller, {**item, "Instances": []})
                    portion["Instances"].append(one)
        return portions


def ask_of(call: Call) -> Ask | None:
    """What a call asks for that others may ask for too; None where it must be made by itself."""
    parameters = call.parameters
    if call.effect is not Effect.READ and call.action not in _CHANGES:
        return None
    if "NextToken" in parameters:
        return None
    for name, given in parameters.items():
        if name.endswith("Ids"):
            return Ask(
                sort=(call.action, name, repr({**parameters, name: None})),
                values=tuple(given),
                parameter=name,
                field=name.removesuffix("s"),
                most=_MOST.get(call.action, _MOST_IDS),
            )
        if name in _FILTERS:
            for place, one in enumerate(given):
                if found := _by_filter(call, name, place, one["Name"], one["Values"]):
                    return found
    return Ask(sort=(call.action, repr(parameters)))


def list_in(answer: Mapping[str, Any]) -> str | None:
    """Where an answer has its items; None where that is not plain."""
    lists = [name for name, one in answer.items() if isinstance(one, list)]
    return lists[0] if len(lists) == 1 else None


def _by_filter(
    call: Call, parameter: str, place: int, name: str, values: Sequence[str]
) -> Ask | None:
    if call.action == "DescribeTags":
        if name != "value" or any(_prefix(one) != one for one in values):
            return None
        field = _TAG_VALUE
    # Those with a dot or a colon are of something inside an item, and of tags.
    elif name.endswith("-id") and name.replace("-", "").isalpha():
        field = "".join(map(str.capitalize, name.split("-")))
    else:
        return None
    others = [one for at, one in enumerate(call.parameters[parameter]) if at != place]
    return Ask(
        sort=(call.action, name, repr({**call.parameters, parameter: others})),
        values=tuple(values),
        parameter=parameter,
        filter=place,
        field=field,
        most=_MOST.get(call.action, FILTER_VALUES),
    )


def _prefix(value: str) -> str:
    """The pattern of all tag values of an environment, by one of them."""
    return f"{value.partition('/')[0]}/*"
