"""docs/configuration.md says of every setting what the code says."""

from types import NoneType
from typing import Any, Literal, get_args, get_origin

import annotated_types
import pytest
from pydantic.fields import FieldInfo

from config.settings import WorkerSettings
from envwright.settings import ClientSettings
from tests.repository import ROOT

PAGE = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
PREFIX = str(ClientSettings.model_config["env_prefix"])
SHARED = ClientSettings.model_fields
OWN = {name: one for name, one in WorkerSettings.model_fields.items() if name not in SHARED}


def row(name: str, field: FieldInfo) -> str:
    """What the page's table must say of a setting."""
    default = "" if field.default is None else f"`{shown(field.default)}`"
    return f"| `{PREFIX}{name.upper()}` | {default} | {values(field)} | {field.description} |"


def shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def values(field: FieldInfo) -> str:
    """The unit of a setting (said where its type does not), and the values that it may have."""
    annotation: Any = field.annotation
    if get_origin(annotation) is Literal:
        return " or ".join(f"`{one}`" for one in get_args(annotation))
    if isinstance(said := field.json_schema_extra, dict):
        return ", ".join([str(said["unit"]), *limits(field)])
    sort = next(one for one in (*get_args(annotation), annotation) if one is not NoneType)
    unit = {float: "seconds", int: "a number", str: "text"}[sort]
    return ", ".join([unit, *limits(field)])


def limits(field: FieldInfo) -> list[str]:
    found = []
    for one in field.metadata:
        if isinstance(one, annotated_types.Ge):
            found.append(f"at least {one.ge:g}")
        elif isinstance(one, annotated_types.Gt):
            found.append(f"more than {one.gt:g}")
        elif isinstance(one, annotated_types.Le):
            found.append(f"at most {one.le:g}")
        elif pattern := getattr(one, "pattern", None):
            found.append(f"as `{pattern}`")
    return found


def rows_under(heading: str) -> list[str]:
    part = PAGE.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return [line for line in part.splitlines() if line.startswith(f"| `{PREFIX}")]


@pytest.mark.parametrize(
    ("heading", "fields"),
    [("For callers and workers alike", SHARED), ("For workers", OWN)],
    ids=["shared", "worker"],
)
def test_every_setting_is_on_the_page_as_it_is(heading: str, fields: dict[str, FieldInfo]) -> None:
    """Name, default, unit, limits and meaning, in the order of the code."""
    assert rows_under(heading) == [row(name, field) for name, field in fields.items()]


def test_every_setting_has_a_meaning() -> None:
    """The description ends as a sentence does; it is what the page shows."""
    descriptions = [field.description or "" for field in WorkerSettings.model_fields.values()]

    assert [one for one in descriptions if not one.endswith(".")] == []
