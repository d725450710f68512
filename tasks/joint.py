"""Ids of what joins two others and has none of its own: they are made of the ids of these two."""

from typing import Final

_JOINT: Final = "@"


def joined(one: str, other: str) -> str:
    """The id, for the record, of what joins these."""
    return f"{one}{_JOINT}{other}"


def parts(joint: str) -> list[str]:
    """The ids of the two that this joins; an id that AWS gave is its own only part."""
    return joint.split(_JOINT)
