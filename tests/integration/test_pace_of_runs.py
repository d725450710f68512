"""The pace of whole runs: what becomes of them where it cannot be asked, and slows down."""

from dataclasses import replace
from typing import Any

import redis as blocking
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from structlog.testing import capture_logs

from envwright.names import Step
from envwright.spec import Account
from envwright.states import State
from tasks.aws.pacing import Pacer
from tasks.aws.session import AwsClients
from tasks.lease import Look
from tests.cloud import Cloud, throttled
from tests.cloud.accounts import DEFAULT_ACCOUNT
from tests.harness import Environment
from tests.integration.conftest import Begin
from tests.specs import spec_data


async def test_a_step_that_may_not_know_whether_to_call_ends_and_is_done_later(
    web: Environment, cloud: Cloud
) -> None:
    """As one that cannot write: nothing is sent, and when its lease has run out it goes on."""
    worker = web.worker
    nowhere = Redis.from_url("redis://127.0.0.1:1", retry=Retry(NoBackoff(), 0))
    clients = AwsClients(worker.settings, Pacer(nowhere, worker.settings))
    web.worker = replace(worker, clients=clients)
    with capture_logs() as lines:
        await web.run(Step.NETWORK)
    await clients.close()

    assert "redis_lost" in [line["event"] for line in lines]
    assert cloud.journal == []
    assert web.record.state is State.PROVISIONING
    web.worker = worker
    await web.lose_lease()
    assert (await web.to_rest()).state is State.READY


async def test_an_account_has_one_bucket_however_it_is_reached(
    begin: Begin, database: blocking.Redis, key_prefix: str
) -> None:
    """A role in the worker's own account draws on the same; one elsewhere on its own's."""
    async with begin(spec_data(), aws_rate_share=0.001) as env:
        clients = env.worker.clients
        own = await clients.own_account("eu-west-1", Look(60))
        assert own == DEFAULT_ACCOUNT
        for account in (None, own, "222222222222"):
            role = account and Account(role_arn=f"arn:aws:iam::{account}:role/envwright")
            ec2: Any = await clients.door("ec2", "eu-west-1", role, Look(60))
            await ec2.describe_vpcs()

    assert set(database.keys(f"{key_prefix}:bucket:*:DescribeVpcs")) == {
        f"{key_prefix}:bucket:{account}:eu-west-1:DescribeVpcs"
        for account in ("own", "222222222222")
    }


async def test_a_throttled_call_slows_its_action_down(
    web: Environment, cloud: Cloud, database: blocking.Redis, key_prefix: str
) -> None:
    """It is told once, the bucket is emptied, and the job goes on."""
    cloud.inject("CreateSubnet", throttled(), times=2)

    with capture_logs() as lines:
        assert (await web.to_rest()).state is State.READY

    told = [line for line in lines if line["event"] == "aws_throttled"]
    assert [(one["bucket"], one["account"], one["region"]) for one in told] == [
        ("CreateSubnet", "own", "eu-west-1")
    ]
    key = f"{key_prefix}:bucket:own:eu-west-1:CreateSubnet"
    assert float(database.hget(key, "pace") or 1) < 0.8
    assert (database.hget(key.replace("Subnet", "Vpc"), "pace") or "1") == "1"
