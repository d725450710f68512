"""What cannot be relied on in a spec of which only some is valid."""

from collections.abc import Iterator
from typing import Any, Final


class Unsound(AttributeError):
    """A field of a part whose value is not valid: nothing can be said about it."""


UNSOUND: Final[Any] = object()
"""Stands in a list for an entry that is not valid."""


def known(values: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    """The entries of a list that are valid, each with its index."""
    return ((index, value) for index, value in enumerate(values) if value is not UNSOUND)
