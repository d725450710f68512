"""What must be so where a spec uses what exists already (see `envwright.spec.checks`)."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from envwright.spec.existing import Existing, ExistingSubnets
from envwright.spec.forms import Flaw, Loc, named_once, shown
from envwright.spec.network import Network
from envwright.spec.security import KeyPair, Security

if TYPE_CHECKING:
    from envwright.spec.environment import EnvironmentSpec

_OF_AN_EXISTING_VPC: Final = ("existing_vpc", "cidr", "zones", "tiers")
"""What is said otherwise of these, or may be said with it."""


def named_in_one_way(part: Existing | KeyPair, _: Loc, __: "EnvironmentSpec") -> Iterator[Flaw]:
    fields = type(part).model_fields
    given = [shown(name) for name in fields if getattr(part, name) is not None]
    if not given:
        yield (), f"This names nothing: give one of {', '.join(map(shown, fields))}."
    if len(given) > 1:
        yield (), f"{' and '.join(given)} exclude each other: give one of them."


def ids_are_distinct(subnets: ExistingSubnets, _: Loc, __: "EnvironmentSpec") -> Iterator[Flaw]:
    yield from named_once("ids", subnets.ids or ())


def vpc_is_made_or_exists(network: Network, _: Loc, __: "EnvironmentSpec") -> Iterator[Flaw]:
    if network.cidr is None and network.existing_vpc is None:
        described = Network.model_fields["cidr"].description
        yield ("cidr",), f"This field is missing. {described}"
    if network.cidr is not None and network.existing_vpc is not None:
        yield (
            ("existing_vpc",),
            "`cidr` makes a VPC, and `existing_vpc` uses one that exists: give one of them.",
        )


def zones_are_known(network: Network, _: Loc, __: "EnvironmentSpec") -> Iterator[Flaw]:
    """Subnets that exist bring theirs along."""
    are_all_there = all(tier.existing is not None for tier in network.tiers)
    if network.zones is None and (network.existing_vpc is None or not are_all_there):
        described = Network.model_fields["zones"].description
        yield ("zones",), f"This field is missing. {described}"


def nothing_else_is_asked_of_an_existing_vpc(
    network: Network, _: Loc, __: "EnvironmentSpec"
) -> Iterator[Flaw]:
    if network.existing_vpc is None:
        return
    for name, field in Network.model_fields.items():
        if name not in _OF_AN_EXISTING_VPC and getattr(network, name) != field.get_default():
            yield (
                (name,),
                "The VPC exists already, and what is not the environment's is never changed: leave "
                "this out.",
            )


def tiers_exist_with_their_vpc(network: Network, _: Loc, __: "EnvironmentSpec") -> Iterator[Flaw]:
    for index, tier in enumerate(network.tiers):
        if tier.existing is not None and network.existing_vpc is None:
            yield (
                ("tiers", index, "existing"),
                "A subnet belongs to its VPC, and this network makes one of its own: use an "
                "existing one (`network.existing_vpc`).",
            )
        if tier.existing is not None or network.existing_vpc is None:
            continue
        if tier.cidrs is None:
            yield (
                ("tiers", index),
                "Nobody knows here which addresses of an existing VPC are free: give the tier's "
                "`cidrs`, or say by `existing` which subnets are its.",
            )
        if tier.access == "private":
            yield (
                ("tiers", index, "access"),
                "NAT gateways are not made in an existing VPC, so that a new tier cannot be "
                "private there: use subnets that exist, or make it `public` or `isolated`.",
            )


def existing_groups_have_names_of_their_own(
    security: Security, _: Loc, __: "EnvironmentSpec"
) -> Iterator[Flaw]:
    for name in security.existing_groups:
        if name in security.groups:
            yield (
                ("existing_groups", name),
                f"{shown(name)} is one of `security.groups` too: give one of them another name.",
            )


def existing_groups_have_their_vpc(
    security: Security, _: Loc, spec: "EnvironmentSpec"
) -> Iterator[Flaw]:
    if spec.network.existing_vpc is None:
        for name in security.existing_groups:
            yield (
                ("existing_groups", name),
                "A group belongs to its VPC, and this network makes one of its own: use an "
                "existing one (`network.existing_vpc`).",
            )


def an_existing_default_group_is_left_alone(
    security: Security, _: Loc, spec: "EnvironmentSpec"
) -> Iterator[Flaw]:
    if security.default_group != "untouched" and spec.network.existing_vpc is not None:
        yield (
            ("default_group",),
            "The VPC exists already, and what is not the environment's is never changed: leave "
            "this out.",
        )
