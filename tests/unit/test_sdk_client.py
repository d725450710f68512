"""What the SDK's clients are told to do more cheaply than they do by themselves."""

from datetime import UTC, datetime
from typing import Any

import aioboto3
import botocore.awsrequest
import pytest
from botocore.utils import parse_timestamp
from redis.asyncio import Redis

from config.settings import WorkerSettings
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


async def test_a_body_is_encoded_once_and_as_the_sdk_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a signature that covers it, as that of the SDK's own client does."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    settings = WorkerSettings()
    encoded = []

    def urlencode(*args: Any, **options: Any) -> str:
        encoded.append(real(*args, **options))
        return encoded[-1]

    async with aioboto3.Session().client("ec2", region_name="eu-west-1") as plain:
        theirs = await request_of(plain)
    clients = AwsClients(settings, Pacer(Redis(), settings))
    ours_client = await clients.client("ec2", "eu-west-1", None)
    real = botocore.awsrequest.urlencode
    monkeypatch.setattr(botocore.awsrequest, "urlencode", urlencode)
    ours = await request_of(ours_client)
    await clients.close()

    assert ours.body == theirs.body.encode()
    assert len(encoded) == 1
    assert b"SignedHeaders=content-type;host;x-amz-date" in ours.headers["Authorization"]
    assert ours.headers["Content-Type"] == theirs.headers["Content-Type"]
    assert ours.headers["Content-Length"] == theirs.headers["Content-Length"]
