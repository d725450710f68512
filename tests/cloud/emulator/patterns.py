"""AWS's patterns, as filters have them: `*` and `?` stand for any text and any letter."""

import re
from collections.abc import Iterable
from fnmatch import translate
from functools import cache
from typing import Final

_WILD: Final = re.compile(r"[*?]")


class Patterns:
    """Several of which one must fit. Asked for by the hundred, most are a text and a star."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._texts: set[str] = set()
        starts: list[str] = []
        self._others: list[re.Pattern[str]] = []
        for one in patterns:
            start = literal_start(one)
            if start == one:
                self._texts.add(one)
            elif one == f"{start}*":
                starts.append(start)
            else:
                self._others.append(_compiled(one))
        self._starts = tuple(starts)

    def fit(self, text: str) -> bool:
        return (
            text in self._texts
            or text.startswith(self._starts)
            or any(one.match(text) for one in self._others)
        )


def literal_start(pattern: str) -> str:
    """The text before the first letter that stands for others; all of it, where there is none."""
    return _WILD.split(pattern, maxsplit=1)[0]


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(translate(pattern.replace("[", "[[]")))
