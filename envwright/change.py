"""What is done to instances that are there: an operation, and the instances that it is about."""

from collections.abc import Iterator, Mapping
from enum import StrEnum

from pydantic import Field

from envwright.value import Value


class Operation(StrEnum):
    """What can be done to some of an environment's instances."""

    STOP = "stop"
    START = "start"
    REBOOT = "reboot"
    TERMINATE = "terminate"
    REPLACE = "replace"


class Change(Value):
    """An operation on some of an environment's instances."""

    operation: Operation
    targets: tuple[str, ...] = Field(
        default=(), description="The instances and groups as they were named; none means all."
    )
    groups: tuple[str, ...] = Field(
        default=(),
        description="The groups among them: a replacement gives each as many instances as the "
        "spec asks for.",
    )
    instances: dict[str, tuple[str, ...]] = Field(
        description="The ids of the instances that it is about, by resource key."
    )
    kept: dict[str, tuple[str, ...]] = Field(
        default={}, description="The ids beside them under these keys, which stay as they are."
    )

    @property
    def ids(self) -> tuple[str, ...]:
        """The instances that it is about."""
        return tuple(_all(self.instances))

    def size(self, key: str) -> int:
        """How many instances stood under this key when the change was asked for."""
        return len(self.instances.get(key, ())) + len(self.kept.get(key, ()))


def _all(ids: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    for some in ids.values():
        yield from some
