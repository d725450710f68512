"""The rivals of the benchmarks build what envwright builds: they are not to rot unseen.

Ansible and CDK are run by the benchmark alone, which installs them.
"""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bench.shapes import SHAPES, Shape
from envwright.states import State
from tests.cloud import AWS_DURATIONS, Behaviour, Cloud
from tests.everything import ALL_OF_WEB
from tests.integration.conftest import Begin
from worker.processes import ROOT

BEHIND_NAT = ALL_OF_WEB | {"subnet": 4, "route_table": 1, "address": 1, "nat_gateway": 1}
BUILT = {"public": ALL_OF_WEB, "private": BEHIND_NAT}
QUICKLY = 0.005
"""So much a second of AWS takes here."""
MOST = 60
"""Seconds that a rival may take."""


@pytest.fixture
def environment(cloud: Cloud, redis_url: str) -> dict[str, str]:
    return os.environ | {"AWS_ENDPOINT_URL": cloud.url, "CELERY_BROKER_URL": redis_url}


async def told(environment: dict[str, str], rival: str, shape: str) -> dict[str, Any]:
    """What a rival prints that builds two of them."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", f"bench.rivals.{rival}", "--shape", shape, "--count", "2"),
        *("--poll-every", "0.05"),
        env=environment,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(MOST):
            out, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0
    return dict(json.loads(out))


async def check(cloud: Cloud, environment: dict[str, str], rival: str, shape: str) -> None:
    cloud.behave(Behaviour(time_scale=QUICKLY, durations=AWS_DURATIONS))

    said = await told(environment, rival, shape)

    assert (said["ready"], said["errors"]) == (2, {})
    there = await cloud.inventory()
    assert there.counts == {kind: 2 * count for kind, count in BUILT[shape].items()}
    assert {one.state for one in there.of("instance")} == {"running"}
    assert all(call.code is None for call in cloud.journal)
    assert cloud.calls("DescribeInstanceStatus")


@pytest.mark.parametrize("rival", ["sequential_boto3", "plain_asyncio"])
async def test_a_script_builds_what_envwright_builds(
    cloud: Cloud, environment: dict[str, str], rival: str
) -> None:
    await check(cloud, environment, rival, "private")


@pytest.fixture
async def celery(environment: dict[str, str]) -> AsyncIterator[None]:
    """The Celery app's worker."""
    command = ("-m", "celery", "-A", "bench.rivals.celery_prefork", "worker", "--concurrency", "2")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *command,
        "--without-mingle",
        "--without-gossip",
        env=environment,
        cwd=ROOT,
        stderr=asyncio.subprocess.DEVNULL,
    )
    yield
    process.terminate()
    await process.wait()


@pytest.mark.usefixtures("celery")
async def test_celery_builds_what_envwright_builds(
    cloud: Cloud, environment: dict[str, str]
) -> None:
    await check(cloud, environment, "celery_prefork", "private")


@pytest.mark.parametrize("shape", [SHAPES[name] for name in BUILT], ids=list(BUILT))
async def test_envwright_builds_them(cloud: Cloud, begin: Begin, shape: Shape) -> None:
    async with begin(shape.spec("web")) as env:
        assert (await env.to_rest()).state is State.READY

    assert (await cloud.inventory()).counts == BUILT[shape.name]
