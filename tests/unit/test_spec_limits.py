"""What is far too large or too deep is refused at once, and with a sentence."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from envwright.errors import SpecError
from envwright.spec import parse_spec
from envwright.spec.limits import MAX_DEPTH, MAX_SPEC, MAX_VALUES, excess
from envwright.testing import InMemoryClient
from tests.spec_data import valid
from tests.specs import spec_data

AT_ONCE = 2.0
"""Seconds, on a machine that is busy."""


def nested(levels: int, wrap: Callable[[Any], Any]) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = wrap(value)
    return value


def circle() -> dict[str, Any]:
    value: dict[str, Any] = {}
    value["again"] = value
    return value


def bomb() -> list[Any]:
    """Few lists that unfold to very many values."""
    value: list[Any] = ["x"]
    for _ in range(30):
        value = [value] * 10
    return value


TOO_DEEP = {
    "lists": lambda: spec_data(name=nested(100_000, lambda one: [one])),
    "mappings": lambda: spec_data(tags=nested(100_000, lambda one: {"a": one})),
    "unknown field": lambda: spec_data(colour=nested(MAX_DEPTH, lambda one: [one])),
    "circle": lambda: spec_data(tags=circle()),
}
TOO_LARGE = {
    "name": lambda: spec_data(name="x" * 50_000_000),
    "value": lambda: spec_data(tags={"a": "x" * MAX_SPEC}),
    "key": lambda: spec_data(tags={"x" * MAX_SPEC: "a"}),
    "number": lambda: spec_data(deadline=1 << (9 * MAX_SPEC)),
    "list": lambda: spec_data(zones=["eu-west-1a"] * 10_000_000),
    "fields": lambda: spec_data(**{f"f{number}": 1 for number in range(MAX_VALUES)}),
    "bomb": lambda: spec_data(tags=bomb()),
}


@pytest.mark.parametrize("make", [*TOO_DEEP.values(), *TOO_LARGE.values()])
def test_it_is_refused_before_anything_is_done(make: Callable[[], dict[str, Any]]) -> None:
    """As one fault, and in no time; nothing is written."""
    data = make()
    client = InMemoryClient()
    begun = time.process_time()

    with pytest.raises(SpecError) as caught:
        client.enqueue(data)

    assert time.process_time() - begun < AT_ONCE
    (fault,) = caught.value.faults
    assert fault.path == ""
    expected = "too deeply" if make in TOO_DEEP.values() else "too large"
    assert expected in fault.message
    assert list(client.environments()) == []


def test_a_spec_is_far_from_the_limits() -> None:
    assert excess(valid()) is None
    parse_spec(valid())


def test_many_faults_do_not_take_long() -> None:
    """The likeness of an unknown field is looked for once, not once for each of the others."""
    data = spec_data(**{f"f{number}": 1 for number in range(1000)})
    begun = time.process_time()

    with pytest.raises(SpecError) as caught:
        parse_spec(data)

    assert len(caught.value.faults) == 1000
    assert time.process_time() - begun < AT_ONCE
