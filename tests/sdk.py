"""An SDK client that answers as it is told, and a lease whose time passes only in its pauses."""

from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
)

from config.settings import WorkerSettings
from tasks.aws.actions import Effect
from tasks.aws.door import Door
from tasks.lease import Lease
from tasks.store import Hold

SETTINGS = WorkerSettings(consistency_timeout=30, conflict_timeout=60)
ANSWER = {"ResponseMetadata": {"RequestId": "request-1"}}
OPERATIONS = {
    "describe_vpcs": "DescribeVpcs",
    "describe_instance_status": "DescribeInstanceStatus",
    "create_vpc": "CreateVpc",
    "run_instances": "RunInstances",
    "create_route": "CreateRoute",
    "delete_vpc": "DeleteVpc",
    "delete_flow_logs": "DeleteFlowLogs",
    "delete_bucket": "DeleteBucket",
}
ONE_OF_EACH = {
    Effect.NONE: "create_vpc",
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


async def call(door: Door, effect: Effect) -> Any:
    """Make a call that has this effect: one that has none is a dry run."""
    parameters = {"DryRun": True} if effect is Effect.NONE else {}
    return await getattr(door, ONE_OF_EACH[effect])(**parameters)
