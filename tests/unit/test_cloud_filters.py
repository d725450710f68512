"""The fake AWS finds by tag what a look through all of them would find."""

import re
from collections.abc import Sequence
from fnmatch import translate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cloud.emulator.patterns import Patterns
from tests.cloud.emulator.tags import Index, Tags
from tests.cloud.terms import Terms

texts = st.text("ab/[.", max_size=5)
patterns = st.text("ab/[.*?", max_size=5)


def fits(pattern: str, text: str) -> bool:
    """AWS's wildcards are those of a shell, but for the brackets."""
    return bool(re.match(translate(pattern.replace("[", "[[]")), text))


@given(st.lists(patterns, max_size=4), texts)
def test_a_text_fits_where_it_fits_one_of_the_patterns(wanted: list[str], text: str) -> None:
    assert Patterns(wanted).fit(text) == any(fits(one, text) for one in wanted)


@given(st.lists(st.tuples(st.sampled_from("uvwxyz"), texts), max_size=8), st.lists(patterns))
def test_no_resource_is_overlooked(tagged: list[tuple[str, str]], wanted: list[str]) -> None:
    """All whose tag fits are found, each once, in the order in which they were tagged first."""
    index = Index()
    values: dict[str, str] = {}
    for resource, value in tagged:
        index.add(resource, {"key": value})
        values[resource] = value

    found = index.find(["key", "other"], wanted)

    assert {one for one in values if any(fits(p, values[one]) for p in wanted)} <= set(found)
    assert found == [one for one in values if one in found]


class Memory(dict[str, dict[str, str]]):
    """Where moto has all tags; it notes of which resources they were looked at."""

    def __init__(self) -> None:
        self.looked_at: list[str] = []

    def __getitem__(self, one: str) -> dict[str, str]:
        self.looked_at.append(one)
        return self.setdefault(one, {})


class OfMoto:
    """What there is of it for tags."""

    terms = Terms()

    def __init__(self) -> None:
        self.tags = Memory()

    def create_tags(self, resource_ids: Sequence[str], tags: dict[str, str]) -> None:
        for one in resource_ids:
            self.tags[one].update(tags)


class Backend(Tags, OfMoto):
    """The strict cloud's tags over it."""


@pytest.mark.parametrize(
    "wanted",
    [
        {"tag:resource": ["env-7/*"]},
        {"key": ["resource"], "value": ["env-7/*"]},
        {"key": ["resource", "record"], "value": ["env-7/*"]},
    ],
)
def test_the_tags_of_one_are_found_without_a_look_at_all(wanted: dict[str, list[str]]) -> None:
    """In each of the ways in which they are asked for: what it costs hangs on no others."""
    backend = Backend()
    for nth in range(100):
        backend.create_tags([f"x-{nth}"], {"resource": f"env-{nth}/vpc", "record": f"env-{nth}/1"})
    backend.tags.looked_at.clear()

    found = backend.describe_tags(wanted)

    assert {one["resource_id"] for one in found} == {"x-7"}
    assert set(backend.tags.looked_at) == {"x-7"}
