"""The fake AWS finds by tag what a look through all of them would find."""

import re
from fnmatch import translate

from hypothesis import given
from hypothesis import strategies as st

from tests.cloud.emulator.patterns import Patterns
from tests.cloud.emulator.tags import Index

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

    found = index.find("key", wanted)

    assert {one for one in values if any(fits(p, values[one]) for p in wanted)} <= set(found)
    assert found == [one for one in values if one in found]
