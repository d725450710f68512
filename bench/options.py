"""What the command line lets one choose."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """None: what the part itself takes."""

    count: int | None = None
    """How many environments, in the parts that build many."""
    time_scale: float | None = None
    """What a second of AWS takes here."""
