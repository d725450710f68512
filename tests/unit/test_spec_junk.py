"""Whatever stands in a spec, the answer is a spec or faults, and tells no secret."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envwright.errors import SpecError
from envwright.spec import parse_spec
from tests.spec_data import faults_of, valid, with_value


@pytest.mark.parametrize(
    "group",
    [
        {"user_data": "hunter2" * 5000},
        {"user_data": ["hunter2"]},
        {"userdata": "hunter2"},
        {"user_data": "hunter2", "count": 0},
    ],
)
def test_user_data_is_never_repeated(group: dict[str, Any]):
    """User data holds passwords: the error shows none of it, and carries none in its causes."""
    data = valid()
    data["instances"]["web"] |= group

    with pytest.raises(SpecError) as caught:
        parse_spec(data)

    assert "hunter2" not in f"{caught.value} {caught.value!r} {caught.value.args}"
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("data", "words"),
    [(None, "it is empty"), ([], "it is a list"), ("web", "it is text")],
)
def test_what_is_no_mapping_is_no_spec(data: Any, words: str):
    """Even an empty file gets a sentence."""
    ((path, sentence),) = faults_of(data)

    assert path == ""
    assert sentence.startswith("This must be a mapping of fields")
    assert words in sentence


def test_what_is_shown_of_the_callers_text_is_short_and_harmless():
    """Neither a screenful nor a terminal's escape sequences come back in a sentence."""
    ((_, sentence),) = faults_of(with_value("region", "\x1b[31m" + "x" * 500))

    assert "\x1b" not in sentence
    assert len(sentence) < 150


TEXT = st.text() | st.text(st.characters(categories=["L", "Cs"]))
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT | st.dates(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(TEXT | st.booleans(), inner, max_size=3)
    ),
    max_leaves=5,
)


def places(data: Any) -> list[tuple[Any, Any]]:
    """Every mapping or list in the data, with each of its keys or indexes."""
    keys = {dict: list, list: lambda found: range(len(found))}.get(type(data), lambda _: ())(data)
    return [(data, key) for key in keys] + [at for key in keys for at in places(data[key])]


@settings(max_examples=300)
@given(st.data())
def test_whatever_stands_in_a_spec_the_answer_is_a_spec_or_faults(data: st.DataObject):
    """No junk anywhere makes another error than SpecError, or tells one fault twice."""
    spec = valid()
    for _ in range(data.draw(st.integers(1, 3))):
        target, key = data.draw(st.sampled_from(places(spec)))
        target[key] = data.draw(JUNK)

    try:
        parse_spec(spec)
    except SpecError as error:
        faults = error.faults
        assert faults
        assert len(set(faults)) == len(faults)
