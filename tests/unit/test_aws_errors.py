"""AWS's errors: what each asks of us, and what a person is told of it."""

import pytest

from envwright.failure import FailureCategory
from envwright.names import Step
from tasks.aws.errors import (
    AwsError,
    ErrorClass,
    UnansweredCreate,
    classify,
    from_client_error,
    tolerating,
)
from tasks.failures import ResourceError, StepError, failure_from


@pytest.mark.parametrize(
    ("code", "status", "error_class"),
    [
        ("RequestLimitExceeded", 503, ErrorClass.THROTTLED),
        ("EC2ThrottledException", 400, ErrorClass.THROTTLED),
        ("ThrottlingException", 400, ErrorClass.THROTTLED),
        ("InternalError", 500, ErrorClass.TRANSIENT),
        ("Unavailable", 503, ErrorClass.TRANSIENT),
        ("NeverHeardOf", 500, ErrorClass.TRANSIENT),
        ("504", 504, ErrorClass.TRANSIENT),
        ("InvalidVpcID.NotFound", 400, ErrorClass.NOT_FOUND),
        ("InvalidInstanceID.NotFound", 400, ErrorClass.NOT_FOUND),
        ("InvalidGroup.NotFound", 400, ErrorClass.NOT_FOUND),
        ("InvalidSubnetID.NotFound", 400, ErrorClass.NOT_FOUND),
        ("InvalidSubnetId.NotFound", 400, ErrorClass.NOT_FOUND),
        ("InvalidRouteTableId.NotFound", 400, ErrorClass.NOT_FOUND),
        ("Gateway.NotAttached", 400, ErrorClass.ABSENT),
        ("InvalidPermission.NotFound", 400, ErrorClass.ABSENT),
        ("IncorrectState", 400, ErrorClass.CONFLICT),
        ("DependencyViolation", 400, ErrorClass.DEPENDENCY),
        ("InvalidGroup.InUse", 400, ErrorClass.DEPENDENCY),
        ("InsufficientInstanceCapacity", 500, ErrorClass.CAPACITY),
        ("Unsupported", 400, ErrorClass.CAPACITY),
        ("VcpuLimitExceeded", 400, ErrorClass.QUOTA),
        ("RulesPerSecurityGroupLimitExceeded", 400, ErrorClass.QUOTA),
        ("ConcurrentMutationLimitExceeded", 400, ErrorClass.CONFLICT),
        ("UnauthorizedOperation", 403, ErrorClass.PERMISSION),
        ("OptInRequired", 403, ErrorClass.PERMISSION),
        ("RequestExpired", 400, ErrorClass.EXPIRED),
        ("InvalidGroup.Duplicate", 400, ErrorClass.EXISTS),
        ("RouteAlreadyExists", 400, ErrorClass.EXISTS),
        ("IdempotentParameterMismatch", 400, ErrorClass.TOKEN),
        ("IdempotentInstanceTerminated", 400, ErrorClass.TOKEN),
        ("InvalidAMIID.NotFound", 400, ErrorClass.INVALID),
        ("InvalidAMIID.Malformed", 400, ErrorClass.INVALID),
        ("InvalidPrefixListID.NotFound", 400, ErrorClass.INVALID),
        ("InvalidParameterValue", 400, ErrorClass.INVALID),
        ("ParameterNotFound", 400, ErrorClass.INVALID),
        ("UnsupportedOperation", 400, ErrorClass.INVALID),
    ],
)
def test_an_error_is_classified(code: str, status: int, error_class: ErrorClass) -> None:
    """By its code first: capacity comes as HTTP 500, and an image that is unknown is a mistake."""
    assert classify(code, status) is error_class


def test_an_error_is_a_sentence_with_advice() -> None:
    """What AWS refused, with which code, why, and what to do."""
    error = AwsError("CreateVpc", "VpcLimitExceeded", "Too many.", None, ErrorClass.QUOTA)

    assert str(error) == (
        "AWS refused CreateVpc with VpcLimitExceeded: Too many. "
        "Have this quota raised in Service Quotas, or free what uses it up."
    )


