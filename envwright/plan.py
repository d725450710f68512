"""What a spec would make, in which order, by which calls, and what it costs in quota.

A worker finds it out (`envwright.questions`), and changes nothing.
"""

from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from envwright.names import Step
from envwright.questions import Question
from envwright.spec import EnvironmentSpec
from envwright.spec.forms import Flag
from envwright.value import Value


class PlannedResource(Value):
    """A resource that would be made."""

    key: str
    name: str | None = Field(default=None, description="Its `Name` tag.")
    details: dict[str, str] = Field(
        default={}, description="What it would be made with, such as its CIDR block and zone."
    )
    count: int = 1
    changes: dict[str, int] = Field(
        default={}, description="Calls that change something, by action."
    )


class PlannedStep(Value):
    """A step, and what it would make, in this order."""

    step: Step
    resources: tuple[PlannedResource, ...] = ()


class QuotaUse(Value):
    """What would be taken of one of the account's quotas in the region."""

    name: str
    service: str = Field(description="The service's code in Service Quotas.")
    code: str = Field(description="The quota's code there.")
    needed: int
    used: int | None = Field(default=None, description="How many there are; unknown if null.")
    limit: int | None = Field(default=None, description="How many there may be; unknown if null.")
    unknown: str | None = Field(default=None, description="Why it could not be found out.")

    @property
    def is_short(self) -> bool:
        """Whether it is certain that not enough is left."""
        return self.limit is not None and (self.used or 0) + self.needed > self.limit


class Verdict(StrEnum):
    """What AWS said of a call that was only asked for as `DryRun`."""

    ALLOWED = "allowed"
    DENIED = "denied"
    UNCLEAR = "unclear"


class Permission(Value):
    """Whether the worker may make a call."""

    action: str = Field(description="As policies name it, such as ec2:CreateVpc.")
    verdict: Verdict
    why: str | None = Field(default=None, description="AWS's words, where it is not allowed.")


class Plan(Value):
    """What building the environment would do."""

    environment_id: str
    steps: tuple[PlannedStep, ...]
    changes: dict[str, int] = Field(description="Calls that change something, by action.")
    reads: dict[str, int] = Field(
        description="Calls that look things up, by action; without those that wait for a state."
    )
    quotas: tuple[QuotaUse, ...] = ()
    permissions: tuple[Permission, ...] = Field(
        default=(), description="Empty, where they were not asked for."
    )

    @property
    def denied(self) -> tuple[Permission, ...]:
        """The permissions that are missing."""
        return tuple(one for one in self.permissions if one.verdict is Verdict.DENIED)

    @property
    def short(self) -> tuple[QuotaUse, ...]:
        """The quotas of which not enough is left."""
        return tuple(one for one in self.quotas if one.is_short)


class PlanQuestion(Question[Plan]):
    """What would this spec make? With `check`, also: may the worker do it?"""

    sort: ClassVar[str] = "plan"
    answer: ClassVar[type[Plan]] = Plan

    spec: EnvironmentSpec
    check: Flag = False

    @property
    def asks(self) -> str:
        return f"what {self.spec.environment_id} would be"
