"""What the fields of a spec say about each other, and must agree on.

Each check is handed one part, its place, and the whole spec, and yields what is wrong, with places
relative to the part. A check says nothing where a field that it reads is not valid by itself
(`envwright.spec.unsound`), so the checks can run on a spec of which only some is valid.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import cache
from types import UnionType
from typing import TYPE_CHECKING, Any, Final

from envwright.spec import (
    dhcp_checks,
    endpoint_checks,
    existing_checks,
    flow_log_checks,
    instance_checks,
    network_checks,
    rule_limits,
    security_checks,
    tier_checks,
    volume_checks,
)
from envwright.spec.dhcp import Dhcp
from envwright.spec.endpoints import Endpoint
from envwright.spec.existing import Existing, ExistingSubnets
from envwright.spec.flow_logs import FlowLog
from envwright.spec.forms import Flaw, Loc
from envwright.spec.instances import InstanceGroup
from envwright.spec.network import Dns, Network, Tier
from envwright.spec.part import Account, Part
from envwright.spec.security import KeyPair, Rule, Security, SecurityGroup
from envwright.spec.unsound import Unsound
from envwright.spec.volumes import RootVolume, Volume

if TYPE_CHECKING:
    from envwright.spec.environment import EnvironmentSpec

Check = Callable[[Any, Loc, Any], Iterator[Flaw]]


def across(spec: "EnvironmentSpec") -> list[Flaw]:
    """Everything on which the spec's fields do not agree."""
    found = [
        (at + loc, sentence)
        for at, part in _parts(spec, ())
        for check in _checks_of(type(part))
        for loc, sentence in _as_far_as_known(check(part, at, spec))
    ]
    return [
        *found,
        *_as_far_as_known(instance_checks.instances_have_addresses(spec)),
        *_as_far_as_known(instance_checks.private_addresses_are_distinct(spec)),
    ]


def _parts(value: object, at: Loc) -> Iterator[tuple[Loc, Part]]:
    children: Iterable[tuple[str | int, object]] = ()
    if isinstance(value, Part):
        yield at, value
        children = value
    elif isinstance(value, dict):
        children = value.items()
    elif isinstance(value, tuple):
        children = enumerate(value)
    for key, child in children:
        yield from _parts(child, (*at, key))


def _as_far_as_known(flaws: Iterator[Flaw]) -> Iterator[Flaw]:
    with suppress(Unsound):
        yield from flaws


@cache
def _checks_of(part: type[Part]) -> list[Check]:
    return [check for kind, check in _CHECKS if issubclass(part, kind)]


_CHECKS: Final[tuple[tuple[type | UnionType, Check], ...]] = (
    (Account, network_checks.role_is_in_the_partition),
    (Network, existing_checks.vpc_is_made_or_exists),
    (Network, existing_checks.zones_are_known),
    (Network, existing_checks.nothing_else_is_asked_of_an_existing_vpc),
    (Network, existing_checks.tiers_exist_with_their_vpc),
    (Network, network_checks.zones_are_of_the_region),
    (Network, network_checks.zones_are_distinct),
    (Network, tier_checks.tiers_are_distinct),
    (Network, tier_checks.each_zone_has_a_block),
    (Network, tier_checks.blocks_lie_in_the_vpc),
    (Network, tier_checks.blocks_lie_apart),
    (Network, tier_checks.tiers_fit),
    (Network, tier_checks.reserved_zones_exist),
    (Network, tier_checks.private_tiers_lead_out),
    (Network, tier_checks.nat_gateways_are_of_use),
    (Tier, tier_checks.sizes_are_given_in_one_way),
    (Dns, network_checks.dns_names_have_dns),
    (Dhcp, dhcp_checks.servers_are_distinct),
    (Dhcp, dhcp_checks.amazons_dns_stands_alone),
    (Dhcp, dhcp_checks.time_servers_are_few),
    (Network, endpoint_checks.services_are_distinct),
    (Endpoint, endpoint_checks.service_has_the_type),
    (Endpoint, endpoint_checks.groups_guard_interfaces),
    (Endpoint, endpoint_checks.its_groups_are_known),
    (Endpoint, endpoint_checks.its_names_are_distinct),
    (Endpoint, endpoint_checks.its_tiers_are_known),
    (Endpoint, endpoint_checks.private_dns_has_dns),
    (Endpoint, endpoint_checks.addresses_are_there),
    (FlowLog, flow_log_checks.log_has_one_destination),
    (FlowLog, flow_log_checks.log_group_has_a_role),
    (Network, flow_log_checks.logs_are_distinct),
    (Existing, existing_checks.named_in_one_way),
    (ExistingSubnets, existing_checks.ids_are_distinct),
    (KeyPair, existing_checks.named_in_one_way),
    (Security, existing_checks.existing_groups_have_names_of_their_own),
    (Security, existing_checks.existing_groups_have_their_vpc),
    (Security, existing_checks.an_existing_default_group_is_left_alone),
    (SecurityGroup, security_checks.ingress_is_distinct),
    (SecurityGroup, security_checks.egress_is_distinct),
    (SecurityGroup, rule_limits.group_can_hold_its_rules),
    (Rule, security_checks.ports_suit_the_protocol),
    (Rule, security_checks.cidrs_suit_the_protocol),
    (Rule, security_checks.rule_has_a_peer),
    (Rule, security_checks.peers_are_known),
    (Rule, security_checks.the_internet_is_meant),
    (InstanceGroup, instance_checks.types_are_distinct),
    (InstanceGroup, instance_checks.groups_are_distinct),
    (InstanceGroup, instance_checks.placement_is_distinct),
    (InstanceGroup, instance_checks.groups_are_known),
    (InstanceGroup, rule_limits.interface_can_hold_its_rules),
    (InstanceGroup, instance_checks.zones_are_the_networks),
    (InstanceGroup, instance_checks.tier_is_known),
    (InstanceGroup, instance_checks.public_addresses_lead_out),
    (InstanceGroup, instance_checks.merged_tags_fit),
    (InstanceGroup, instance_checks.protection_holds),
    (InstanceGroup, instance_checks.types_have_credits),
    (InstanceGroup, instance_checks.tags_suit_the_metadata),
    (InstanceGroup, instance_checks.private_address_is_for_one),
    (InstanceGroup, instance_checks.private_address_is_in_a_subnet),
    (InstanceGroup, volume_checks.devices_are_distinct),
    (RootVolume | Volume, volume_checks.volume_type_takes_the_size),
    (RootVolume | Volume, volume_checks.volume_type_takes_the_iops),
    (RootVolume | Volume, volume_checks.volume_type_takes_the_throughput),
    (RootVolume | Volume, volume_checks.key_is_used),
    (Volume, volume_checks.volume_has_a_size),
)
