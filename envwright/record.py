"""What Redis holds of an environment, but for its events."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    Field,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)

from envwright.change import Change
from envwright.failure import Failure
from envwright.names import Step
from envwright.outputs import Outputs
from envwright.placement import Placement
from envwright.priority import Priority
from envwright.spec import Account, EnvironmentSpec
from envwright.states import AT_REST, HOLDS_NOTHING, State
from envwright.value import Value

RESOURCE_FIELD: Final = "resource:"
LOOKUP_FIELD: Final = "lookup:"


FRESH_STEP: Final[Mapping[str, str]] = {"attempt": "0", "deaths": "0", "death_owner": ""}
"""The fields of a step that nobody has tried yet."""


class RunKind(StrEnum):
    """The sorts of job on an environment. A recovery only writes a record: it has no steps."""

    PROVISION = "provision"
    CLEANUP = "cleanup"
    CHANGE = "change"
    RECOVERY = "recovery"


class ResourceState(StrEnum):
    """How far a resource has come: what the record believes of it."""

    INTENDED = "intended"
    CREATED = "created"
    READY = "ready"
    DELETING = "deleting"
    GONE = "gone"


class Run(Value):
    """One job on an environment."""

    id: str
    kind: RunKind
    reason: str = Field(
        description="What asked for it: enqueue, retry, destroy, cancel, expired, recover or "
        "failure; of a change, its operation."
    )
    accepted_at: float = Field(description="Unix time in seconds, by Redis' clock.")
    admitted_at: float | None = Field(
        default=None,
        description="Unix time in seconds at which a run that waited in line was let in.",
    )
    deadline_at: float = Field(
        description="Unix time in seconds at which the run is given up; it moves on when a run "
        "that waited in line is let in."
    )
    goal: State = Field(description="The state that the run reaches when all goes well.")
    thorough: bool = Field(
        default=False,
        description="Whether a cleanup looks also for what neither record nor tags name: "
        "one before it failed, or the record was lost.",
    )
    force: bool = Field(
        default=False,
        description="Whether a cleanup lifts termination protection, whoever has set it.",
    )
    tries: int = Field(default=0, description="How often a cleanup has failed so far.")
    retry_at: float | None = Field(
        default=None,
        description="Unix time in seconds at which a cleanup that failed is tried again by itself.",
    )
    change: Change | None = Field(
        default=None, description="Of a change: what is done, and to which instances."
    )
    priority: Priority = Field(
        default=Priority.NORMAL, description="Which of the runs that wait goes first."
    )
    bulk: str | None = Field(default=None, description="The id of the bulk that asked for it.")

    @property
    def limit(self) -> float:
        """Seconds that the run may take, counted from when it was accepted, let in, or last tried
        again."""
        return self.deadline_at - (self.retry_at or self.admitted_at or self.accepted_at)

    @property
    def flow(self) -> str:
        """With which other runs it shares its turns: its bulk, or the single ones of its
        priority."""
        return self.bulk or str(self.priority)

    def in_flow(self, priority: Priority, bulk: str | None) -> "Run":
        """The same run among others of this priority, or of this bulk."""
        return self.model_copy(update={"priority": priority, "bulk": bulk})


class Expiry(Value):
    """The end of an environment's time to live. Times are Unix seconds by Redis' clock."""

    id: str = Field(description="Drawn anew with each change of it.")
    at: float | None = Field(
        default=None, description="When the environment is destroyed; None where it never is."
    )
    warn_at: float | None = Field(
        default=None, description="When that is to be told in an event; None when it was."
    )
    counted_from: float | None = Field(
        default=None,
        description="From when it is counted, while the environment is still to begin: it moves on "
        "when a run that waited in line is let in. None from then on, or once somebody moved it.",
    )

    @property
    def look_at(self) -> float | None:
        """When somebody must look at it next."""
        return self.at if self.warn_at is None else self.warn_at

    @property
    def fields(self) -> dict[str, str]:
        """The record's fields that hold it."""
        return {"expiry": self.model_dump_json(), "expiry_id": self.id}


