"""A spec with placeholders: one YAML file for many environments that differ in a few values.

`${column}` in a value is a placeholder, and a table's row fills it in. The text is parsed before
that, so that no value can change what is around it. A placeholder that is a value by itself, and
not in quotes, becomes what it looks like: a whole number, true or false, or nothing; every other
one is text. `$${` stands for `${`, and any other `$` for itself.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml
from yaml.error import Mark
from yaml.nodes import ScalarNode

from envwright.errors import Fault, SpecError
from envwright.spec.limits import MAX_SPEC
from envwright.spec.load import Unread, read_text
from envwright.spec.yamlfile import Unreadable, parse_yaml, place

COLUMN: Final = r"[A-Za-z_][A-Za-z0-9_-]{0,62}"
"""What the name of a column looks like."""

_OPENING: Final = re.compile(r"\$\$\{|\$\{([^{}\n]*\}?)")
_WORDS: Final[Mapping[str, bool | None]] = {"": None, "true": True, "false": False}


@dataclass(frozen=True, slots=True)
class _Value:
    """A value with placeholders: texts and the names of columns, by turns."""

    parts: tuple[str, ...]
    is_bare: bool
    """Whether it is a placeholder alone, and not in quotes."""
    mark: Mark

    def filled(self, row: Mapping[str, str]) -> str | int | bool | None:
        if self.is_bare:
            return _as_it_looks(row[self.parts[1]])
        texts = list(self.parts)
        texts[1::2] = [row[name] for name in self.columns]
        return "".join(texts)

    @property
    def columns(self) -> tuple[str, ...]:
        return self.parts[1::2]


class Template:
    """A spec with placeholders. `base` is the folder that the files in it are relative to."""

    def __init__(self, text: str, base: Path) -> None:
        """Raises `SpecError` for what is not one YAML document, or has a `${` alone."""
        try:
            self._data = parse_yaml(text, _Loader)
        except Unreadable as error:
            raise SpecError([Fault("", str(error))]) from None
        if faults := [*_misplaced(self._data)]:
            raise SpecError(faults)
        self.base = base

    @classmethod
    def load(cls, path: Path) -> "Template":
        """Read a template from a file. Raises `SpecError`."""
        try:
            return cls(read_text(path, MAX_SPEC), path.parent)
        except Unread as error:
            raise SpecError([Fault("", str(error))]) from None

    def placeholders(self) -> dict[str, str]:
        """The columns that are to fill it, each with the place where it stands first."""
        found: dict[str, str] = {}
        for value in _values(self._data):
            for column in value.columns:
                found.setdefault(column, place(value.mark))
        return found

    def filled(self, row: Mapping[str, str]) -> Any:
        """The data of a spec, with a row's values in place."""
        return _filled(self._data, row)


def _filled(data: Any, row: Mapping[str, str]) -> Any:
    if isinstance(data, _Value):
        return data.filled(row)
    if isinstance(data, dict):
        return {key: _filled(value, row) for key, value in data.items()}
    if isinstance(data, list):
        return [_filled(value, row) for value in data]
    return data


def _as_it_looks(text: str) -> str | int | bool | None:
    """YAML's own rules are not asked: by them 012 is ten, `no` is false, and 1:30 is 90."""
    if re.fullmatch(r"0|-?[1-9][0-9]{0,17}", text):
        return int(text)
    return _WORDS.get(text, text)


class _Loader(yaml.SafeLoader):
    """Makes a `_Value` of each text with placeholders."""

    def construct_text(self, node: ScalarNode) -> str | _Value:
        text = str(self.construct_scalar(node))
        parts = _parts(text, node.start_mark)
        if len(parts) == 1:
            return parts[0]
        is_bare = node.style is None and parts[0] == parts[2] == "" and len(parts) == 3
        return _Value(parts, is_bare, node.start_mark)


_Loader.add_constructor("tag:yaml.org,2002:str", _Loader.construct_text)


def _parts(text: str, mark: Mark) -> tuple[str, ...]:
    """Texts and the names of columns, by turns. Raises `Unreadable` for a `${` alone."""
    parts, end = [""], 0
    for found in _OPENING.finditer(text):
        parts[-1] += text[end : found.start()]
        end = found.end()
        inner = found.group(1)
        if inner is None:
            parts[-1] += "${"
        elif re.fullmatch(COLUMN + r"\}", inner):
            parts += [inner.removesuffix("}"), ""]
        else:
            raise Unreadable(
                f"{place(mark)}: in the value that begins here, a `${{` is not followed by a "
                f"column's name and `}}`: write `$${{` where the text is to have `${{`."
            )
    parts[-1] += text[end:]
    return tuple(parts)


def _values(data: Any) -> Iterator[_Value]:
    if isinstance(data, _Value):
        yield data
    elif isinstance(data, dict):
        for value in data.values():
            yield from _values(value)
    elif isinstance(data, list):
        for value in data:
            yield from _values(value)


def _misplaced(data: Any) -> Iterator[Fault]:
    """A fault for each name with a placeholder: a template says itself which fields there are."""
    if isinstance(data, dict):
        for key, value in data.items():
            if isinstance(key, _Value):
                sentence = "Placeholders can stand in values only, and this is a name."
                yield Fault("", f"{place(key.mark)}: {sentence}")
            yield from _misplaced(value)
    elif isinstance(data, list):
        for value in data:
            yield from _misplaced(value)
