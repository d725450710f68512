"""A cleanup that something foreign blocks is told, ends by itself, and nobody waits for it."""

import boto3

from envwright.client import Client
from envwright.states import State
from tests.acceptance.conftest import (
    COMMAND_TIMEOUT,
    CommandLine,
    how_much_exists,
)
from tests.cloud import Cloud
from tests.conftest import WorkerFactory
from tests.specs import REGION, spec
from worker.processes import wait_until
from worker.servers import LocalAws


def test_nothing_waits_for_a_cleanup_that_cannot_finish(
    worker: WorkerFactory,
    client: Client,
    cloud: Cloud,
    aws: LocalAws,
    envwright: CommandLine,
) -> None:
    """The only worker, which does one step at a time, builds others meanwhile. When the foreign
    subnet is gone, the cleanup ends without being asked."""
    ec2 = boto3.client("ec2", region_name=REGION, endpoint_url=aws.url)
    worker(
        ENVWRIGHT_CONCURRENCY="1",
        ENVWRIGHT_CONFLICT_TIMEOUT="0.5",
        ENVWRIGHT_CLEANUP_RETRY_FIRST="2",
        ENVWRIGHT_CLEANUP_RETRY_LONGEST="4",
    )
    client.enqueue(spec("web"))
    outputs = client.wait("web", COMMAND_TIMEOUT).outputs
    assert outputs is not None
    answer = ec2.create_subnet(VpcId=outputs.vpc_id, CidrBlock="10.20.240.0/24")
    foreign = answer["Subnet"]["SubnetId"]

    told = envwright("down", "web", "--yes")

    assert told.code == 1
    assert foreign in told.err + told.out
    assert "It is tried again by itself at" in told.err + told.out
    client.enqueue_many([spec(name) for name in ("one", "two", "three")])
    others = [client.wait(name, COMMAND_TIMEOUT).state for name in ("one", "two", "three")]
    assert others == [State.READY] * 3
    wait_until(lambda: client.status("web").run.tries > 1, COMMAND_TIMEOUT, "it is tried again")

    ec2.delete_subnet(SubnetId=foreign)

    wait_until(
        lambda: client.status("web").state is State.DESTROYED, COMMAND_TIMEOUT, "web is gone"
    )
    assert how_much_exists(aws) == {"vpc": 3, "subnet": 3, "internet_gateway": 3}
