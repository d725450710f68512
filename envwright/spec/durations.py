"""How long something may take, or live: as a whole number of seconds, or as 90s, 30m, 2h, 7d."""

import re
from collections.abc import Callable
from typing import Annotated, Final

from pydantic import Field, PlainValidator

from envwright.spec.forms import fault

LEAST_LIFE: Final = 5 * 60
"""Seconds that an environment lives at least: less would end most of them before they are built."""

LONGEST_LIFE: Final = 365 * 86400
"""Seconds that an environment with an end lives at most."""

_MAX_DEADLINE: Final = 24 * 3600
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_WRITTEN: Final = "[0-9]{1,8}[smhd]"


def duration(value: object) -> int | None:
    """A duration in seconds; None where the value is none."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and re.fullmatch(_WRITTEN, value):
        return int(value[:-1]) * _SECONDS[value[-1]]
    return None


def _between(least: int, most: int, otherwise: str) -> Callable[[object], int]:
    def read(value: object) -> int:
        seconds = duration(value)
        if seconds is None:
            raise fault(
                "This is not a duration: write 90s, 30m, 2h or 7d, or a whole number of seconds."
            )
        if not least <= seconds <= most:
            raise fault(otherwise)
        return seconds

    return read


Deadline = Annotated[
    int,
    PlainValidator(
        _between(60, _MAX_DEADLINE, "A deadline lies between 1 minute and 24 hours."),
        json_schema_input_type=Annotated[int, Field(ge=60, le=_MAX_DEADLINE)]
        | Annotated[str, Field(pattern=f"^{_WRITTEN}$")],
    ),
]
TimeToLive = Annotated[
    int,
    PlainValidator(
        _between(LEAST_LIFE, LONGEST_LIFE, "A time to live lies between 5 minutes and 365 days."),
        json_schema_input_type=Annotated[int, Field(ge=LEAST_LIFE, le=LONGEST_LIFE)]
        | Annotated[str, Field(pattern=f"^{_WRITTEN}$")],
    ),
]
