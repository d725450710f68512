"""What the SDK's clients are told to do more cheaply than they do by themselves."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import aioboto3
import botocore.awsrequest
import pytest
from botocore.utils import parse_timestamp
from redis.asyncio import Redis

from config.settings import WorkerSettings
from envwright import __version__
from tasks.aws import session
from tasks.aws.pacing import Pacer
from tasks.aws.session import AwsClients, moment


@pytest.mark.parametrize(
    "told",
    [
        "2026-11-24T22:44:36Z",
        "2026-11-24T22:44:36.425Z",
        "2026-11-24T22:44:36+00:00",
        "Tue, 24 Nov 2026 22:44:36 GMT",
        "1795560276",
        "1795560276.425",
        1795560276.425,
    ],
)
def test_a_time_is_read_as_the_sdk_reads_it(told: str | float) -> None:
    """In each of the forms that AWS's protocols have for it."""
    assert moment(told) == parse_timestamp(told)
    assert moment(told).replace(microsecond=0) == datetime(2026, 11, 24, 22, 44, 36, tzinfo=UTC)


class Sent(Exception):
    """Ends a call where it would be sent."""


def send_nothing(**_: Any) -> None:
    raise Sent


async def request_of(client: Any) -> Any:
    """What would be sent to launch an instance, with two tags."""
    sent = []

    def send(request: Any, **_: Any) -> None:
        sent.append(request)
        raise Sent

    client.meta.events.register_first("before-send.ec2", send)
    tags = [{"Key": "Name", "Value": "a b&c"}, {"Key": "key", "Value": "ä"}]
    with pytest.raises(Sent):
        await client.run_instances(
            MinCount=1,
            MaxCount=1,
            ImageId="ami-1",
            ClientToken="token",
            TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
        )
    (request,) = sent
    return request


@pytest.fixture
async def client(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    """EC2's client, as all steps of a worker share it."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    settings = WorkerSettings()
    clients = AwsClients(settings, Pacer(Redis(), settings))
    yield await clients.client("ec2", "eu-west-1", None)
    await clients.close()


async def test_a_body_is_encoded_once_and_as_the_sdk_does(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a signature that covers it, as that of the SDK's own client does."""
    encoded = []

    def urlencode(*args: Any, **options: Any) -> str:
        encoded.append(real(*args, **options))
        return encoded[-1]

    async with aioboto3.Session().client("ec2", region_name="eu-west-1") as plain:
        theirs = await request_of(plain)
    real = botocore.awsrequest.urlencode
    monkeypatch.setattr(botocore.awsrequest, "urlencode", urlencode)
    monkeypatch.setattr(session, "urlencode", urlencode)
    ours = await request_of(client)

    assert ours.body == theirs.body.encode()
    assert len(encoded) == 1
    assert b"SignedHeaders=content-type;host;x-amz-date" in ours.headers["Authorization"]
    assert ours.headers["Content-Type"] == theirs.headers["Content-Type"]
    assert ours.headers["Content-Length"] == theirs.headers["Content-Length"]


async def test_the_user_agent_is_one_text(client: Any) -> None:
    """The SDK makes its own anew for each call, of what it knows of the machine and the call."""
    told = client.meta.config.user_agent

    assert f" envwright/{__version__}" in told
    assert (await request_of(client)).headers["User-Agent"] == told.encode()


async def test_what_is_asked_for_is_not_checked_against_the_model_again(client: Any) -> None:
    """The SDK would refuse this before it is sent; here AWS does. The integration tests have it
    checked, so that a mistake of ours is found there."""
    client.meta.events.register_first("before-send.ec2", send_nothing)

    with pytest.raises(Sent):
        await client.run_instances(ImageId=7)