class ResourceRecord(Value):
    """The belief about one resource: its intent, and the ids that came of it."""

    state: ResourceState
    ids: tuple[str, ...] = ()
    incarnation: int = 1
    count: int = 1
    at: float = Field(description="Unix time in seconds of the last change of state.")
    placement: Placement | None = Field(
        default=None, description="Of a launch that is not what and where it was to be first."
    )


class Event(Value):
    """One entry of an environment's history."""

    id: str = ""
    at: float = 0.0
    type: str
    run: str
    step: Step | None = None
    resource: str | None = None
    state: str | None = None
    ids: tuple[str, ...] = ()
    message: str | None = None
    seconds: float | None = None


class Recovered(Value):
    """All that is certain of an environment whose record was lost: its tags do not say more."""

    name: str
    region: str
    account: Account | None = Field(default=None, description="The account it was found in.")


def _checked_once(value: Any, check: ValidatorFunctionWrapHandler) -> Any:
    """A spec was checked when it was made, and cannot have changed since."""
    return value if isinstance(value, EnvironmentSpec) else check(value)


class Record(Value):
    """All that Redis holds of one environment, but for its events."""

    format: int
    environment_id: str
    uid: str = Field(description="Drawn when the record was made; a part of every client token.")
    spec: Annotated[EnvironmentSpec | None, WrapValidator(_checked_once)] = Field(
        default=None, description="What was wished for; lost, where the record was recovered."
    )
    recovered: Recovered | None = Field(
        default=None, description="Set where the record was lost, and written anew from tags."
    )
    created_at: float
    updated_at: float
    state: State
    step: Step
    run: Run
    attempt: int = 0
    deaths: int = Field(default=0, description="How often a worker died in the step, in a row.")
    epoch: int = 0
    failure: Failure | None = Field(
        default=None, description="Why the last run that builds or changes failed."
    )
    cleanup_failure: Failure | None = Field(
        default=None, description="Why the cleanup after it, or the one asked for, failed."
    )
    trouble: str | None = Field(
        default=None, description="Why a call of the step that runs is made again and again."
    )
    outputs: Outputs | None = None
    expiry: Expiry | None = None
    rebooted: tuple[str, ...] = Field(
        default=(), description="The instances that the last change has rebooted so far."
    )
    line: str = Field(
        default="", exclude=True, description="The run that waits in line, and its flow."
    )
    resources: dict[str, ResourceRecord] = Field(default={})
    lookups: dict[str, Any] = Field(default={})

    @model_validator(mode="after")
    def _has_an_identity(self) -> Self:
        _ = self.identity
        return self

    @property
    def identity(self) -> EnvironmentSpec | Recovered:
        """What says its name, region and account."""
        identity = self.spec or self.recovered
        if identity is None:
            raise ValueError("It has no spec, and was not recovered.")
        return identity

    @property
    def on_failure(self) -> Literal["cleanup", "hold"]:
        """What happens when building fails."""
        return self.spec.on_failure if self.spec else "cleanup"

    @property
    def at_rest(self) -> bool:
        return self.state in AT_REST

    @property
    def waits_in_line(self) -> bool:
        """Whether its run is still to be let in."""
        return self.state is State.QUEUED and self.line.startswith(f"{self.run.id} ")

    @property
    def is_unbegun(self) -> bool:
        """Whether its run waits in line, and no earlier one has left anything in AWS.

        Nobody can have made anything for it, since an intent is on record before that.
        """
        left = [one for one in self.resources.values() if one.state is not ResourceState.GONE]
        return self.waits_in_line and not left

    @property
    def expires_at(self) -> float | None:
        """When it is destroyed by itself; None where it never is, is being, or was already, and
        while its `life_to_begin` waits."""
        is_over = self.state is State.CLEANING or self.state in HOLDS_NOTHING
        is_open = is_over or self.life_to_begin is not None
        return None if is_open or self.expiry is None else self.expiry.at

    @property
    def life_to_begin(self) -> float | None:
        """Seconds that it may live once it is let in; None unless it waits in line for that."""
        expiry = self.expiry
        if expiry is None or expiry.at is None or expiry.counted_from is None:
            return None
        return expiry.at - expiry.counted_from if self.waits_in_line else None

    @property
    def last_failure(self) -> Failure | None:
        """Why the last run that failed did: that of a cleanup comes after that of a build."""
        return self.cleanup_failure or self.failure
