"""The security step: the groups, their rules, the key pair, and the VPC endpoints."""

from collections.abc import Iterator, Sequence
from ipaddress import ip_network
from typing import Final

from celery import shared_task

from envwright.names import Step, provision_task
from envwright.spec import Rule
from tasks import engine
from tasks.context import Context
from tasks.endpoints import endpoints
from tasks.existing import look_up_existing
from tasks.keys import KEY_PAIR, VPC
from tasks.keys import security_group as security_group
from tasks.known import Known
from tasks.resources.base import Groups, Resource
from tasks.resources.default_group import DefaultGroup
from tasks.resources.key_pair import KeyPair
from tasks.resources.security_group import SecurityGroup
from tasks.resources.security_group_rules import (
    Direction,
    PeerKind,
    Permission,
    SecurityGroupRules,
)
from tasks.resources.vpc_endpoint import VpcEndpoint

KINDS: Final[Groups] = ((SecurityGroup, KeyPair, DefaultGroup), (SecurityGroupRules, VpcEndpoint))


def key_pair_name(known: Known) -> str | None:
    """The key pair's name in EC2, where it is unique in the account and region."""
    if known.spec.security.key_pair is None:
        return None
    return known.key_pair_name or f"envwright-{known.spec.environment_id}"


def _name_in_vpc(known: Known, name: str) -> str:
    """A group's name in EC2, where it is unique in its VPC: others may have groups in one that
    exists."""
    return f"{known.spec.name}.{name}" if known.existing(VPC) else name


def wanted(known: Known) -> list[Resource]:
    """The resources of the step."""
    spec = known.spec
    resources: list[Resource] = []
    for name, group in spec.security.groups.items():
        resources.append(
            SecurityGroup(
                key=security_group(name),
                vpc=VPC,
                name=name,
                name_in_vpc=_name_in_vpc(known, name),
                description=group.description,
            )
        )
        if group.ingress:
            resources.append(_rules(name, "ingress", group.ingress))
        if group.egress is not None:
            resources.append(_rules(name, "egress", group.egress))
    if spec.security.default_group == "stripped":
        resources.append(DefaultGroup(key="security/default_group/main", vpc=VPC))
    public_key = spec.security.key_pair and spec.security.key_pair.public_key
    if public_key and (called := key_pair_name(known)):
        resources.append(KeyPair(key=KEY_PAIR, name=called, public_key=public_key))
    return [*resources, *endpoints(known)]


def _rules(group: str, direction: Direction, rules: Sequence[Rule]) -> SecurityGroupRules:
    return SecurityGroupRules(
        key=f"security/security_group_rules/{group}-{direction}",
        group=security_group(group),
        direction=direction,
        permissions=tuple(one for rule in rules for one in _permissions(group, rule)),
    )


def _permissions(group: str, rule: Rule) -> Iterator[Permission]:
    """One permission for each range of ports and each peer of a rule."""
    protocol = "-1" if rule.protocol == "all" else rule.protocol
    description = rule.description or ""
    named = [*rule.groups, group] if rule.self_ else rule.groups
    for first, last in rule.port_ranges():
        for cidr in rule.cidrs:
            yield Permission(protocol, first, last, _cidr_kind(cidr), cidr, description)
        for prefix_list in rule.prefix_lists:
            yield Permission(protocol, first, last, "prefix_list", prefix_list, description)
        for other in named:
            yield Permission(protocol, first, last, "group", security_group(other), description)


def _cidr_kind(cidr: str) -> PeerKind:
    return "cidr" if ip_network(cidr).version == 4 else "cidr6"


@shared_task(name=provision_task(Step.SECURITY))
async def security(context: Context) -> None:
    await look_up_existing(context)
    await engine.apply(context, KINDS, wanted(context.known))
