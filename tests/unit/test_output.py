"""How times and other people's text are told."""

import pytest

from envwright.cli.output import age, clean, duration


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (-1, "0.0 s"),
        (4.24, "4.2 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (200, "3 min 20 s"),
        (7500, "2 h 05 min"),
    ],
)
def test_durations_are_told_as_people_tell_them(seconds: float, told: str) -> None:
    assert duration(seconds) == told


@pytest.mark.parametrize(
    ("seconds", "told"), [(-3, "0 s"), (40, "40 s"), (720, "12 min"), (18000, "5 h"), (3e5, "3 d")]
)
def test_ages_are_told_in_their_largest_unit(seconds: float, told: str) -> None:
    assert age(seconds) == told


def test_cleaned_text_is_one_line_without_control_characters() -> None:
    assert clean("a\nb\tc\x1b[2J\x9b\u202ed") == "a b c[2Jd"
