"""The security of a spec: groups with their rules, and a key pair."""

import json
from typing import Annotated, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, WrapSerializer

from envwright.spec.addresses import PeerCidr, PortRange, Ports
from envwright.spec.existing import ExistingGroup
from envwright.spec.fields import (
    GroupDescription,
    KeyPairName,
    PrefixListId,
    PublicKey,
    RuleDescription,
    SecurityGroupName,
)
from envwright.spec.forms import AsSet, Flag
from envwright.spec.part import Part
from envwright.spec.tags import KnownTags


class Rule(Part):
    """What one security group lets in or out: a protocol, its ports, and the peers."""

    protocol: Literal["tcp", "udp", "icmp", "icmpv6", "all"] = Field(
        "tcp", description="The protocol; `all` means every one."
    )
    ports: Ports | None = Field(
        None,
        description='One port, a range such as "8000-8100", a list of both, or `all`. TCP and UDP '
        "need it; the other protocols have no ports.",
    )
    cidrs: Annotated[tuple[PeerCidr, ...], AsSet] = Field(
        (),
        description="Peers by address: IPv4 and IPv6 CIDR blocks; IPv4 alone for icmp, and IPv6 "
        "alone for icmpv6.",
    )
    prefix_lists: Annotated[tuple[PrefixListId, ...], AsSet] = Field(
        (), description="Peers by prefix list: their ids."
    )
    groups: Annotated[tuple[str, ...], AsSet] = Field(
        (), description="Peers by security group: names of groups of this spec, existing ones too."
    )
    self_: Flag = Field(
        False, alias="self", description="Whether the group's own members are peers."
    )
    description: RuleDescription = Field(
        "", description="What the rule is for, up to 255 characters."
    )
    allow_from_anywhere: Flag = Field(
        False,
        description="Says in so many words that an ingress rule may open port 22, port 3389 or "
        "all ports to the internet, as which an IPv4 block larger than /8 and an IPv6 block larger "
        "than /16 count; it is refused otherwise.",
    )

    def port_ranges(self) -> tuple[PortRange, ...]:
        """First and last port of each range; (-1, -1), as in the EC2 API, where there are none."""
        if self.protocol in ("tcp", "udp"):
            return self.ports or ()
        return ((-1, -1),)


def _in_one_order(rules: Any, handler: SerializerFunctionWrapHandler) -> Any:
    written = handler(rules)
    return written and sorted(written, key=lambda rule: json.dumps(rule, sort_keys=True))


Rules = Annotated[tuple[Rule, ...], WrapSerializer(_in_one_order)]


class SecurityGroup(Part):
    """A security group of the VPC. Groups may refer to each other."""

    description: GroupDescription = Field(
        "Managed by envwright", description="What the group is for, 1 to 255 characters."
    )
    ingress: Rules = Field((), description="What is let in. Nothing else is.")
    egress: Rules | None = Field(
        None,
        description="What is let out. Left out, AWS's default stays: everything. An empty list "
        "lets nothing out.",
    )


class KeyPair(Part):
    """An EC2 key pair, given to every instance: made from your public key, or one that exists."""

    public_key: PublicKey | None = Field(
        None,
        description="An OpenSSH public key, Ed25519 or RSA: the one line of the .pub file.",
        repr=False,
    )
    name: KeyPairName | None = Field(None, description="The name of a key pair that exists.")
    tags: KnownTags | None = Field(
        None, description="Tags of a key pair that exists, which no other has."
    )


class Security(Part):
    """Who may reach the instances: their security groups, and a key pair to log in with."""

    groups: dict[SecurityGroupName, SecurityGroup] = Field(
        {}, description="The security groups, by name."
    )
    existing_groups: dict[SecurityGroupName, ExistingGroup] = Field(
        {},
        description="Groups of an existing VPC, each by the name that this spec calls it by. They "
        "are used like the others, and never changed or deleted.",
    )
    key_pair: KeyPair | None = Field(None, description="The key pair, if there shall be one.")
    default_group: Literal["untouched", "stripped"] = Field(
        "untouched",
        description="What becomes of the VPC's default group, which nothing here uses: `stripped` "
        "takes the rules away that AWS gives it, for three more calls.",
    )
