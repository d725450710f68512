"""The last look at the lease: after the SDK has done its part, and right before a call is sent."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from redis.asyncio import Redis
from structlog.testing import capture_logs

from config.settings import WorkerSettings
from tasks.aws.door import Door
from tasks.aws.errors import Halted
from tasks.aws.pacing import Pacer
from tasks.aws.session import AwsClients
from tasks.lease import End, Lease
from tasks.store import Hold

LEASE, MARGIN = 15.0, 5.0


class Clock:
    """Time that passes only when somebody lets it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Body:
    """What a reply's text is read from."""

    async def read(self) -> bytes:
        return b"<Answer/>"


class Sdk:
    """The SDK's own client, with a network that answers everything and tells what reached it."""

    def __init__(self, client: Any, clock: Clock) -> None:
        self.client = client
        self.sent: list[str] = []
        self._clock = clock
        client.meta.events.register_last("before-send", self._answer)

    def take(self, seconds: float, *, at: str) -> None:
        """Let this much time pass at each call, at this event of the SDK's."""

        def pass_time(**_: Any) -> None:
            self._clock.now += seconds

        self.client.meta.events.register(at, pass_time)

    def _answer(self, request: Any, **_: Any) -> Any:
        self.sent.append(request.url)
        return _Reply(request.url, 200, {}, Body())


class _Reply(AWSResponse):
    @property
    async def content(self) -> bytes:  # type: ignore[override]  # as aiobotocore has it
        return await self.raw.read()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("tasks.aws.door.clock", clock)
    monkeypatch.setattr("tasks.lease.clock", clock)
    return clock


@pytest.fixture
async def sdk(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Sdk]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    settings = WorkerSettings()
    clients = AwsClients(settings, Pacer(Redis(), settings))
    yield Sdk(await clients.client("ec2", "eu-west-1", None), clock)
    await clients.close()


@pytest.fixture
def lease(clock: Clock) -> Lease:
    return Lease(Hold("web.eu-west-1", "run", 1), clock.now + LEASE, MARGIN)


Call = Callable[[Door], Any]


def create(door: Door) -> Any:
    return door.create_vpc(CidrBlock="10.0.0.0/16")


def launch(door: Door) -> Any:
    return door.run_instances(MinCount=1, MaxCount=1, ImageId="ami-1")


def delete(door: Door) -> Any:
    return door.delete_vpc(VpcId="vpc-1")


def look(door: Door) -> Any:
    return door.describe_vpcs()


@pytest.mark.parametrize("at", ["before-parameter-build", "before-call", "before-sign"])
@pytest.mark.parametrize("call", [create, launch, delete])
async def test_no_change_is_sent_after_the_lease(
    sdk: Sdk, lease: Lease, call: Call, at: str
) -> None:
    """A worker that was frozen while the SDK serialized and signed, or waited for credentials,
    sends nothing: and it is certain that nothing was made."""
    sdk.take(LEASE, at=at)

    with capture_logs() as lines, pytest.raises(Halted):
        await call(Door(sdk.client, lease, WorkerSettings()))

    assert sdk.sent == []
    assert lease.end is End.LOST
    assert [one["code"] for one in lines] == ["Halted"]


async def test_only_reads_are_sent_in_the_last_seconds_of_the_lease(sdk: Sdk, lease: Lease) -> None:
    """The margin holds at the last look, too."""
    sdk.take(LEASE - MARGIN + 1, at="before-sign")
    door = Door(sdk.client, lease, WorkerSettings())

    await look(door)
    with pytest.raises(Halted):
        await create(door)

    assert len(sdk.sent) == 1


async def test_what_is_in_time_is_sent(sdk: Sdk, lease: Lease) -> None:
    """The SDK may take its time within the lease."""
    sdk.take(LEASE - MARGIN - 1, at="before-sign")

    await create(Door(sdk.client, lease, WorkerSettings()))

    assert len(sdk.sent) == 1
