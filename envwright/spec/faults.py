"""From pydantic's errors to faults: sentences for people, each once, in the order of the data."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from envwright.errors import Fault
from envwright.spec.forms import Flaw, Loc, shown, sort_of
from envwright.spec.part import Part
from envwright.spec.sound import fields_of, meant_by, misspelt, part_at

_WANTED: Final = {
    "string_type": "text",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "dict_type": "a mapping of names",
    "model_type": "a mapping of fields",
}


def with_text_keys(data: object, at: Loc = ()) -> tuple[object, list[Flaw]]:
    """The data with every key as text, and a flaw for each that was not."""
    if isinstance(data, list | tuple):
        entries = [with_text_keys(value, (*at, index)) for index, value in enumerate(data)]
        return [value for value, _ in entries], [flaw for _, flaws in entries for flaw in flaws]
    if not isinstance(data, Mapping):
        return data, []
    texts: dict[str, object] = {}
    found: list[Flaw] = []
    for key, value in data.items():
        # JSON can spell half of a surrogate pair, and Python takes it for text.
        text = str(key).encode(errors="replace").decode()
        if not isinstance(key, str):
            sort = sort_of(key)
            found.append(
                ((*at, text), f"A name must be text, and this is {sort}: put it in quotes.")
            )
        elif text != key:
            found.append(((*at, text), "This name holds half of a surrogate pair: remove it."))
        texts[text], flaws = with_text_keys(value, (*at, text))
        found += flaws
    return texts, found


def explained(model: type[Part], data: object, error: ValidationError) -> list[Flaw]:
    """Each of pydantic's errors on `data` as a sentence, at its place."""
    flaws = []
    for problem in error.errors(include_url=False):
        loc = problem["loc"]
        # pydantic's mark that the error is about the key itself
        loc = loc[:-1] if loc and loc[-1] == "[key]" else loc
        if sentence := _sentence(problem, loc, model, data):
            flaws.append((loc, sentence))
    return flaws


def _sentence(problem: ErrorDetails, loc: Loc, model: type[Part], data: object) -> str | None:
    kind, about = problem["type"], problem.get("ctx", {})
    match kind:
        case "fault":
            return problem["msg"]
        case "extra_forbidden":
            return _unknown(loc, model, data)
        case "missing":
            return _missing(loc, model, data)
        case "literal_error":
            return f"This must be {about['expected'].replace(chr(39), '`')}."
        case "greater_than_equal":
            return f"This must be at least {about['ge']}."
        case "less_than_equal":
            return f"This must be at most {about['le']}."
        case "too_short":
            return _too_short(problem["input"], about["min_length"])
        case "too_long":
            return f"This list takes {about['max_length']} entries at the most."
        case _ if kind in _WANTED:
            return _wrong_sort(kind, problem["input"])
    return f"{problem['msg']}."


def _wrong_sort(kind: str, given: object) -> str:
    is_single = not isinstance(given, Mapping | list | tuple) and given is not None
    advice = ""
    if is_single and kind == "string_type":
        advice = ": put it in quotes"
    if is_single and kind == "tuple_type":
        advice = ": put it in square brackets"
    return f"This must be {_WANTED[kind]}, and it is {sort_of(given)}{advice}."


def _too_short(given: Any, least: int) -> str | None:
    # pydantic counts valid entries only, and the others have faults of their own
    return None if len(given) >= least else f"This list needs {least} entry or more."


def _unknown(loc: Loc, model: type[Part], data: object) -> str:
    part = part_at(model, loc[:-1])
    if meant := meant_by(str(loc[-1]), part, _at(data, loc[:-1])):
        return f"There is no such field; did you mean {shown(meant)}?"
    return f"There is no such field; the fields here are {', '.join(map(shown, fields_of(part)))}."


def _missing(loc: Loc, model: type[Part], data: object) -> str | None:
    part = part_at(model, loc[:-1])
    if loc[-1] in misspelt(part, _at(data, loc[:-1])).values():
        return None
    description = part.model_fields[fields_of(part)[str(loc[-1])]].description or ""
    return f"This field is missing. {description}"


def _at(data: Any, loc: Loc) -> Any:
    for key in loc:
        data = data[key]
    return data


def faults_in_order(flaws: Iterable[Flaw], data: object) -> list[Fault]:
    """Each flaw once, in the order of the data, with its place as a person writes it."""
    once = dict.fromkeys(flaws)
    return [Fault(_path(loc), text) for loc, text in sorted(once, key=lambda f: _rank(f[0], data))]


def _rank(loc: Loc, data: Any) -> tuple[float, ...]:
    ranks = []
    for key in loc:
        keys = [str(k) for k in data] if isinstance(data, Mapping) else []
        if isinstance(key, int):
            ranks.append(float(key))
        else:
            ranks.append(float(keys.index(key)) if key in keys else float("inf"))
        try:
            data = data[key]
        except (KeyError, IndexError, TypeError):
            data = None
    return tuple(ranks)


def _path(loc: Loc) -> str:
    path = ""
    for key in loc:
        if isinstance(key, int):
            path += f"[{key}]"
        elif re.fullmatch(r"[A-Za-z0-9_-]{1,63}", key):
            path += f".{key}" if path else key
        else:
            path += f"[{json.dumps(key[:63])}]"
    return path
