"""The calls that an environment must cost, added up from the table in docs/aws.md."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from envwright.record import ResourceRecord
from envwright.spec import EnvironmentSpec
from tasks.resources.base import kind_name
from tests.repository import ROOT, table

_ONE_BY_ONE = {
    "vpc": "VPC",
    "subnet": "subnet",
    "internet_gateway": "internet gateway",
    "internet_gateway_attachment": "its attachment",
    "main_route": "route out of public subnets",
    "address": "elastic address",
    "nat_gateway": "NAT gateway",
    "route_table": "route table",
    "route_table_association": "its association with a subnet",
    "route": "route in such a table",
    "egress_only_internet_gateway": "egress-only internet gateway",
    "dhcp_options": "DHCP options",
    "dhcp_options_association": "their association",
    "flow_log": "flow log",
    "security_group": "security group",
    "default_group": "default group that is stripped",
    "key_pair": "key pair",
    "vpc_endpoint": "VPC endpoint",
    "instances": "launch, of a group in a zone",
    "address_association": "elastic address of an instance",
    "source_dest_check": "instance without source/destination check",
}
_TOGETHER = {
    "flow_log": "all flow logs",
    "vpc_endpoint": "all VPC endpoints",
    "instances": "all instances",
}
_FOR_EACH_INSTANCE = ("address_association", "source_dest_check")


class Cost(NamedTuple):
    build: int
    take_down: int


def things(spec: EnvironmentSpec, resources: Mapping[str, ResourceRecord]) -> Counter[str]:
    """What an environment has, in the words of the table."""
    found: Counter[str] = Counter()
    for key, resource in resources.items():
        kind = kind_name(key)
        if kind in _ONE_BY_ONE:
            count = len(resource.ids) if kind in _FOR_EACH_INSTANCE else 1
            found[_ONE_BY_ONE[kind]] += count
        if kind in _TOGETHER:
            found[_TOGETHER[kind]] = 1
        if kind == "vpc_dns":
            dns = spec.network.dns
            found["DNS setting that is not AWS's own"] = (not dns.support) + dns.hostnames
        assert kind in (*_ONE_BY_ONE, "vpc_dns", "security_group_rules"), f"{kind} is in no row"
    found.update(_rules(spec))
    return found


def _rules(spec: EnvironmentSpec) -> Iterator[str]:
    for group in spec.security.groups.values():
        for rules in (group.ingress, group.egress):
            if rules:
                yield "its rules of one direction"
            if any(named in spec.security.groups for rule in rules or () for named in rule.groups):
                yield "rules that name another group"
        if group.egress is not None:
            yield "egress of its own"


def fewest(spec: EnvironmentSpec, resources: Mapping[str, ResourceRecord]) -> Cost:
    """How many calls that change something the table says for such an environment."""
    text = (ROOT / "docs/aws.md").read_text(encoding="utf-8")
    rows = {
        thing: Cost(int(build), int(take_down))
        for thing, build, _, take_down, *_ in table(text, "### Fewest changing calls")
    }
    found = things(spec, resources)
    return Cost(
        sum(rows[thing].build * count for thing, count in found.items()),
        sum(rows[thing].take_down * count for thing, count in found.items()),
    )
