"""Security group rules: from the spec to what AWS is asked for, and what is left of it to ask."""

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envwright.spec import EnvironmentSpec, parse_spec
from tasks import security
from tasks.aws.errors import AwsError, ErrorClass
from tasks.known import Known
from tasks.resources.security_group_rules import SecurityGroupRules

ANYWHERE_OUT = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
EMPTY = {"IpPermissions": [], "IpPermissionsEgress": []}


def spec_with(**groups: Any) -> EnvironmentSpec:
    return parse_spec(
        {
            "name": "web",
            "region": "eu-west-1",
            "network": {"cidr": "10.0.0.0/16", "zones": 1},
            "security": {"groups": groups},
        }
    )


class Ec2:
    """Security groups that note what they are asked for."""

    def __init__(self, groups: dict[str, Any], refusals: list[AwsError]) -> None:
        self.asked: list[tuple[str, str, Any]] = []
        self._groups = groups
        self._refusals = refusals

    async def describe_security_groups(self, Filters: Any) -> Any:  # noqa: N803 - the SDK's
        (ids,) = [one["Values"] for one in Filters if one["Name"] == "group-id"]
        return {
            "SecurityGroups": [
                {"GroupId": one, **self._groups[one]} for one in ids if one in self._groups
            ]
        }

    def __getattr__(self, operation: str) -> Any:
        async def change(GroupId: str, IpPermissions: Any) -> None:  # noqa: N803 - the SDK's
            self.asked.append((operation, GroupId, IpPermissions))
            if self._refusals:
                raise self._refusals.pop(0)

        return change


class Context:
    """What a kind sees: groups whose id is `sg-` and their name."""

    is_thorough = False

    def __init__(
        self, spec: EnvironmentSpec, present: Any = None, refusals: list[AwsError] | None = None
    ) -> None:
        self.spec = spec
        self.record = SimpleNamespace(spec=spec)
        groups = {f"sg-{name}": EMPTY for name in spec.security.groups} | (present or {})
        self.ec2 = Ec2(groups, refusals or [])
        self.lease = SimpleNamespace()

    def id_of(self, key: str) -> str:
        return f"sg-{key.rsplit('/', 1)[-1]}"

    def ids_of(self, key: str) -> tuple[str, ...]:
        return (self.id_of(key),)


def rules_of(spec: EnvironmentSpec) -> dict[str, SecurityGroupRules]:
    """By the last part of their key, such as `web-ingress`."""
    return {
        one.key.rsplit("/", 1)[-1]: one
        for one in security.wanted(Known(spec, {}))
        if isinstance(one, SecurityGroupRules)
    }


async def asked_for(spec: EnvironmentSpec, name: str, **state: Any) -> list[tuple[str, str, Any]]:
    context: Any = Context(spec, **state)
    await rules_of(spec)[name].create(context, 1)
    return [
        (operation, group, sorted(entries, key=lambda one: (one["IpProtocol"], *ports(one))))
        for operation, group, entries in context.ec2.asked
    ]


def ports(entry: Any) -> tuple[int, int]:
    return entry.get("FromPort", -1), entry.get("ToPort", -1)


async def test_all_rules_of_one_direction_are_one_call() -> None:
    """One entry for each protocol and range of ports, with all its peers in it."""
    spec = spec_with(
        web={
            "ingress": [
                {"ports": [80, "8000-8100"], "cidrs": ["10.0.0.0/8"], "description": "Web"},
                {"ports": 80, "cidrs": ["::/0"], "prefix_lists": ["pl-12345678"]},
                {"ports": 80, "groups": ["admin"], "self": True},
                {"protocol": "udp", "ports": 53, "cidrs": ["10.0.0.0/8"]},
            ]
        },
        admin={},
    )

    ((operation, group, entries),) = await asked_for(spec, "web-ingress")

    assert (operation, group) == ("authorize_security_group_ingress", "sg-web")
    assert [(one["IpProtocol"], *ports(one)) for one in entries] == [
        ("tcp", 80, 80),
        ("tcp", 8000, 8100),
        ("udp", 53, 53),
    ]
    assert entries[0]["IpRanges"] == [{"CidrIp": "10.0.0.0/8", "Description": "Web"}]
    assert entries[0]["Ipv6Ranges"] == [{"CidrIpv6": "::/0"}]
    assert entries[0]["PrefixListIds"] == [{"PrefixListId": "pl-12345678"}]
    peers = sorted(one["GroupId"] for one in entries[0]["UserIdGroupPairs"])
    assert peers == ["sg-admin", "sg-web"]


@pytest.mark.parametrize(
    ("rule", "entry"),
    [
        ({"protocol": "all", "cidrs": ["10.0.0.0/8"]}, {"IpProtocol": "-1"}),
        (
            {"protocol": "icmp", "cidrs": ["10.0.0.0/8"]},
            {"IpProtocol": "icmp", "FromPort": -1, "ToPort": -1},
        ),
        (
            {"ports": "all", "cidrs": ["10.0.0.0/8"]},
            {"IpProtocol": "tcp", "FromPort": 0, "ToPort": 65535},
        ),
    ],
)
async def test_a_protocol_has_the_ports_that_aws_gives_it(rule: Any, entry: Any) -> None:
    """All protocols have none, ICMP has all of its types, TCP and UDP have theirs."""
    ((_, _, asked),) = await asked_for(spec_with(web={"ingress": [rule]}), "web-ingress")

    assert asked == [entry | {"IpRanges": [{"CidrIp": "10.0.0.0/8"}]}]


