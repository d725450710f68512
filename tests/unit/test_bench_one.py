"""The benchmark of one environment: what it compares with, what it refuses and what it counts."""

import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bench import installed, one
from bench.cloud import Calls
from bench.installed import NotHere, mib_of_packages
from bench.shapes import PUBLIC, NotBuilt
from bench.side_by_side import Cost, Memory, run
from bench.sides import SIDES, Boto3, Cdk, Job
from tests.cloud import Durations
from tests.critical_path import Deed, building, critical_path


def test_the_critical_path_is_the_longest_way_through() -> None:
    deeds = {
        "vpc": Deed(),
        "address": Deed(lasts=3),
        "subnet": Deed(("vpc",)),
        "gateway": Deed(("subnet", "address"), lasts=90),
        "instance": Deed(("gateway", "subnet"), lasts=30),
    }

    assert critical_path(deeds, call=0.5) == (0.5 + 3) + (0.5 + 90) + (0.5 + 30)


def test_a_nat_gateway_is_waited_for_before_private_instances_alone() -> None:
    durations = Durations(nat_gateway_pending=90, instance_pending=30, status_checks=120)

    public, private = [
        critical_path(building(durations, private=private), call=0.0) for private in (False, True)
    ]

    assert (public, private) == (150, 240)


def test_a_side_that_cannot_be_installed_is_named_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Instead of a benchmark that fails, or that keeps silent about it."""

    def not_here(name: str) -> None:
        raise NotHere("npm failed: no such package")

    monkeypatch.setattr(installed, "environment", not_here)
    monkeypatch.setattr(installed, "node_modules", not_here)
    for measuring in ("mib_of_folder", "mib_of_lock", "mib_of_packages"):
        monkeypatch.setattr(installed, measuring, lambda *_: 1.0)

    sizes, absent = one._sizes()

    there = {side.name for side in [*SIDES, Cdk()]}
    assert set(absent) == {"Ansible", "cdk deploy"}
    assert set(sizes) == there - set(absent)
    assert absent["cdk deploy"] == "not run: npm failed: no such package"


def test_a_program_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda program: None)

    with pytest.raises(NotHere, match="there is no npm on this machine"):
        installed._run("npm", "install")


def test_a_package_counts_with_all_that_it_needs() -> None:
    alone = mib_of_packages("python-dateutil") - mib_of_packages("six")

    assert 0 < alone < mib_of_packages("python-dateutil") < 5


def built(seconds: float) -> one.Built:
    job = Job(PUBLIC, 1, "", "", Path(), time_scale=1.0)
    cost = Cost(0, seconds, 0.5, 0.0, 50.0, "")
    return one.Built(Boto3(), job, cost, Calls.of([]))


THERE = {"vpc": 1, "subnet": 2, "instance": 2}


def test_a_side_that_did_its_job_is_taken() -> None:
    one._must_be_right(built(seconds=151.0), THERE)


def test_a_side_that_did_not_wait_is_refused() -> None:
    """Nobody can be faster than the critical path."""
    with pytest.raises(NotBuilt, match=r"took 129\.0 s: it cannot be ready by then"):
        one._must_be_right(built(seconds=129.0), THERE)


@pytest.mark.parametrize("counts", [THERE | {"vpc": 2}, THERE | {"instance": 1}])
def test_a_side_that_made_too_much_or_too_little_is_refused(counts: dict[str, int]) -> None:
    with pytest.raises(NotBuilt):
        one._must_be_right(built(seconds=151.0), counts)


def test_a_throttled_side_is_refused() -> None:
    throttled = replace(Calls.of([]), throttled={"CreateVpc": 1})

    with pytest.raises(NotBuilt):
        one._must_be_right(replace(built(seconds=151.0), calls=throttled), THERE)


_BUSY = "import time; all(time.process_time() < 0.5 for _ in iter(int, 1))"
_BUSY_CHILD = f"import subprocess, sys; subprocess.run([sys.executable, '-S', '-c', {_BUSY!r}])"


def test_what_a_commands_children_cost_counts(tmp_path: Path) -> None:
    with Memory() as memory:
        cost = run([sys.executable, "-S", "-c", _BUSY_CHILD], {}, tmp_path / "log", memory)

    assert (cost.exit_code, cost.output) == (0, "")
    assert 0.5 <= cost.cpu < 5
    assert cost.worker_cpu == 0


def test_a_command_that_failed_is_told_with_what_it_said(tmp_path: Path) -> None:
    with Memory() as memory:
        cost = run([sys.executable, "-c", "raise SystemExit('no')"], {}, tmp_path / "log", memory)

    with pytest.raises(NotBuilt, match=r"(?s)boto3 ended with exit code 1\. It said:\nno"):
        cost.must_be_done("boto3")
