"""The benchmark of one environment: its critical path, and what it says of what is not there."""

import shutil

import pytest

from bench import installed, one
from bench.installed import NotHere, mib_of_packages
from bench.sides import SIDES, Cdk
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
    assert mib_of_packages("boto3") > mib_of_packages("botocore") > 10