async def test_egress_takes_the_place_of_what_aws_lets_out() -> None:
    """A new group lets everything out: that rule goes first, and then the wanted ones come."""
    spec = spec_with(web={"egress": [{"ports": 443, "cidrs": ["10.0.0.0/8"]}]})

    revoked, authorized = await asked_for(spec, "web-egress")

    assert revoked == ("revoke_security_group_egress", "sg-web", [ANYWHERE_OUT])
    assert authorized[:2] == ("authorize_security_group_egress", "sg-web")
    assert [ports(one) for one in authorized[2]] == [(443, 443)]


async def test_no_egress_is_no_rule_left() -> None:
    """An empty list lets nothing out."""
    asked = await asked_for(spec_with(web={"egress": []}), "web-egress")

    assert [operation for operation, _, _ in asked] == ["revoke_security_group_egress"]


async def test_all_egress_is_what_aws_gives_anyway() -> None:
    """Asked for in so many words, it costs no call."""
    rule = {"protocol": "all", "cidrs": ["0.0.0.0/0"]}

    assert await asked_for(spec_with(web={"egress": [rule]}), "web-egress") == []


def test_groups_without_rules_cost_no_call() -> None:
    """No ingress and AWS's own egress: nothing to authorize."""
    assert rules_of(spec_with(web={})) == {}


async def test_what_is_there_already_is_not_asked_for_again() -> None:
    """AWS adds none of them when one is there, so only the rest is sent again."""
    spec = spec_with(web={"ingress": [{"ports": [80, 443], "cidrs": ["10.0.0.0/8"]}]})
    has_80 = {"IpPermissions": [on(80, "10.0.0.0/8")], "IpPermissionsEgress": []}
    exists = AwsError("Authorize…", "InvalidPermission.Duplicate", "", None, ErrorClass.EXISTS)

    first, second = await asked_for(
        spec, "web-ingress", present={"sg-web": has_80}, refusals=[exists]
    )

    assert [ports(one) for one in first[2]] == [(80, 80), (443, 443)]
    assert [ports(one) for one in second[2]] == [(443, 443)]


def on(port: int, *cidrs: str) -> dict[str, Any]:
    return {
        "IpProtocol": "tcp",
        "FromPort": port,
        "ToPort": port,
        "IpRanges": [{"CidrIp": one} for one in cidrs],
    }


@pytest.mark.parametrize(
    ("ingress", "is_found"),
    [
        ([on(80, "10.0.0.0/8", "10.0.0.0/16")], True),
        ([on(80, "10.0.0.0/8", "10.0.0.0/16"), on(22, "10.9.0.0/16")], True),
        ([on(80, "10.0.0.0/8")], False),
        ([on(81, "10.0.0.0/8", "10.0.0.0/16")], False),
        ([], False),
    ],
    ids=["all", "all and another's", "a part", "another port", "none"],
)
async def test_rules_are_found_when_all_of_them_are_there(ingress: Any, is_found: bool) -> None:
    """What somebody added beside them is left alone."""
    spec = spec_with(web={"ingress": [{"ports": 80, "cidrs": ["10.0.0.0/8", "10.0.0.0/16"]}]})
    context: Any = Context(
        spec, {"sg-web": {"IpPermissions": ingress, "IpPermissionsEgress": [ANYWHERE_OUT]}}
    )
    wanted = rules_of(spec)["web-ingress"]

    found = await SecurityGroupRules.find(context, [wanted], {})

    assert found == ({wanted.key: ["sg-web"]} if is_found else {})


@pytest.mark.parametrize(("all_out_is_left", "is_found"), [(True, False), (False, True)])
async def test_egress_is_not_done_while_everything_is_let_out(
    all_out_is_left: bool, is_found: bool
) -> None:
    """A crash between the two calls leaves AWS's own rule beside the wanted one."""
    spec = spec_with(web={"egress": [{"ports": 443, "cidrs": ["10.0.0.0/8"]}]})
    egress = [on(443, "10.0.0.0/8"), *([ANYWHERE_OUT] if all_out_is_left else [])]
    context: Any = Context(spec, {"sg-web": {"IpPermissions": [], "IpPermissionsEgress": egress}})

    found = await SecurityGroupRules.find(context, [rules_of(spec)["web-egress"]], {})

    assert bool(found) is is_found


@pytest.mark.parametrize(
    ("name", "goes"),
    [("web-ingress", False), ("web-egress", True), ("admin-ingress", True), ("gone-egress", True)],
)
def test_rules_that_name_another_group_must_go_before_it(name: str, goes: bool) -> None:
    """All others go with their own group, and cost no call."""
    spec = spec_with(
        web={"ingress": [{"ports": 80, "groups": ["admin"]}], "egress": []},
        admin={"ingress": [{"ports": 80, "self": True}]},
    )
    context: Any = Context(spec)

    key = f"security/security_group_rules/{name}"
    assert SecurityGroupRules.goes_with_another(context, key) is goes


@given(
    st.lists(
        st.tuples(st.integers(1, 5), st.sampled_from(["10.0.0.0/8", "::/0", "10.1.0.0/16"])),
        min_size=1,
        unique=True,
    )
)
async def test_what_was_authorized_is_found(pairs: list[tuple[int, str]]) -> None:
    """Whatever the rules are: reading is the inverse of writing, so nothing is written twice."""
    rules = [{"ports": port, "cidrs": [cidr]} for port, cidr in pairs]
    spec = spec_with(web={"ingress": rules})
    ((_, _, entries),) = await asked_for(spec, "web-ingress")
    context: Any = Context(spec, {"sg-web": {"IpPermissions": entries, "IpPermissionsEgress": []}})

    found = await SecurityGroupRules.find(context, [rules_of(spec)["web-ingress"]], {})

    assert len(found) == 1
