"""What the fields of instances must agree on (see `envwright.spec.checks`)."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Network
from itertools import cycle, islice
from typing import TYPE_CHECKING, Final

from envwright.spec.forms import Flaw, Loc, named_once, shown
from envwright.spec.instances import InstanceGroup
from envwright.spec.security_checks import unknown_group
from envwright.spec.tags import MAX_CALLERS_TAGS
from envwright.spec.tier_checks import tiers_fit
from envwright.spec.unsound import UNSOUND, Unsound, known

if TYPE_CHECKING:
    from envwright.spec.environment import EnvironmentSpec

RESERVED_ADDRESSES: Final = 5
"""How many addresses of each subnet AWS keeps for itself (Amazon VPC User Guide)."""

_BURSTABLE: Final = ("t2.", "t3.", "t3a.", "t4g.")

_TAG_IN_METADATA: Final = r"[A-Za-z0-9+=.,_:@-]+"
_RESERVED_TAGS: Final = (".", "..", "_index")
"""Names of tags that metadata cannot give (Amazon EC2 User Guide, "View tags for your EC2
instances using instance metadata")."""


def groups_are_known(group: InstanceGroup, _: Loc, spec: "EnvironmentSpec") -> Iterator[Flaw]:
    for index, name in known(group.security_groups):
        yield from unknown_group(("security_groups", index), name, spec)


def types_are_distinct(group: InstanceGroup, _: Loc, __: "EnvironmentSpec") -> Iterator[Flaw]:
    yield from named_once("types", group.types)


def groups_are_distinct(group: InstanceGroup, _: Loc, __: "EnvironmentSpec") -> Iterator[Flaw]:
    yield from named_once("security_groups", group.security_groups)


def placement_is_distinct(group: InstanceGroup, _: Loc, __: "EnvironmentSpec") -> Iterator[Flaw]:
    yield from named_once("zones", group.zones or ())


def zones_are_the_networks(group: InstanceGroup, _: Loc, spec: "EnvironmentSpec") -> Iterator[Flaw]:
    if group.zones is None:
        return
    if not isinstance(spec.network.zones, tuple):
        yield (
            ("zones",),
            "The network does not name its zones: name them in `network.zones` to place by name.",
        )
        return
    if UNSOUND in spec.network.zones:
        return
    for index, zone in known(group.zones):
        if zone not in spec.network.zones:
            yield ("zones", index), f"{zone} is not one of the zones that `network.zones` names."


def merged_tags_fit(group: InstanceGroup, _: Loc, spec: "EnvironmentSpec") -> Iterator[Flaw]:
    count = len({**spec.tags, **group.tags})
    if count > MAX_CALLERS_TAGS:
        yield (
            ("tags",),
            f"With the environment's own these are {count} tags: a resource takes "
            f"{MAX_CALLERS_TAGS} beside envwright's.",
        )


def protection_holds(group: InstanceGroup, _: Loc, __: "EnvironmentSpec") -> Iterator[Flaw]:
    if group.spot is not None and group.termination_protection:
        yield (
            ("termination_protection",),
            "AWS protects no spot instances from termination: leave one of the two out.",
        )


def types_have_credits(group: InstanceGroup, _: Loc, __: "EnvironmentSpec") -> Iterator[Flaw]:
    if group.credit_mode is None:
        return
    for index, name in known(group.types):
        if not name.startswith(_BURSTABLE):
            yield (
                ("types", index),
                f"{name} has no CPU credits, and `credit_mode` is for types that have: name "
                "burstable types alone (T2, T3, T3a, T4g), or leave it out.",
            )


def tags_suit_the_metadata(group: InstanceGroup, _: Loc, spec: "EnvironmentSpec") -> Iterator[Flaw]:
    if not group.metadata.tags:
        return
    for name in {**spec.tags, **group.tags}:
        if name in _RESERVED_TAGS or not re.fullmatch(_TAG_IN_METADATA, name):
            yield (
                ("metadata", "tags"),
                f"The tag {shown(name)} has a name that instance metadata cannot give: use "
                "letters, digits and any of +-=.,_:@ in names, or leave this out.",
            )


def private_address_is_for_one(
    group: InstanceGroup, _: Loc, __: "EnvironmentSpec"
) -> Iterator[Flaw]:
    if group.private_address is not None and group.count != 1:
        yield ("private_address",), "One address is for one instance: say `count: 1`."


def private_address_is_in_a_subnet(
    group: InstanceGroup, _: Loc, spec: "EnvironmentSpec"
) -> Iterator[Flaw]:
    is_unclear = any(tiers_fit(spec.network, (), spec)) or any(tier_is_known(group, (), spec))
    if group.private_address is None or is_unclear:
        return
    address = IPv4Address(group.private_address)
    cidrs = spec.network.subnet_cidrs(spec.network.tier(group.tier).name)
    blocks = [IPv4Network(cidrs[index]) for index in _zone_indexes(group, spec)]
    block = next((one for one in blocks if address in one), None)
    if blocks and block is None:
        yield (
            ("private_address",),
            f"{address} is in no subnet that this group stands in: {', '.join(map(str, blocks))}.",
        )
    if block and (address in [*islice(block, RESERVED_ADDRESSES - 1)] or address == block[-1]):
        yield (
            ("private_address",),
            f"AWS keeps {address} for itself: it does so with the first {RESERVED_ADDRESSES - 1} "
            f"addresses of each subnet, and with the last.",
        )


def private_addresses_are_distinct(spec: "EnvironmentSpec") -> Iterator[Flaw]:
    seen: dict[str, str] = {}
    for name, group in spec.instances.items():
        with suppress(Unsound):
            if (address := group.private_address) is not None:
                if address in seen:
                    at = ("instances", name, "private_address")
                    yield at, f"{address} is that of `{seen[address]}` already: choose another."
                seen.setdefault(address, name)


def tier_is_known(group: InstanceGroup, _: Loc, spec: "EnvironmentSpec") -> Iterator[Flaw]:
    names = [tier.name for tier in spec.network.tiers]
    if group.tier is not None and group.tier not in names:
        yield (
            ("tier",),
            f"The network has no tier {shown(group.tier)}; it has {', '.join(map(shown, names))}.",
        )


def public_addresses_lead_out(
    group: InstanceGroup, _: Loc, spec: "EnvironmentSpec"
) -> Iterator[Flaw]:
    for field in ("public_address", "elastic_address"):
        if not getattr(group, field) or any(tier_is_known(group, (), spec)):
            continue
        tier = spec.network.tier(group.tier)
        if tier.access != "public":
            yield (
                (field,),
                f"The tier {shown(tier.name)} is {tier.access}: a public address would lead "
                "nowhere there. Use a public tier, or leave this out.",
            )


def instances_have_addresses(spec: "EnvironmentSpec") -> Iterator[Flaw]:
    """As many as come to lie in each subnet, beside what else has an address there."""
    if any(tiers_fit(spec.network, (), spec)):
        return
    placed = _instances_by_subnet(spec)
    gateways, endpoints = _gateways_by_subnet(spec), _endpoints_by_subnet(spec)
    for tier, cidrs in spec.network.blocks().items():
        for zone, cidr in enumerate(cidrs):
            taken = gateways[tier, zone] + endpoints[tier, zone]
            room = IPv4Network(cidr).num_addresses - RESERVED_ADDRESSES - taken
            wanted = sum(groups[tier, zone] for groups in placed.values())
            if wanted and wanted > room:
                largest = max(placed, key=lambda name: placed[name][tier, zone])
                also = " and one is the NAT gateway's" if gateways[tier, zone] else ""
                if endpoints[tier, zone]:
                    also += f", and {endpoints[tier, zone]} for VPC endpoints"
                yield (
                    ("instances", largest, "count"),
                    f"{wanted} instances would share the subnet {cidr}, which has {max(room, 0)} "
                    f"addresses ({RESERVED_ADDRESSES} are AWS's own{also}): ask for fewer, or for "
                    "larger subnets.",
                )
                return


Subnet = tuple[str, int]
"""A tier, and a zone by its index."""


def _gateways_by_subnet(spec: "EnvironmentSpec") -> Counter[Subnet]:
    public = spec.network.tiers_of("public")
    zones = range(spec.network.nat_gateway_count)
    return Counter((public[0].name, zone) for zone in zones if public)


def _endpoints_by_subnet(spec: "EnvironmentSpec") -> Counter[Subnet]:
    """One address each, in every zone of the first tier that uses it."""
    found: Counter[Subnet] = Counter()
    for name, endpoint in spec.network.endpoints.items():
        with suppress(Unsound):
            tiers = [one.name for one in spec.network.tiers if endpoint.is_for(one.name)]
            if endpoint.type_of(name, spec.region) == "interface" and tiers:
                found.update((tiers[0], zone) for zone in range(spec.network.zone_count))
    return found


def _instances_by_subnet(spec: "EnvironmentSpec") -> dict[str, Counter[Subnet]]:
    """How many instances of each group come to lie in each subnet."""
    placed = {}
    for name, group in spec.instances.items():
        with suppress(Unsound):
            if any(tier_is_known(group, (), spec)):
                continue
            tier, usable = spec.network.tier(group.tier).name, _zone_indexes(group, spec)
            spread = islice(cycle(usable), group.count)
            placed[name] = Counter((tier, zone) for zone in spread)
    return placed


def _zone_indexes(group: InstanceGroup, spec: "EnvironmentSpec") -> Sequence[int]:
    zones = spec.network.zones
    if group.zones is None:
        return range(spec.network.zone_count)
    if not isinstance(zones, tuple) or UNSOUND in (*zones, *group.zones):
        return ()
    return [zones.index(zone) for zone in group.zones if zone in zones]
