"""The door to AWS: which calls are repeated, for how long, and what is told of them."""

from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError
from structlog.testing import capture_logs

from config.settings import WorkerSettings
from tasks.aws.actions import ACTIONS, Effect
from tasks.aws.door import Door
from tasks.aws.errors import AwsError, ErrorClass, Halted, UnansweredCreate
from tasks.lease import End, Lease
from tasks.store import Hold

SETTINGS = WorkerSettings(consistency_timeout=30, conflict_timeout=60)
ANSWER = {"ResponseMetadata": {"RequestId": "request-1"}}
OPERATIONS = {
    "describe_vpcs": "DescribeVpcs",
    "create_vpc": "CreateVpc",
    "run_instances": "RunInstances",
    "create_route": "CreateRoute",
    "delete_vpc": "DeleteVpc",
    "delete_bucket": "DeleteBucket",
}
ONE_OF_EACH = {
    Effect.READ: "describe_vpcs",
    Effect.CREATE: "create_vpc",
    Effect.CREATE_BY_TOKEN: "run_instances",
    Effect.CHANGE: "create_route",
    Effect.DELETE: "delete_vpc",
}
AWS = "https://ec2.eu-west-1.amazonaws.com"


class Clock:
    """Time that passes only when somebody pauses."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.pauses: list[float] = []

    def __call__(self) -> float:
        # Even a call that fails at once takes some time.
        self.now += 1e-6
        return self.now


class PatientLease(Lease):
    """A lease whose pauses only move the clock."""

    def __init__(self, clock: Clock, until: float = float("inf")) -> None:
        super().__init__(Hold("web.eu-west-1", "run", 1), until, margin=5.0)
        self._clock = clock

    async def pause(self, seconds: float) -> None:
        self._clock.pauses.append(seconds)
        self._clock.now += seconds
        self.check(changing=False)


class Client:
    """An SDK client that gives these answers, the last one again and again."""

    def __init__(self, *answers: Any) -> None:
        self.meta = SimpleNamespace(method_to_api_mapping=OPERATIONS)
        self.calls: list[dict[str, Any]] = []
        self._answers = list(answers)

    def __getattr__(self, _: str) -> Callable[..., Awaitable[Any]]:
        async def call(**parameters: Any) -> Any:
            self.calls.append(parameters)
            answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("tasks.aws.door.clock", clock)
    monkeypatch.setattr("tasks.lease.clock", clock)
    return clock


def refusal(code: str, status: int = 400) -> ClientError:
    return ClientError(
        {
            "Error": {"Code": code, "Message": "Because."},
            "ResponseMetadata": {"HTTPStatusCode": status, "RequestId": "request-0"},
        },
        "TheAction",
    )


LOST = ConnectionClosedError(endpoint_url=AWS)
NEVER_SENT = EndpointConnectionError(endpoint_url=AWS)
THROTTLED = refusal("RequestLimitExceeded", 503)
FAILED = refusal("InternalError", 500)


def test_the_table_holds_only_calls_that_aws_has() -> None:
    """A misspelt action would be a permission that nobody has."""
    session = botocore.session.get_session()
    known = {
        operation
        for service in ("ec2", "ssm", "sts")
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

    assert await getattr(Door(client, PatientLease(clock), SETTINGS), ONE_OF_EACH[effect])()

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
    call = getattr(Door(client, PatientLease(clock), SETTINGS), ONE_OF_EACH[effect])

    if effect is Effect.CREATE:
        with pytest.raises(UnansweredCreate, match="CreateVpc was sent and not answered"):
            await call()
        assert len(client.calls) == 1
    else:
        await call()
        assert len(client.calls) == 51


@pytest.mark.parametrize(
    ("code", "patience"),
    [
        ("IncorrectState", dict.fromkeys(Effect, SETTINGS.conflict_timeout)),
        ("DependencyViolation", {Effect.DELETE: SETTINGS.conflict_timeout}),
        (
            "InvalidVpcID.NotFound",
            {
                effect: SETTINGS.consistency_timeout
                for effect in Effect
                if effect is not Effect.DELETE
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
        await getattr(Door(client, PatientLease(clock), SETTINGS), ONE_OF_EACH[effect])()

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


async def test_no_call_begins_after_the_lease(clock: Clock) -> None:
    """Not the first, not a repetition; a worker that was frozen finds its lease gone."""
    client = Client(ANSWER)
    door = Door(client, PatientLease(clock, until=clock.now - 1), SETTINGS)

    for call in (door.create_vpc, door.describe_vpcs):
        with pytest.raises(Halted, match="the lease was lost"):
            await call()

    assert client.calls == []


async def test_only_reads_begin_in_the_last_seconds_of_the_lease(clock: Clock) -> None:
    """A change that was sent then might have its effect when another has the lease."""
    client = Client(ANSWER)

    await Door(client, PatientLease(clock, until=clock.now + 4), SETTINGS).describe_vpcs()
    with pytest.raises(Halted):
        await Door(client, PatientLease(clock, until=clock.now + 4), SETTINGS).delete_vpc()

    assert len(client.calls) == 1


async def test_a_repetition_ends_with_the_lease(clock: Clock) -> None:
    """A call that is throttled for ever does not outlive it."""
    client = Client(THROTTLED)

    with pytest.raises(Halted):
        await Door(client, PatientLease(clock, until=clock.now + 60), SETTINGS).create_vpc()

    assert len(client.calls) > 1
    assert clock.now < 1070


async def test_a_lease_that_was_halted_says_why(clock: Clock) -> None:
    """The first reason stays."""
    lease = PatientLease(clock)
    lease.halt(End.STOPPING)
    lease.halt(End.LOST)

    with pytest.raises(Halted, match="the worker is stopping"):
        await Door(Client(ANSWER), lease, SETTINGS).describe_vpcs()


async def test_the_lease_knows_what_is_waited_for(clock: Clock) -> None:
    """So that a run whose deadline passes can say what it was waiting on."""
    lease = PatientLease(clock)
    door = Door(Client(refusal("DependencyViolation")), lease, SETTINGS)
    lease.pause = _halting(lease)  # type: ignore[method-assign]

    with pytest.raises(Halted):
        await door.delete_vpc()

    assert "DependencyViolation: Because." in str(lease.trouble)


def _halting(lease: Lease) -> Callable[[float], Awaitable[None]]:
    async def pause(seconds: float) -> None:
        lease.halt(End.DEADLINE)
        lease.check(changing=False)

    return pause


async def test_an_answer_to_another_call_leaves_the_trouble(clock: Clock) -> None:
    """What is made beside it does not hide that a call is refused again and again."""
    lease = PatientLease(clock)
    jammed = Door(Client(THROTTLED), lease, SETTINGS)

    async def pause(seconds: float) -> None:
        await Door(Client(ANSWER), lease, SETTINGS).describe_vpcs()
        lease.halt(End.DEADLINE)
        lease.check(changing=False)

    lease.pause = pause  # type: ignore[method-assign]
    with pytest.raises(Halted):
        await jammed.delete_vpc()

    assert lease.trouble is not None
    assert lease.trouble.error_class is ErrorClass.THROTTLED


async def test_an_answer_ends_the_trouble(clock: Clock) -> None:
    """What was waited out is no trouble any more."""
    lease = PatientLease(clock)

    await Door(Client(THROTTLED, ANSWER), lease, SETTINGS).delete_vpc()

    assert lease.trouble is None


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