def test_an_error_is_read_from_the_sdks_answer() -> None:
    """Code, message and request id, each wherever it stands."""
    error = from_client_error(
        "RunInstances",
        {
            "Error": {"Code": "InvalidAMIID.NotFound", "Message": "No such image."},
            "ResponseMetadata": {"HTTPStatusCode": 400, "RequestId": "request-1"},
        },
    )

    assert (error.action, error.code, error.aws_message, error.request_id, error.error_class) == (
        "RunInstances",
        "InvalidAMIID.NotFound",
        "No such image.",
        "request-1",
        ErrorClass.INVALID,
    )


def test_an_answer_without_anything_is_still_an_error() -> None:
    """A proxy's page instead of AWS's answer must not become another exception."""
    error = from_client_error("CreateVpc", {"ResponseMetadata": {"HTTPStatusCode": 502}})

    assert (error.code, error.error_class) == ("Unknown", ErrorClass.TRANSIENT)


def test_what_is_tolerated_is_success_and_the_rest_is_not() -> None:
    """Gone already is what a delete asked for."""
    with tolerating(ErrorClass.NOT_FOUND, ErrorClass.EXISTS):
        raise refused(ErrorClass.NOT_FOUND)
    with pytest.raises(AwsError), tolerating(ErrorClass.NOT_FOUND):
        raise refused(ErrorClass.DEPENDENCY)


def refused(error_class: ErrorClass) -> AwsError:
    return AwsError("DeleteVpc", "SomeCode", "Because", "request-1", error_class)


@pytest.mark.parametrize(
    ("error_class", "category"),
    [
        (ErrorClass.CAPACITY, FailureCategory.CAPACITY),
        (ErrorClass.QUOTA, FailureCategory.QUOTA),
        (ErrorClass.PERMISSION, FailureCategory.PERMISSION),
        (ErrorClass.EXPIRED, FailureCategory.PERMISSION),
        (ErrorClass.DEPENDENCY, FailureCategory.BLOCKED),
        (ErrorClass.CONFLICT, FailureCategory.BLOCKED),
        (ErrorClass.EXISTS, FailureCategory.CONFLICT),
        (ErrorClass.INVALID, FailureCategory.SPEC),
        (ErrorClass.NOT_FOUND, FailureCategory.AWS),
    ],
)
def test_a_failure_says_what_a_person_must_change(
    error_class: ErrorClass, category: FailureCategory
) -> None:
    """And on which resource, by which call, with AWS's code and request id."""
    failure = failure_from(ResourceError("network/vpc/main", refused(error_class)), Step.NETWORK)

    assert failure.category is category
    assert failure.message.startswith("AWS refused DeleteVpc with SomeCode: Because.")
    assert (failure.step, failure.resource, failure.action, failure.code, failure.request_id) == (
        Step.NETWORK,
        "network/vpc/main",
        "DeleteVpc",
        "SomeCode",
        "request-1",
    )


def test_a_failure_of_a_step_keeps_its_sentence() -> None:
    """The step knows better than we what is to be done."""
    failure = failure_from(StepError(FailureCategory.SPEC, "Ask for fewer."), Step.NETWORK)

    assert (failure.category, failure.message) == (FailureCategory.SPEC, "Ask for fewer.")


def test_a_create_that_stays_unanswered_is_told() -> None:
    """With the call that was not answered."""
    failure = failure_from(
        ResourceError("network/vpc/main", UnansweredCreate("CreateVpc", "InternalError")),
        Step.NETWORK,
    )

    assert (failure.category, failure.action) == (FailureCategory.AWS, "CreateVpc")
    assert failure.message == "CreateVpc was sent and not answered (InternalError)."


def test_an_error_of_our_own_is_told_without_its_text() -> None:
    """It may quote anything; the log has it."""
    failure = failure_from(KeyError("hush"), Step.READY)

    assert failure.category is FailureCategory.INTERNAL
    assert "KeyError" in failure.message
    assert "hush" not in failure.message
