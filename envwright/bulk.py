"""Many environments that were asked for as one thing: how far it is, and what became of each."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from pydantic import Field

from envwright.failure import Failure
from envwright.priority import Priority
from envwright.states import AT_REST, State
from envwright.value import Value

FAILED_MEMBERS: Final = (State.FAILED, State.CLEANED, State.CLEANUP_FAILED)
"""The states of members that could not be built, or not be taken down again: a retry goes on."""


class BulkState(StrEnum):
    """Where a bulk stands."""

    OPEN = "open"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"


class Bulk(Value):
    """A bulk, and its members counted. Times are Unix seconds by Redis' clock."""

    id: str
    name: str | None = None
    priority: Priority = Priority.LOW
    max_failures: int | None = Field(
        default=None, description="It pauses by itself when more of its members have failed."
    )
    failures: int = Field(
        default=0, description="How many failed since it was begun, or last resumed."
    )
    created_at: float
    sealed_at: float | None = Field(
        default=None, description="When all its members had been accepted; None while it is open."
    )
    started_at: float | None = Field(
        default=None, description="When the first of its members was let in to be built."
    )
    paused_at: float | None = None
    paused_because: str | None = Field(
        default=None, description="Why it paused by itself; None where somebody paused it."
    )
    counted_at: float = Field(description="When its members were counted.")
    total: int = Field(default=0, description="Its members: the environments that it has begun.")
    waiting: int = Field(default=0, description="Members that wait in line.")
    states: Mapping[State, int] = Field(default={}, description="Its members by their state.")
    last_change_at: float | None = Field(
        default=None, description="When one of its members changed last."
    )
    swept_at: float | None = Field(
        default=None, description="When a worker last looked for what there is to do."
    )
    refused: int = Field(default=0, description="Specs that were refused: they are no members.")
    existing: int = Field(
        default=0, description="Environments that were there already: they are no members."
    )

    @property
    def at_rest(self) -> int:
        """The members that nobody works on any more."""
        return sum(count for state, count in self.states.items() if state in AT_REST)

    @property
    def failed(self) -> int:
        return sum(self.states.get(state, 0) for state in FAILED_MEMBERS)

    @property
    def under_way(self) -> int:
        return sum(self.states.values()) - self.at_rest - self.waiting

    @property
    def state(self) -> BulkState:
        """A bulk whose members are all at rest is done, also where it was paused.

        Where none waits in line any more, there is nothing that a pause could hold back.
        """
        is_over = self.at_rest == sum(self.states.values())
        if self.sealed_at is not None and is_over:
            return BulkState.DONE
        if self.paused_at is not None and (self.waiting or self.sealed_at is None):
            return BulkState.PAUSED
        return BulkState.OPEN if self.sealed_at is None else BulkState.RUNNING

    @property
    def finished_at(self) -> float | None:
        """When the last of its members came to rest; None before."""
        return (self.last_change_at or self.sealed_at) if self.state is BulkState.DONE else None


class Member(Value):
    """One environment of a bulk, as its record has it."""

    environment_id: str
    state: State | None = Field(description="None where its record is lost, or cannot be read.")
    failure: Failure | None = Field(
        default=None, description="Why the last run that failed did, where it has."
    )


class BulkAnswer(Value):
    """What came of a request to all members of a bulk."""

    accepted: int = Field(default=0, description="The members for which a run was begun.")
    refused: Mapping[str, str] = Field(
        default={}, description="Why the others have none: environment id → a sentence."
    )
