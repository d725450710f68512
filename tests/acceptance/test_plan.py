"""`envwright plan`: what a real worker says that a spec would make."""

from envwright.spec import parse_spec
from tests.acceptance.conftest import CommandLine
from tests.cloud import Behaviour, Cloud
from tests.cloud.terms import Quotas
from tests.conftest import WorkerFactory
from tests.everything import EVERYTHING


def test_a_plan_is_shown_and_nothing_is_changed(
    envwright: CommandLine, worker: WorkerFactory, cloud: Cloud
) -> None:
    """With the names and blocks of what would be made, and no record of it."""
    worker()

    shown = envwright("plan", envwright.file(EVERYTHING), "--check")

    assert shown.code == 0, shown.out
    block = parse_spec(EVERYTHING).network.subnet_cidrs("public")[0]
    line = next(one for one in shown.out.splitlines() if "subnet/public-eu-west-1a" in one)
    assert "everything-public-eu-west-1a " in line
    assert f"cidr {block}, zone eu-west-1a" in line
    assert "AWS refuses none of the calls" in shown.out
    assert [call.action for call in cloud.journal if call.mutates and call.took_effect] == []
    assert envwright("list", "--json").document["environments"] == []


def test_what_stands_in_its_way_is_told(
    envwright: CommandLine, worker: WorkerFactory, cloud: Cloud
) -> None:
    """A permission that is missing and a quota that is used up end it with exit code 1."""
    cloud.behave(Behaviour(denied=frozenset({"CreateVpc"}), quotas=Quotas(vpcs=1)))
    worker()

    shown = envwright("plan", envwright.file(EVERYTHING), "--check", "--json")

    assert shown.code == 1, shown.out
    plan = shown.document["plan"]
    denied = [one["action"] for one in plan["permissions"] if one["verdict"] == "denied"]
    assert denied == ["ec2:CreateVpc"]
    vpcs = next(one for one in plan["quotas"] if one["name"] == "VPCs per Region")
    assert (vpcs["needed"], vpcs["used"], vpcs["limit"]) == (1, 1, 1)


def test_no_worker_no_plan(envwright: CommandLine) -> None:
    """It says what to do about it."""
    shown = envwright("plan", envwright.file(EVERYTHING), "--timeout", "0.5")

    assert shown.code == 1
    assert "check that one runs and reads the queue" in shown.out + shown.err
