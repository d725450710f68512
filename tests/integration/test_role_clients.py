"""The client of a role is the worker's own in all but its credentials."""

from typing import Any

import pytest
import redis.asyncio

from config.settings import WorkerSettings
from envwright.spec import Account
from tasks.aws.pacing import Pacer
from tasks.aws.session import AwsClients
from tasks.lease import Look
from tests.cloud import Cloud
from tests.specs import REGION

ROLE = Account(role_arn="arn:aws:iam::222222222222:role/envwright")


@pytest.mark.parametrize("account", [None, ROLE])
async def test_answers_are_read_by_what_they_have(
    cloud: Cloud, redis_url: str, key_prefix: str, account: Account | None
) -> None:
    """Whoever the call is made as. The SDK's own parser, which asks its model about all that an
    answer could have, hands on its headers, too."""
    settings = WorkerSettings(key_prefix=key_prefix, aws_endpoint_url=cloud.url)
    async with redis.asyncio.Redis.from_url(redis_url) as pacing:
        clients = AwsClients(settings, Pacer(pacing, settings))
        ec2: Any = await clients.door("ec2", REGION, account, Look(10))

        answer = await ec2.describe_vpcs()

        await clients.close()
    assert answer["Vpcs"]
    assert "HTTPHeaders" not in answer["ResponseMetadata"]
