"""How many rules a group may have: what AWS never takes, and what a raised quota allows."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from envwright.cli.app import run
from envwright.cli.plan_view import show_plan
from envwright.plan import Plan
from envwright.spec import parse_spec
from tests.spec_data import faults_of, valid, with_value


def blocks(count: int) -> list[str]:
    return [f"10.0.{number // 256}.{number % 256}/32" for number in range(count)]


def v6_blocks(count: int) -> list[str]:
    return [f"2001:db8::{number:x}/128" for number in range(count)]


def warned(data: dict[str, Any]) -> dict[str, str]:
    return {one.path: one.message for one in parse_spec(data).warnings()}


@pytest.mark.parametrize(
    ("rules", "counted"),
    [
        ([{"ports": [80, 443], "cidrs": blocks(30)}], None),
        ([{"ports": [80, 443], "cidrs": blocks(31)}], 62),
        ([{"ports": "1024-65535", "protocol": "udp", "cidrs": blocks(60)}], None),
        ([{"ports": 80, "cidrs": [*blocks(60), *v6_blocks(60)]}], None),
        ([{"ports": 80, "cidrs": [*blocks(20), *v6_blocks(59)], "self": True}], None),
        ([{"ports": 80, "cidrs": v6_blocks(59), "self": True, "groups": ["db"]}], 61),
        ([{"ports": 80, "cidrs": blocks(60), "prefix_lists": ["pl-6da54004"]}], 61),
        ([{"protocol": "icmp", "cidrs": blocks(61)}], 61),
        ([{"ports": 80, "cidrs": blocks(31)}, {"ports": 81, "cidrs": blocks(31)}], 62),
    ],
)
@pytest.mark.parametrize("direction", ["ingress", "egress"])
def test_more_rules_than_the_default_quota_are_warned_of(
    rules: list[dict[str, Any]], counted: int | None, direction: str
) -> None:
    """Counted as AWS does: by range of ports and peer, each direction and each IP version apart."""
    data = with_value("security.groups.web", {direction: rules})
    data["security"]["groups"]["db"] = {}

    warnings = warned(data)

    if counted is None:
        assert warnings == {}
    else:
        ((path, sentence),) = warnings.items()
        assert path == f"security.groups.web.{direction}"
        assert sentence.startswith(f"AWS counts {counted} rules (one for each range of ports")
        assert "its default quota is 60" in sentence


def test_what_no_quota_allows_is_refused() -> None:
    """A group has up to 1,000 rules, when its quota is raised as far as AWS raises it."""
    rules = [{"ports": [80, 443], "cidrs": blocks(500)}]
    assert faults_of(
        with_value("security.groups.web.ingress", [*rules, {"ports": 1, "self": True}])
    ) == [
        (
            "security.groups.web.ingress",
            "AWS counts 1001 rules (one for each range of ports and each peer) here, and no quota "
            "lets a group have more than 1000: name larger blocks, or a prefix list.",
        )
    ]
    assert parse_spec(with_value("security.groups.web.ingress", rules))


@pytest.mark.parametrize("groups", [5, 16])
def test_rules_and_groups_multiplied_stay_below_a_thousand(groups: int) -> None:
    """The quota of rules times that of groups for an interface is never above 1,000."""
    data = valid()
    ingress: list[dict[str, Any]] = [{"ports": 443, "cidrs": blocks(1000 // groups)}]
    data["security"]["groups"] = {f"g{number}": {} for number in range(groups)}
    data["security"]["groups"]["g0"] = {"ingress": ingress}
    data["instances"]["web"]["security_groups"] = [*data["security"]["groups"]]

    assert ("instances.web.security_groups" in warned(data)) is (groups > 5)

    ingress.append({"ports": 444, "self": True})
    ((path, sentence),) = faults_of(data)
    assert path == "instances.web.security_groups"
    assert "1000 multiplied" in sentence


def test_validate_tells_warnings_and_takes_the_spec(
    spec_file: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    """For people and for scripts; a warning is no fault."""
    group = {"ingress": [{"ports": 443, "cidrs": blocks(61)}]}
    file = spec_file("web", security={"groups": {"web": group}})

    assert run(["validate", file]) == 0
    told = capsys.readouterr().out
    assert told.startswith(
        f"{file}: valid (web.eu-west-1)\n  security.groups.web.ingress: AWS counts 61"
    )

    assert run(["validate", "--json", file]) == 0
    ((one,),) = [json.loads(capsys.readouterr().out)["specs"]]
    assert [warning["path"] for warning in one["warnings"]] == ["security.groups.web.ingress"]


def test_a_plan_tells_them_too(capsys: pytest.CaptureFixture[str]) -> None:
    """Rules in a group are a quota of each group, and not of the account: none is counted there."""
    group = {"ingress": [{"ports": 443, "cidrs": blocks(61)}]}
    spec = parse_spec(with_value("security.groups.web", group))
    plan = Plan(environment_id=spec.environment_id, steps=(), changes={}, reads={})

    show_plan(plan, spec.warnings(), as_json=False)
    assert "security.groups.web.ingress: AWS counts 61 rules" in capsys.readouterr().out

    show_plan(plan, spec.warnings(), as_json=True)
    (told,) = json.loads(capsys.readouterr().out)["warnings"]
    assert told["path"] == "security.groups.web.ingress"
