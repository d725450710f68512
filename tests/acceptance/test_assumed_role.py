"""An environment in another account, by a role that the worker assumes there."""

from typing import Any, Final

import boto3

from envwright.client import Client
from envwright.states import State
from tests.acceptance.conftest import COMMAND_TIMEOUT, CommandLine, all_that_exists
from tests.cloud import ALWAYS, Cloud, refused
from tests.conftest import WorkerFactory
from tests.specs import REGION, spec_data
from worker.servers import LocalAws

ACCOUNT: Final = "222222222222"
ROLE: Final = f"arn:aws:iam::{ACCOUNT}:role/envwright"
EXTERNAL_ID: Final = "canary-external-id-77"


def vpcs_of_the_account(aws: LocalAws) -> list[str]:
    """As a person of that account would find them."""
    common: dict[str, Any] = {"region_name": REGION, "endpoint_url": aws.url}
    sts = boto3.client("sts", **common)
    assumed = sts.assume_role(RoleArn=ROLE, RoleSessionName="test")["Credentials"]
    ec2 = boto3.client(
        "ec2",
        aws_access_key_id=assumed["AccessKeyId"],
        aws_secret_access_key=assumed["SecretAccessKey"],
        aws_session_token=assumed["SessionToken"],
        **common,
    )
    return [one["VpcId"] for one in ec2.describe_vpcs()["Vpcs"] if not one["IsDefault"]]


def test_an_environment_is_built_in_the_account_of_its_role(
    envwright: CommandLine, worker: WorkerFactory, client: Client, cloud: Cloud, aws: LocalAws
) -> None:
    """The role is assumed with the external id, once for all calls; the worker's own account gets
    nothing, and the environment's id says which account it is."""
    one = worker(ENVWRIGHT_LOG_LEVEL="debug")
    account = {"role_arn": ROLE, "external_id": EXTERNAL_ID}
    environment_id = f"web.{REGION}.{ACCOUNT}"

    built = envwright("up", envwright.file(spec_data(account=account)), "--json")

    assert built.code == 0, built.out
    assert client.resolve("web") == environment_id
    (assumed,) = cloud.calls("AssumeRole")
    assert assumed.parameters["RoleArn"] == ROLE
    assert assumed.parameters["ExternalId"] == EXTERNAL_ID
    assert assumed.parameters["RoleSessionName"] == "envwright"
    accounts = {call.account for call in cloud.journal if call.service == "ec2"}
    assert len(accounts) == 1
    assert assumed.account not in accounts
    outputs = client.status("web").outputs
    assert outputs is not None
    assert vpcs_of_the_account(aws) == [outputs.vpc_id]
    assert all_that_exists(aws) == {}

    client.destroy("web")
    assert client.wait("web", COMMAND_TIMEOUT).state is State.DESTROYED
    assert vpcs_of_the_account(aws) == []
    assert EXTERNAL_ID not in one.child.output() + built.out + built.err


def test_a_role_that_may_not_be_assumed_is_told_as_that(
    worker: WorkerFactory, client: Client, cloud: Cloud
) -> None:
    """The failure names the call, and that it is about permission; nothing is left of it."""
    told = "User is not authorized to perform sts:AssumeRole."
    cloud.inject("AssumeRole", refused("AccessDenied", told, 403), times=ALWAYS)
    worker()

    client.enqueue(spec_data(account={"role_arn": ROLE}, on_failure="hold"))

    record = client.wait("web", COMMAND_TIMEOUT)
    assert record.state is State.FAILED
    assert record.failure is not None
    assert (record.failure.action, record.failure.code) == ("AssumeRole", "AccessDenied")
    assert record.failure.category == "permission"
    assert "ExternalId" not in cloud.calls("AssumeRole")[0].parameters
