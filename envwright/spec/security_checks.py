"""What the fields of security groups must agree on (see `envwright.spec.checks`)."""

from collections.abc import Iterator
from contextlib import suppress
from difflib import get_close_matches
from ipaddress import ip_network
from typing import TYPE_CHECKING, Final

from envwright.spec.addresses import ALL_PORTS, LARGEST_IPV4_PEER, LARGEST_IPV6_PEER
from envwright.spec.forms import Flaw, Loc, shown
from envwright.spec.security import Rule, SecurityGroup
from envwright.spec.unsound import Unsound, known

if TYPE_CHECKING:
    from envwright.spec.environment import EnvironmentSpec

_REMOTE_ACCESS: Final = (22, 3389)

_LARGEST_PEER: Final = {4: LARGEST_IPV4_PEER, 6: LARGEST_IPV6_PEER}

_ICMP_OF: Final = {4: "icmp", 6: "icmpv6"}


def ports_suit_the_protocol(rule: Rule, _: Loc, __: "EnvironmentSpec") -> Iterator[Flaw]:
    has_ports = rule.protocol in ("tcp", "udp")
    if has_ports and rule.ports is None:
        yield (
            ("ports",),
            f'A rule for {rule.protocol} needs ports: one, a range such as "8000-8100", or all.',
        )
    if not has_ports and rule.ports is not None:
        yield ("ports",), f"The protocol `{rule.protocol}` has no ports in a rule: leave them out."


def cidrs_suit_the_protocol(rule: Rule, _: Loc, __: "EnvironmentSpec") -> Iterator[Flaw]:
    if rule.protocol not in _ICMP_OF.values():
        return
    for index, cidr in known(rule.cidrs):
        version = ip_network(cidr).version
        if rule.protocol != _ICMP_OF[version]:
            yield (
                ("cidrs", index),
                f"{cidr} is an IPv{version} block, over which `{rule.protocol}` never runs: put it "
                f"into a rule for `{_ICMP_OF[version]}`.",
            )


def rule_has_a_peer(rule: Rule, _: Loc, __: "EnvironmentSpec") -> Iterator[Flaw]:
    if not (rule.cidrs or rule.prefix_lists or rule.groups or rule.self_):
        yield (
            (),
            "This rule names no peer: give it `cidrs`, `prefix_lists`, `groups` or `self: true`.",
        )


def peers_are_known(rule: Rule, _: Loc, spec: "EnvironmentSpec") -> Iterator[Flaw]:
    for index, name in known(rule.groups):
        yield from unknown_group(("groups", index), name, spec)


def unknown_group(at: Loc, name: str, spec: "EnvironmentSpec") -> Iterator[Flaw]:
    names = {*spec.security.groups, *spec.security.existing_groups}
    if name in names:
        return
    close = get_close_matches(name, names, n=1)
    advice = f"did you mean {shown(close[0])}?" if close else "define it under `security.groups`."
    yield at, f"{shown(name)} is not a security group of this spec: {advice}"


def the_internet_is_meant(rule: Rule, at: Loc, _: "EnvironmentSpec") -> Iterator[Flaw]:
    if at[-2] != "ingress" or rule.allow_from_anywhere:
        return
    opened = _sensitive_ports(rule)
    for index, cidr in known(rule.cidrs):
        network = ip_network(cidr)
        largest = _LARGEST_PEER[network.version]
        if opened and network.prefixlen < largest:
            yield (
                ("cidrs", index),
                f"This opens {opened} to the whole internet, as which an IPv{network.version} "
                f"block larger than /{largest} counts: name the addresses that need it, or say "
                "`allow_from_anywhere: true` in this rule.",
            )
            return


def _sensitive_ports(rule: Rule) -> str | None:
    if rule.protocol == "all":
        return "every protocol and port"
    if ALL_PORTS in rule.port_ranges():
        return "all ports"
    open_ones = (
        port
        for port in _REMOTE_ACCESS
        for first, last in rule.port_ranges()
        if first <= port <= last
    )
    return next((f"port {port}" for port in open_ones), None)


def ingress_is_distinct(group: SecurityGroup, at: Loc, _: "EnvironmentSpec") -> Iterator[Flaw]:
    yield from _repeated(group.ingress, "ingress", at)


def egress_is_distinct(group: SecurityGroup, at: Loc, _: "EnvironmentSpec") -> Iterator[Flaw]:
    yield from _repeated(group.egress or (), "egress", at)


def _repeated(rules: tuple[Rule, ...], direction: str, at: Loc) -> Iterator[Flaw]:
    seen: dict[tuple[object, ...], int] = {}
    for index, rule in enumerate(rules):
        for loc, permission in _permissions(rule, own_name=str(at[-1])):
            if permission in seen:
                yield (
                    (direction, index, *loc),
                    f"Entry {seen[permission]} of this list has the same protocol, ports and peer "
                    "already, and AWS refuses a rule that stands twice: leave one out.",
                )
                break
            seen[permission] = index


def _permissions(rule: Rule, own_name: str) -> Iterator[tuple[Loc, tuple[object, ...]]]:
    with suppress(Unsound):
        for loc, peer in _peers(rule, own_name):
            for ports in rule.port_ranges():
                yield loc, (rule.protocol, ports, peer)


def _peers(rule: Rule, own_name: str) -> Iterator[tuple[Loc, str]]:
    for index, cidr in known(rule.cidrs):
        yield ("cidrs", index), cidr
    for index, prefix_list in known(rule.prefix_lists):
        yield ("prefix_lists", index), prefix_list
    for index, group in known(rule.groups):
        yield ("groups", index), f"group {group}"
    if rule.self_:
        yield ("self",), f"group {own_name}"
