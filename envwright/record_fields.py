"""A record as it is read from the fields of its Redis hash."""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from pydantic import ValidationError

from envwright.errors import StoreCorrupt
from envwright.names import RECORD_FORMAT
from envwright.record import LOOKUP_FIELD, RESOURCE_FIELD, Record
from envwright.spec import EnvironmentSpec

_JSON_FIELDS: Final = (
    "run",
    "failure",
    "cleanup_failure",
    "outputs",
    "rebooted",
    "recovered",
    "expiry",
)

_SPECS_KEPT: Final = 256


@lru_cache(_SPECS_KEPT)
def _spec_from(text: str) -> EnvironmentSpec:
    """A spec as it was accepted: frozen, so all who read the record may share one.

    Each step of a run reads the same text, and checking it is most of what reading a record costs.
    """
    return EnvironmentSpec.model_validate(json.loads(text))


def record_from_fields(environment_id: str, fields: Mapping[str, str]) -> Record:
    """Read a record from the fields of its Redis hash.

    Raises `StoreCorrupt` when they are not a record of a format that this code knows.
    """
    written = fields.get("format")
    if written != str(RECORD_FORMAT):
        raise StoreCorrupt(
            f"The record of {environment_id} has format {written}, this version of envwright "
            f"reads format {RECORD_FORMAT}: use the version that wrote it, or a newer one."
        )
    values: dict[str, Any] = {"environment_id": environment_id, "resources": {}, "lookups": {}}
    try:
        for field, text in fields.items():
            if field.startswith(RESOURCE_FIELD):
                values["resources"][field.removeprefix(RESOURCE_FIELD)] = json.loads(text)
            elif field.startswith(LOOKUP_FIELD):
                values["lookups"][field.removeprefix(LOOKUP_FIELD)] = json.loads(text)
            elif field == "spec":
                values[field] = _spec_from(text) if text else None
            elif field in _JSON_FIELDS:
                if text:
                    values[field] = json.loads(text)
            else:
                values[field] = text
        return Record.model_validate(values)
    except (ValueError, ValidationError) as error:
        raise StoreCorrupt(
            f"The record of {environment_id} cannot be read: {type(error).__name__}."
        ) from None  # pydantic's error quotes its input, and with it user data
