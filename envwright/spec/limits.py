"""How large a spec may be, looked at before anything else is: a check must not be the harm."""

from collections.abc import Mapping
from typing import Any, Final

MAX_SPEC: Final = 1024 * 1024
"""How many bytes a spec may have: far more than any spec needs."""

MAX_VALUES: Final = 20_000
"""How many names and values a spec may hold in all: each may have a fault, which costs time."""

MAX_DEPTH: Final = 32
"""How deep a spec may be nested: a spec's own fields need a quarter of that."""


def excess(data: Any) -> str | None:
    """Why this is too large or too deep to be a spec; None when it is not.

    Each value counts, also one that stands in several places or contains itself.
    """
    level, size, values = [data], 0, 0
    for _ in range(MAX_DEPTH):
        values += len(level)
        if values > MAX_VALUES:
            return f"This is too large to be a spec: it may have {MAX_VALUES} names and values."
        inner: list[Any] = []
        for value in level:
            size += _size(value)
            if size > MAX_SPEC:
                return f"This is too large to be a spec: it may have {MAX_SPEC} bytes."
            if isinstance(value, Mapping):
                inner += [*value.keys(), *value.values()]
            elif isinstance(value, list | tuple):
                inner += value
        if not inner:
            return None
        level = inner
    return f"This is nested too deeply to be a spec: it may have {MAX_DEPTH} levels."


def _size(value: Any) -> int:
    if isinstance(value, str | bytes | Mapping | list | tuple):
        return len(value)
    return value.bit_length() // 8 if isinstance(value, int) else 1
