"""How many rules and groups AWS takes (Amazon VPC User Guide, "Amazon VPC quotas").

A quota can be raised for an account, so what is above AWS's default is only warned of. What no
quota allows is refused.
"""

from collections.abc import Iterable, Iterator
from ipaddress import ip_network
from typing import TYPE_CHECKING, Final

from envwright.spec.forms import Flaw, Loc
from envwright.spec.instances import InstanceGroup
from envwright.spec.security import Rule, SecurityGroup
from envwright.spec.unsound import known

if TYPE_CHECKING:
    from envwright.spec.environment import EnvironmentSpec

DEFAULT_RULES: Final = 60
"""Rules of one group in one direction, counted for IPv4 and for IPv6 apart."""

DEFAULT_GROUPS: Final = 5
"""Groups of one network interface."""

MOST_ON_AN_INTERFACE: Final = 1000
"""What the quota of rules and that of groups may be together, multiplied: it is never raised."""


def count(rules: Iterable[Rule]) -> int:
    """The rules as AWS counts them: one for each range of ports and each peer.

    The larger of the counts for IPv4 and IPv6. A group counts for both, and so does a prefix list,
    as one here: its own size, which AWS adds in its place, stands in no spec.
    """
    counted = [*rules]
    return max(sum(_count(rule, version) for rule in counted) for version in (4, 6))


def _count(rule: Rule, version: int) -> int:
    of_version = [one for _, one in known(rule.cidrs) if ip_network(one).version == version]
    peers = len(of_version) + len(rule.prefix_lists) + len(rule.groups) + rule.self_
    return peers * len(rule.port_ranges())


def _directions(group: SecurityGroup) -> Iterator[tuple[str, int]]:
    yield "ingress", count(group.ingress)
    yield "egress", count(group.egress or ())


def group_can_hold_its_rules(group: SecurityGroup, _: Loc, __: "EnvironmentSpec") -> Iterator[Flaw]:
    for direction, rules in _directions(group):
        if rules > MOST_ON_AN_INTERFACE:
            yield (
                (direction,),
                f"AWS counts {_as_counted(rules)} here, and no quota lets a group have more than "
                f"{MOST_ON_AN_INTERFACE}: name larger blocks, or a prefix list.",
            )


def interface_can_hold_its_rules(
    group: InstanceGroup, _: Loc, spec: "EnvironmentSpec"
) -> Iterator[Flaw]:
    """The quotas hold for all groups alike: the largest one sets that of rules."""
    groups, names = spec.security.groups, group.security_groups
    of_ours = [groups[one] for _, one in known(names) if one in groups]
    most = max((rules for one in of_ours for _, rules in _directions(one)), default=0)
    if most <= MOST_ON_AN_INTERFACE < most * len(names):
        yield (
            ("security_groups",),
            f"The largest of these {len(names)} groups has {_as_counted(most)}, and no quotas let "
            f"an interface have groups and rules of more than {MOST_ON_AN_INTERFACE} multiplied: "
            "name fewer groups, or larger blocks.",
        )


def above_default_quotas(spec: "EnvironmentSpec") -> Iterator[Flaw]:
    """What AWS refuses where the account's quotas were never raised."""
    for name, security_group in spec.security.groups.items():
        for direction, rules in _directions(security_group):
            if rules > DEFAULT_RULES:
                yield (
                    ("security", "groups", name, direction),
                    f"AWS counts {_as_counted(rules)} here, and its default quota is "
                    f"{DEFAULT_RULES}: have `Inbound or outbound rules per security group` raised "
                    "before this is built.",
                )
    for name, group in spec.instances.items():
        if len(group.security_groups) > DEFAULT_GROUPS:
            yield (
                ("instances", name, "security_groups"),
                f"These are {len(group.security_groups)} groups, and AWS's default quota is "
                f"{DEFAULT_GROUPS}: have `Security groups per network interface` raised before "
                "this is built.",
            )


def _as_counted(rules: int) -> str:
    return f"{rules} rules (one for each range of ports and each peer)"
