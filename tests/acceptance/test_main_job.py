"""The main job with the real command line and a real worker: build, fail, mend, take down."""

import boto3
import pytest

from envwright.client import Client
from envwright.states import State
from tests.acceptance.conftest import (
    CommandLine,
    Jam,
    a_real_image,
    all_that_exists,
    put_image,
)
from tests.cloud import ALWAYS, Behaviour, Cloud, Durations
from tests.conftest import WorkerFactory
from tests.everything import ALL_OF_WEB
from tests.specs import REGION, with_instances
from worker.servers import LocalAws

NO_IMAGE = "ami-0123456789abcdef0"
LATER = "/custom/golden-image"
"""An SSM parameter that does not exist until a test puts it in place."""


def test_an_environment_is_built_and_taken_down(
    envwright: CommandLine, worker: WorkerFactory, cloud: Cloud, aws: LocalAws
) -> None:
    """Up, up again without a call that changes anything, and down to nothing."""
    worker()
    spec = envwright.file(with_instances(a_real_image(aws)))

    built = envwright("up", spec, "--json")

    assert built.code == 0, built.err
    result = built.documents[-1]["environments"][0]
    assert (result["state"], result["reached"]) == ("ready", True)
    found = all_that_exists(aws)
    assert {kind: len(ids) for kind, ids in found.items()} == ALL_OF_WEB
    outputs = envwright("outputs", "web", "--json").document["outputs"]
    assert outputs["vpc_id"] == found["vpc"][0]
    assert {one["id"] for one in outputs["instances"]} == set(found["instance"])

    changed = list(cloud.mutating)
    assert envwright("up", spec).code == 0
    assert cloud.mutating == changed

    gone = envwright("down", "web")

    assert gone.code == 0, gone.err
    assert all_that_exists(aws) == {}
    assert envwright("status", "web", "--json").document["environment"]["state"] == "destroyed"


def test_a_failure_is_told_and_cleaned_up(
    envwright: CommandLine, worker: WorkerFactory, client: Client, cloud: Cloud, aws: LocalAws
) -> None:
    """The record says on which resource AWS said what, with the id of the request."""
    worker()

    failed = envwright("up", envwright.file(with_instances(NO_IMAGE)))

    assert failed.code == 1
    assert all_that_exists(aws) == {}
    record = client.status("web")
    failure = record.failure
    assert record.state is State.CLEANED
    assert failure is not None
    assert (failure.step, failure.category) == ("instance", "spec")
    assert str(failure.resource).startswith("instance/instances/web")
    assert failure.code == "InvalidAMIID.NotFound"
    asked = {call.request_id: call.action for call in cloud.journal}
    assert asked[str(failure.request_id)] == failure.action
    assert NO_IMAGE in failure.message
    assert NO_IMAGE in failed.out


def test_what_was_cleaned_up_is_built_anew_by_a_retry(
    envwright: CommandLine, worker: WorkerFactory, client: Client, cloud: Cloud, aws: LocalAws
) -> None:
    """Although AWS still shows the tags of what was deleted; on other ids than before."""
    cloud.behave(Behaviour(durations=Durations(tags_outlive=3600.0)))
    worker()
    assert envwright("up", envwright.file(with_instances(LATER))).code == 1
    assert all_that_exists(aws) == {}
    ghosts = tagged_ids(cloud)
    assert any(one.startswith("vpc-") for one in ghosts)

    put_image(aws, LATER)
    mended = envwright("retry", "web", "--json")

    assert mended.code == 0, mended.out
    found = all_that_exists(aws)
    assert {kind: len(ids) for kind, ids in found.items()} == ALL_OF_WEB
    assert not ghosts & {one for ids in found.values() for one in ids}
    assert client.status("web").failure is None


def tagged_ids(cloud: Cloud) -> set[str]:
    ec2 = boto3.client("ec2", region_name=REGION, endpoint_url=cloud.url)
    return {tag["ResourceId"] for tag in ec2.describe_tags()["Tags"]}


def test_what_was_held_goes_on_at_the_step_that_failed(
    envwright: CommandLine, worker: WorkerFactory, client: Client, cloud: Cloud, aws: LocalAws
) -> None:
    """Held for a look, all stays; a retry makes what is missing and nothing else."""
    worker()
    spec = envwright.file(with_instances(LATER, on_failure="hold"))

    assert envwright("up", spec).code == 1

    held = all_that_exists(aws)
    record = client.status("web")
    assert record.state is State.FAILED
    assert record.failure is not None
    assert record.failure.code == "ParameterNotFound"
    assert set(held) == {"vpc", "subnet", "internet_gateway", "security_group"}

    put_image(aws, LATER)
    changed = len(cloud.mutating)
    assert envwright("retry", "web").code == 0

    assert cloud.mutating[changed:] == ["RunInstances", "RunInstances"]
    found = all_that_exists(aws)
    assert {kind: len(ids) for kind, ids in found.items()} == ALL_OF_WEB
    assert held.items() <= found.items()


@pytest.mark.parametrize("action", ["CreateSubnet", "DescribeInstanceStatus"])
def test_an_environment_is_taken_down_while_it_is_being_built(
    envwright: CommandLine,
    worker: WorkerFactory,
    client: Client,
    cloud: Cloud,
    aws: LocalAws,
    action: str,
) -> None:
    """The step in progress ends by itself, and the cleanup finds all that it has made."""
    jam = Jam()
    cloud.inject(action, jam, times=ALWAYS)
    worker()
    spec = envwright.file(with_instances(a_real_image(aws)))
    assert envwright("up", spec, "--no-wait").code == 0
    jam.wait_until_reached()
    assert client.status("web").state is State.PROVISIONING

    gone = envwright("down", "web", "--yes")

    assert gone.code == 0, gone.err
    assert client.status("web").state is State.DESTROYED
    assert all_that_exists(aws) == {}
