"""What of a spec's data is valid by itself, so that all faults can be told at once.

Also knows its way through the parts: which fields a part has, and which part stands at a place.
"""

from collections.abc import Mapping
from contextlib import suppress
from difflib import get_close_matches
from functools import cache
from typing import Any, TypeVar, cast, get_args, get_origin

from pydantic import TypeAdapter, ValidationError

from envwright.spec.forms import Loc
from envwright.spec.part import Part
from envwright.spec.unsound import UNSOUND, Unsound

P = TypeVar("P", bound=Part)


def sound(model: type[P], data: object) -> P:
    """The part, with those fields alone that are valid: reading another one raises `Unsound`.

    In a list of texts, `UNSOUND` stands for an entry that is not valid.
    """
    with suppress(ValidationError):
        return model.model_validate(data)
    values = _sound_fields(model, data) if isinstance(data, Mapping) else {}
    part = cast(P, model.model_construct(_fields_set=set(values)))
    part.__dict__.clear()
    part.__dict__.update(values)
    return part


def _sound_fields(model: type[Part], data: Mapping[str, object]) -> dict[str, object]:
    meant = misspelt(model, data).values()
    values: dict[str, object] = {}
    for key, name in fields_of(model).items():
        field = model.model_fields[name]
        with suppress(Unsound):
            if key in data:
                values[name] = _sound_value(model, name, data[key])
            elif not field.is_required() and key not in meant:
                values[name] = field.get_default(call_default_factory=True)
    return values


def _sound_value(model: type[Part], name: str, data: object) -> object:
    with suppress(ValidationError):
        return _field_adapter(model, name).validate_python(data)
    annotation = model.model_fields[name].annotation
    part, container = _part_in(annotation), _container_in(annotation)
    if part and container is None:
        return sound(part, data)
    if part and get_origin(container) is dict and isinstance(data, Mapping):
        return {key: sound(part, value) for key, value in data.items()}
    if get_origin(container) is tuple and isinstance(data, list):
        entry = get_args(container)[0]
        if part:
            return tuple(sound(part, value) for value in data)
        if entry is str or get_args(entry)[0] is str:
            return tuple(_sound_text(entry, value) for value in data)
    raise Unsound(name)


def _sound_text(form: Any, data: object) -> object:
    with suppress(ValidationError):
        return _adapter(form).validate_python(data)
    return UNSOUND


@cache
def _adapter(form: Any) -> TypeAdapter[Any]:
    return TypeAdapter(form)


@cache
def _field_adapter(model: type[Part], name: str) -> TypeAdapter[Any]:
    return TypeAdapter(model.model_fields[name].rebuild_annotation())


@cache
def fields_of(model: type[Part]) -> dict[str, str]:
    """The part's fields: as they are written in a spec, and as they are called in Python."""
    return {field.alias or name: name for name, field in model.model_fields.items()}


def misspelt(model: type[Part], data: object) -> dict[str, str | None]:
    """The keys of `data` that are no fields of the part, each with the field that it is like."""
    if not isinstance(data, Mapping):
        return {}
    return {key: meant_by(key, model, data) for key in data if key not in fields_of(model)}


def meant_by(key: str, model: type[Part], data: Mapping[Any, object]) -> str | None:
    """The field that this key is like, of those of the part that `data` does not have."""
    free = [field for field in fields_of(model) if field not in data]
    return next(iter(get_close_matches(key, free, n=1)), None)


def part_at(model: type[Part], loc: Loc) -> type[Part]:
    """The kind of the part that stands at a place of a spec."""
    rest = list(loc)
    while rest:
        annotation = model.model_fields[fields_of(model)[str(rest.pop(0))]].annotation
        model = _part_in(annotation) or model
        if _container_in(annotation):
            rest.pop(0)
    return model


def _part_in(annotation: Any) -> type[Part] | None:
    """The kind of part that a field holds, alone or in a container."""
    if isinstance(annotation, type) and issubclass(annotation, Part):
        return annotation
    return next(filter(None, map(_part_in, get_args(annotation))), None)


def _container_in(annotation: Any) -> Any:
    """The `dict[...]` or `tuple[...]` of a field, or None."""
    if get_origin(annotation) in (dict, tuple):
        return annotation
    return next(filter(None, map(_container_in, get_args(annotation))), None)
