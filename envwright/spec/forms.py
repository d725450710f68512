"""What the fields of a spec are made of: how values are refused, and which forms text can take."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Final, NoReturn, TypeAlias

from pydantic import (
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    Strict,
    ValidationError,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, core_schema

from envwright.spec.unsound import known

Loc: TypeAlias = tuple[str | int, ...]
"""Where in a spec: the names of fields and the numbers of list entries, from the outside in."""

Flaw: TypeAlias = tuple[Loc, str]
"""A place, and a sentence on what to change there."""

_SORTS: Final = (
    (bool, "true or false"),
    (int | float, "a number"),
    (str, "text"),
    (Mapping, "a mapping"),
    (list | tuple, "a list"),
    (date, "a date"),
)


def sort_of(value: object) -> str:
    """What a value from a spec file is, in a reader's words."""
    if value is None:
        return "empty"
    return next((words for sort, words in _SORTS if isinstance(value, sort)), "something else")


def shown(value: object, longest: int = 60) -> str:
    """The caller's own text, safe to print: on one line, in backquotes, cut when it is long."""
    text = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in str(value))
    return f"`{text[: longest - 1]}…`" if len(text) > longest else f"`{text}`"


def fault(sentence: str) -> PydanticCustomError:
    return PydanticCustomError("fault", "{sentence}", {"sentence": sentence})


def refuse_any(flaws: Sequence[Flaw]) -> None:
    """Raise all the flaws at once, each at its place below the value that is being validated."""
    if flaws:
        _refuse(flaws)


def _refuse(flaws: Sequence[Flaw]) -> NoReturn:
    raise ValidationError.from_exception_data(
        "spec",
        [InitErrorDetails(type=fault(text), loc=loc, input=None) for loc, text in flaws],
        hide_input=True,
    )


@dataclass(frozen=True, slots=True)
class Form:
    """Text of one form. `wanted` ends the sentence "… is not"; a secret is never repeated in it."""

    pattern: str
    wanted: str
    secret: bool = False

    def check(self, value: str) -> str:
        if re.fullmatch(self.pattern, value) is None:
            raise fault(f"{'This' if self.secret else shown(value)} is not {self.wanted}")
        return value

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {**handler(schema), "pattern": f"^(?:{self.pattern})$"}


def named_once(field: str, values: tuple[str, ...]) -> Iterator[Flaw]:
    """A flaw for each entry of a list that stands in it before."""
    for index, value in known(values):
        if value in values[:index]:
            yield (field, index), f"{shown(value)} is in this list already: name it once."


AsSet: Final = PlainSerializer(sorted, return_type=list[str])
"""For a list whose order means nothing: two orders of it are one wish."""

Whole = Annotated[int, Strict()]
Flag = Annotated[bool, Strict()]
