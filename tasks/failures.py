"""From an error to what the record says of it: the category, the sentence and the facts."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Final

from structlog.contextvars import bound_contextvars

from envwright.errors import EnvwrightError
from envwright.failure import Failure, FailureCategory
from envwright.names import Step
from tasks.aws.errors import AwsError, ErrorClass, UnansweredCreate

_CATEGORY: Final = {
    ErrorClass.CAPACITY: FailureCategory.CAPACITY,
    ErrorClass.QUOTA: FailureCategory.QUOTA,
    ErrorClass.EXPIRED: FailureCategory.PERMISSION,
    ErrorClass.PERMISSION: FailureCategory.PERMISSION,
    ErrorClass.DEPENDENCY: FailureCategory.BLOCKED,
    ErrorClass.CONFLICT: FailureCategory.BLOCKED,
    ErrorClass.EXISTS: FailureCategory.CONFLICT,
    ErrorClass.INVALID: FailureCategory.SPEC,
}


class StepError(EnvwrightError):
    """A step cannot be done until a person changes something."""

    def __init__(self, category: FailureCategory, message: str) -> None:
        self.category = category
        super().__init__(message)


class ResourceError(EnvwrightError):
    """A step failed on one resource; the cause says why."""

    def __init__(self, resource: str, cause: EnvwrightError) -> None:
        self.resource = resource
        self.cause = cause
        super().__init__(f"{resource}: {cause}")


@contextmanager
def telling_of(resources: Collection[str]) -> Iterator[None]:
    """Name these resources in log lines, and in the error if there is one."""
    named = ", ".join(resources)
    with bound_contextvars(resource=named):
        try:
            yield
        except (AwsError, StepError) as error:
            raise ResourceError(named, error) from error


def failure_from(error: BaseException, step: Step) -> Failure:
    """What the record keeps of an error that ended a step."""
    resource: str | None = None
    if isinstance(error, ResourceError):
        resource, error = error.resource, error.cause
    if isinstance(error, AwsError):
        return Failure(
            category=_CATEGORY.get(error.error_class, FailureCategory.AWS),
            message=str(error),
            step=step,
            resource=resource,
            action=error.action,
            code=error.code,
            request_id=error.request_id,
            error_class=error.error_class,
        )
    if isinstance(error, StepError):
        return Failure(category=error.category, message=str(error), step=step, resource=resource)
    if isinstance(error, UnansweredCreate):
        return Failure(
            category=FailureCategory.AWS,
            message=str(error),
            step=step,
            resource=resource,
            action=error.action,
            error_class=ErrorClass.TRANSIENT,
        )
    return Failure(
        category=FailureCategory.INTERNAL,
        message=f"envwright itself failed ({type(error).__name__}): its log has the details.",
        step=step,
        resource=resource,
    )
