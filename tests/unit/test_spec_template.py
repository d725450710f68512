"""Templates: what a row's values become, and that they cannot change what is around them."""

from pathlib import Path

import pytest

from envwright.errors import SpecError
from envwright.spec.template import Template


def filled(text: str, **row: str) -> object:
    return Template(text, Path()).filled(row)


@pytest.mark.parametrize(
    ("value", "bare", "quoted"),
    [
        ("12", 12, "12"),
        ("-3", -3, "-3"),
        ("true", True, "true"),
        ("false", False, "false"),
        ("", None, ""),
        ("012", "012", "012"),
        ("no", "no", "no"),
        ("1:30", "1:30", "1:30"),
        ("2026-01-01", "2026-01-01", "2026-01-01"),
        ("1" * 40, "1" * 40, "1" * 40),
        ("eu-west-1", "eu-west-1", "eu-west-1"),
    ],
)
def test_a_placeholder_alone_becomes_what_it_looks_like_and_in_quotes_it_is_text(
    value: str, bare: object, quoted: object
) -> None:
    """YAML's surprises stay out: an account's leading zero, Norway, times and dates are text."""
    assert filled("a: ${x}\nb: \"${x}\"\nc: '${x}'\n", x=value) == {
        "a": bare,
        "b": quoted,
        "c": quoted,
    }


def test_a_placeholder_within_text_is_text() -> None:
    assert filled(
        "a: web-${n}\nb: [${n}.0.0.0/8]\n".replace("[$", '["$').replace("8]", '8"]'), n="7"
    ) == {
        "a": "web-7",
        "b": ["7.0.0.0/8"],
    }


@pytest.mark.parametrize(
    "value", ["b: c", "x\ny: z", "'\"", "[1, 2]", "*a", "!!int 1", "${x}", "#"]
)
def test_no_value_changes_what_is_around_it(value: str) -> None:
    """It is put into what was parsed, and never into YAML."""
    assert filled("a: ${x}\nb: <${x}>\nc: 1\n", x=value) == {"a": value, "b": f"<{value}>", "c": 1}


def test_other_dollars_are_themselves() -> None:
    """A boot script has many of them; `$${` is how it says `${`."""
    script = "a: |\n  echo $HOME $$ $(date) $${PATH} ${x} $$$\n"

    assert filled(script, x="7") == {"a": "echo $HOME $$ $(date) ${PATH} 7 $$$\n"}


def test_it_says_where_its_placeholders_are() -> None:
    template = Template("a: ${x}\nb: {c: ['${y}', '${x}-${z}']}\n", Path())

    assert template.placeholders() == {
        "x": "Line 1, column 4",
        "y": "Line 2, column 9",
        "z": "Line 2, column 17",
    }


def test_what_aliases_repeat_is_filled_everywhere() -> None:
    assert filled("a: &it {n: '${x}'}\nb: *it\n", x="7") == {"a": {"n": "7"}, "b": {"n": "7"}}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a: ${rose bud}", "Line 1, column 4: in the value that begins here, a `${` is not"),
        ("a: 1\nb: ${", "Line 2, column 4: in the value that begins here, a `${` is not"),
        ("a: ${}", "Line 1, column 4: in the value that begins here"),
        ("a: ${rosebud:-x}", "Line 1, column 4: in the value that begins here"),
        ("a:\n  ${x}: 1", "Line 2, column 3: Placeholders can stand in values only"),
        ("a: [${x}]", "Line 1, column 6: this is not valid YAML"),
        ("a: 1\na: ${x}", "Line 2, column 1: `a` stands here for the second time"),
        ("a: 1\n---\nb: 2", "Line 2, column 1: a second document begins"),
    ],
)
def test_what_is_no_template_is_told_with_its_place(text: str, sentence: str) -> None:
    """And without the text around it, which may be user data."""
    with pytest.raises(SpecError) as caught:
        Template(text, Path())

    assert str(caught.value).startswith(sentence)
    assert "rose" not in str(caught.value)
