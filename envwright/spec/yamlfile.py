"""YAML and JSON text to plain data, without the traps: what is doubtful is refused with its line.

No sentence repeats the text around a mistake, since that may be user data or a key.
"""

import json
from collections.abc import Callable
from typing import Any, Final

import yaml
from yaml.composer import ComposerError
from yaml.constructor import ConstructorError
from yaml.error import Mark, MarkedYAMLError
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.reader import ReaderError

from envwright.spec.forms import shown

_MOST_VALUES: Final = 100_000


class Unreadable(Exception):
    """The text is not one YAML or JSON document."""


def parse_text(text: str) -> Any:
    """The one document in the text, YAML or JSON. Raises `Unreadable` with a sentence."""
    return _parse(text, _parse_json if text.lstrip().startswith("{") else _parse_yaml)


def parse_yaml(text: str, loader: type[yaml.SafeLoader]) -> Any:
    """The one YAML document in the text, as the loader makes it. Raises `Unreadable`."""
    return _parse(text, lambda text: _parse_yaml(text, loader))


def _parse(text: str, parse: Callable[[str], Any]) -> Any:
    try:
        return parse(text)
    except yaml.YAMLError as error:
        raise Unreadable(_sentence(error)) from None
    except RecursionError:
        raise Unreadable("The text is nested too deeply to be a spec.") from None
    except ValueError:
        # PyYAML tells by the look of a value what it is, and does not say which one it choked on.
        raise Unreadable(
            "A value looks like a date or a number and is none: put it in quotes."
        ) from None


def _parse_json(text: str) -> Any:
    """As JSON, where PyYAML would stumble over tabs and escapes; what is not JSON may be YAML."""
    try:
        return json.loads(text, object_pairs_hook=distinct)
    except ValueError:
        return _parse_yaml(text)


def distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object, for `json.loads`. Raises `ValueError` where a name stands in it twice."""
    if len(dict(pairs)) < len(pairs):
        raise ValueError
    return dict(pairs)


def _parse_yaml(text: str, loader_type: type[yaml.SafeLoader] = yaml.SafeLoader) -> Any:
    loader = loader_type(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _count(node, {})
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _count(node: Node, counted: dict[int, int]) -> int:
    """How many values there are when every alias is written out."""
    if id(node) in counted:
        if not counted[id(node)]:
            raise Unreadable(f"{place(node.start_mark)}: an alias here contains itself.")
        return counted[id(node)]
    counted[id(node)] = 0
    children: list[Node] = []
    if isinstance(node, MappingNode):
        _refuse_repeated_keys(node)
        children = [child for pair in node.value for child in pair]
    elif isinstance(node, SequenceNode):
        children = node.value
    total = 1 + sum(_count(child, counted) for child in children)
    if total > _MOST_VALUES:
        raise Unreadable("Written out, the aliases make this too large to be a spec.")
    counted[id(node)] = total
    return total


def _refuse_repeated_keys(node: MappingNode) -> None:
    lines: dict[tuple[str, str], int] = {}
    for key, _ in node.value:
        if not isinstance(key, ScalarNode):
            continue
        written = (key.tag, key.value)
        if written in lines:
            raise Unreadable(
                f"{place(key.start_mark)}: {shown(key.value)} stands here for the second time, "
                f"after line {lines[written]}, and only one of the two can hold: remove the other."
            )
        lines[written] = key.start_mark.line + 1


def place(mark: Mark) -> str:
    return f"Line {mark.line + 1}, column {mark.column + 1}"


def _sentence(error: yaml.YAMLError) -> str:
    if isinstance(error, ReaderError):
        return f"Character {error.position + 1} of the text is one that YAML does not allow."
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if not isinstance(error, MarkedYAMLError) or mark is None:
        return "The text is neither YAML nor JSON."
    at = place(mark)
    problem = error.problem or ""
    if isinstance(error, ComposerError) and "document" in problem:
        return f"{at}: a second document begins, and a spec file holds one: split the file."
    if isinstance(error, ComposerError):
        return f"{at}: this alias has no anchor: put text that begins with * in quotes."
    if isinstance(error, ConstructorError) and "tag" in problem:
        return f"{at}: a spec knows no such tag: put text that begins with ! in quotes."
    return f"{at}: this is not valid YAML: {problem}."
