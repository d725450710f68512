"""The door to AWS: which calls are repeated, for how long, and what is told of them."""

import botocore.session
import pytest
from botocore.exceptions import (
    NoCredentialsError,
    ParamValidationError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError
from structlog.testing import capture_logs

from tasks.aws.actions import ACTIONS, Effect
from tasks.aws.door import Door
from tasks.aws.errors import AwsError, ErrorClass, UnansweredCreate
from tests.sdk import (
    ANSWER,
    AWS,
    FAILED,
    LOST,
    NEVER_SENT,
    SETTINGS,
    THROTTLED,
    Client,
    Clock,
    PatientLease,
    call,
    refusal,
)


def test_the_table_holds_only_calls_that_aws_has() -> None:
    """A misspelt action would be a permission that nobody has."""
    session = botocore.session.get_session()
    known = {
        operation
        for service in ("ec2", "service-quotas", "ssm", "sts")
        for operation in session.get_service_model(service).operation_names
    }

    assert set(ACTIONS) <= known


def test_no_other_call_passes(clock: Clock) -> None:
    """What is not in the table cannot be called, by whatever code."""
    door = Door(Client(ANSWER), PatientLease(clock), SETTINGS)

    with pytest.raises(AttributeError, match=r"delete_bucket .* tasks/aws/actions\.py"):
        door.delete_bucket  # noqa: B018 - to look it up is what is refused


async def test_an_answer_is_handed_on(clock: Clock) -> None:
    """As the SDK gives it, for the parameters that were given."""
    client = Client(ANSWER)

    answer = await Door(client, PatientLease(clock), SETTINGS).create_vpc(CidrBlock="10.0.0.0/16")

    assert answer is ANSWER
    assert client.calls == [{"CidrBlock": "10.0.0.0/16"}]


@pytest.mark.parametrize("error", [THROTTLED, NEVER_SENT], ids=["throttled", "never-sent"])
@pytest.mark.parametrize("effect", Effect, ids=lambda effect: effect.name)
async def test_what_was_not_done_is_repeated_whatever_it_is(
    clock: Clock, effect: Effect, error: Exception
) -> None:
    """For as long as it takes: throttling is no failure."""
    client = Client(*[error] * 200, ANSWER)

    assert await call(Door(client, PatientLease(clock), SETTINGS), effect)

    assert len(client.calls) == 201


@pytest.mark.parametrize(
    "error",
    [
        FAILED,
        LOST,
        ReadTimeoutError(endpoint_url=AWS),
        ResponseParserError("not XML"),
        ConnectionResetError(),
        refusal("UnheardOf", 502),
    ],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("effect", Effect, ids=lambda effect: effect.name)
async def test_what_may_have_been_done_is_repeated_where_that_is_safe(
    clock: Clock, effect: Effect, error: Exception
) -> None:
    """But a create without a token is sent once: its caller must look what came of it."""
    client = Client(*[error] * 50, ANSWER)
    door = Door(client, PatientLease(clock), SETTINGS)

    if effect is Effect.CREATE:
        with pytest.raises(UnansweredCreate, match="CreateVpc was sent and not answered"):
            await call(door, effect)
        assert len(client.calls) == 1
    else:
        await call(door, effect)
        assert len(client.calls) == 51


@pytest.mark.parametrize(
    ("code", "patience"),
    [
        (
            "IncorrectState",
            dict.fromkeys(set(Effect) - {Effect.NONE}, SETTINGS.conflict_timeout),
        ),
        ("DependencyViolation", {Effect.DELETE: SETTINGS.conflict_timeout}),
        (
            "InvalidVpcID.NotFound",
            {
                effect: SETTINGS.consistency_timeout
                for effect in Effect
                if effect not in (Effect.DELETE, Effect.NONE)
            },
        ),
        ("InsufficientInstanceCapacity", {}),
        ("VpcLimitExceeded", {}),
        ("UnauthorizedOperation", {}),
        ("InvalidGroup.Duplicate", {}),
        ("IdempotentParameterMismatch", {}),
        ("InvalidParameterValue", {}),
    ],
)
@pytest.mark.parametrize("effect", Effect, ids=lambda effect: effect.name)
async def test_a_refusal_is_waited_out_as_long_as_that_can_help(
    clock: Clock, effect: Effect, code: str, patience: dict[Effect, float]
) -> None:
    """Then, or at once where it cannot, it is raised with the call, the code and the request."""
    client = Client(refusal(code))
    begun = clock.now

    with pytest.raises(AwsError) as told:
        await call(Door(client, PatientLease(clock), SETTINGS), effect)

    waited = clock.now - begun
    assert patience.get(effect, 0.0) <= waited <= patience.get(effect, 0.0) + 11
    assert (len(client.calls) == 1) is (effect not in patience)
    assert (told.value.code, told.value.request_id) == (code, "request-0")


@pytest.mark.parametrize(("settled_in", "is_repeated"), [(20.0, True), (-20.0, False)])
async def test_what_a_delete_does_not_find_may_only_be_new(
    clock: Clock, settled_in: float, is_repeated: bool
) -> None:
    """An id that AWS does not know is gone only once it has had the time to become known."""
    client = Client(refusal("InvalidVpcID.NotFound"))
    settled_at = clock.now + settled_in
    door = Door(client, PatientLease(clock), SETTINGS, settled_at=settled_at)

    with pytest.raises(AwsError):
        await door.delete_vpc()

    assert clock.now > settled_at
    assert (len(client.calls) > 1) is is_repeated


async def test_each_sort_of_trouble_has_patience_of_its_own(clock: Clock) -> None:
    """Time that went by while a call was throttled is not taken from what it may be in use."""
    throttled_long = [THROTTLED] * 20
    client = Client(*throttled_long, refusal("DependencyViolation"), ANSWER)

    await Door(client, PatientLease(clock), SETTINGS).delete_vpc()

    assert sum(clock.pauses) > SETTINGS.conflict_timeout
    assert len(client.calls) == 22


async def test_the_pauses_grow_and_are_never_the_same(clock: Clock) -> None:
    """From a quarter of a second to ten, each cut by up to a half by chance."""
    client = Client(*[THROTTLED] * 10, ANSWER)

    await Door(client, PatientLease(clock), SETTINGS).create_vpc()

    longest = [0.25, 0.5, 1, 2, 4, 8, 10, 10, 10, 10]
    assert all(
        most / 2 <= pause <= most for pause, most in zip(clock.pauses, longest, strict=True)
    ), clock.pauses
    assert len(set(clock.pauses)) == len(clock.pauses)


async def test_each_attempt_is_logged(clock: Clock) -> None:
    """Action, duration, AWS's request id and error code: and no parameters."""
    door = Door(Client(THROTTLED, ANSWER), PatientLease(clock), SETTINGS)

    with capture_logs() as lines:
        await door.run_instances(UserData="hush")

    told = [(one["event"], one["action"], one["aws_request_id"], one["code"]) for one in lines]
    assert told == [
        ("aws_call", "RunInstances", "request-0", "RequestLimitExceeded"),
        ("aws_call", "RunInstances", "request-1", None),
    ]
    assert all(one["duration_ms"] >= 0 for one in lines)
    assert "hush" not in str(lines)


async def test_what_the_sdk_itself_refuses_is_told_without_the_parameters(clock: Clock) -> None:
    """Its own text quotes them, and they may hold user data."""
    client = Client(ParamValidationError(report="Invalid type for UserData, value: hush"))

    with capture_logs() as lines, pytest.raises(AwsError) as told:
        await Door(client, PatientLease(clock), SETTINGS).run_instances(UserData="hush")

    assert told.value.error_class is ErrorClass.INVALID
    assert told.value.__cause__ is None
    assert "hush" not in f"{told.value} {lines}"


async def test_missing_credentials_are_told_as_such(clock: Clock) -> None:
    """It is the worker that lacks something, and not the spec."""
    with pytest.raises(AwsError, match="Check the worker's credentials") as told:
        await Door(Client(NoCredentialsError()), PatientLease(clock), SETTINGS).create_vpc()

    assert told.value.error_class is ErrorClass.PERMISSION
