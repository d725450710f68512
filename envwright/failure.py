"""Why a run failed, as its record says it."""

from enum import StrEnum

from pydantic import Field

from envwright.names import Step
from envwright.value import Value


class FailureCategory(StrEnum):
    """What a person has to change before a retry can succeed."""

    SPEC = "spec"
    PERMISSION = "permission"
    QUOTA = "quota"
    CAPACITY = "capacity"
    DEADLINE = "deadline"
    BLOCKED = "blocked"
    CONFLICT = "conflict"
    CANCELLED = "cancelled"
    AWS = "aws"
    INTERNAL = "internal"


class ErrorClass(StrEnum):
    """What an error of AWS means for who made the call, whatever its code."""

    THROTTLED = "throttled"
    TRANSIENT = "transient"
    NOT_FOUND = "not_found"
    ABSENT = "absent"
    CONFLICT = "conflict"
    DEPENDENCY = "dependency"
    CAPACITY = "capacity"
    QUOTA = "quota"
    PERMISSION = "permission"
    EXISTS = "exists"
    EXPIRED = "expired"
    TOKEN = "token"  # noqa: S105 - a class of errors about client tokens, not a password
    INVALID = "invalid"


class Failure(Value):
    """Why a run failed: a sentence for a person, and the facts behind it."""

    category: FailureCategory
    message: str
    step: Step
    resource: str | None = None
    action: str | None = None
    code: str | None = None
    request_id: str | None = None
    left: dict[str, tuple[str, ...]] = Field(
        default={}, description="Of a cleanup: the ids of what it left, by resource."
    )
    blockers: tuple[str, ...] = Field(
        default=(), description="Of a cleanup: what is in its VPC and not of the environment."
    )
    error_class: str | None = Field(
        default=None, description="What AWS's error asks of us, such as throttled or quota."
    )

    def is_of(self, error: str) -> bool:
        """Whether this is its category, AWS's code or the code's class, in any case of letters."""
        known = (self.category, self.code, self.error_class)
        return error.casefold() in {one.casefold() for one in known if one}
