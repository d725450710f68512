"""Which run goes first where several wait."""

from enum import StrEnum


class Priority(StrEnum):
    """What a caller gives a run that builds. An operator's single job is `normal`, a bulk `low`."""

    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"
