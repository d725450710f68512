"""`envwright cancel` while a real worker is in the middle of a build."""

from tests.acceptance.conftest import (
    CommandLine,
    Jam,
    a_real_image,
    all_that_exists,
    done,
    how_much_exists,
)
from tests.cloud import ALWAYS, Cloud
from tests.conftest import WorkerFactory
from tests.everything import ALL_OF_WEB
from tests.specs import with_instances
from worker.servers import LocalAws


def test_a_cancelled_build_is_taken_down(
    worker: WorkerFactory, envwright: CommandLine, cloud: Cloud, aws: LocalAws
) -> None:
    """The worker that waits for a throttled call lets go, and all that was made is removed."""
    jam = Jam()
    cloud.inject("CreateSubnet", jam, times=ALWAYS)
    worker()
    envwright("up", envwright.file(with_instances(a_real_image(aws))), "--no-wait")
    jam.wait_until_reached()

    answer = envwright("cancel", "web")

    assert answer.code == 0, answer
    assert "web.eu-west-1 is taken down" in answer.out
    assert all_that_exists(aws) == {}
    status = envwright("status", "web", "--json").document["environment"]
    assert (status["state"], status["failure"]["category"]) == ("cleaned", "cancelled")
    assert envwright("cancel", "web").code == 0


def test_a_cancelled_build_that_is_held_goes_on_later(
    worker: WorkerFactory, envwright: CommandLine, cloud: Cloud, aws: LocalAws
) -> None:
    """Nothing is taken down and nothing further is made, until `retry` ends what was begun."""
    jam = Jam()
    cloud.inject("CreateSubnet", jam, times=ALWAYS)
    worker()
    held = with_instances(a_real_image(aws), on_failure="hold")
    envwright("up", envwright.file(held), "--no-wait")
    jam.wait_until_reached()

    answer = envwright("cancel", "web")

    assert answer.code == 0, answer
    assert "web.eu-west-1 is cancelled." in answer.out
    assert "envwright retry web.eu-west-1" in answer.out
    assert how_much_exists(aws) == {"vpc": 1, "internet_gateway": 1}

    jam.clear()
    assert envwright("retry", "web").code == 0
    assert how_much_exists(aws) == ALL_OF_WEB
    made = {one: done(cloud, one) for one in ("CreateVpc", "CreateSubnet", "RunInstances")}
    assert made == {"CreateVpc": 1, "CreateSubnet": 2, "RunInstances": 2}
