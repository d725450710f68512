"""What workers could not read and have set aside: messages, and the records of environments."""

from collections.abc import Mapping
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

DELIVERIES: Final = 3
"""How often a message is delivered until it is parked: a worker of newer code may read it."""

MESSAGES_KEPT: Final = 1000
"""About how many parked messages are kept; the oldest go first."""


class ParkedMessage(BaseModel):
    """A message that no worker could read, but for its body, which may hold anything."""

    model_config = ConfigDict(frozen=True)

    at: float = Field(default=0.0, description="Unix time in seconds, by Redis' clock.")
    why: str
    task: str | None
    content_type: str | None
    size: int = Field(description="Bytes of the body.")
    deliveries: int
    worker: str = Field(description="Who parked it.")


class Parked(BaseModel):
    """All that is set aside, the newest message first."""

    model_config = ConfigDict(frozen=True)

    messages: tuple[ParkedMessage, ...] = ()
    records: dict[str, str] = Field(
        default={}, description="Why its record cannot be read, by environment id."
    )


def parked_from_entry(entry_id: str, fields: Mapping[str, str]) -> ParkedMessage:
    """Read a parked message from its stream entry; its time is the entry's."""
    message = ParkedMessage.model_validate_json(fields["message"])
    return message.model_copy(update={"at": int(entry_id.split("-")[0]) / 1000})
