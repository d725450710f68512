"""The parts of a spec: network, security and instances. What each field is for stands beside it.

A part alone is checked field by field. What fields must agree on (`envwright.spec.checks`) is
checked when a whole `envwright.spec.EnvironmentSpec` is made.
"""

import json
from ipaddress import IPv4Network
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, WrapSerializer

from envwright.spec.addresses import (
    MAX_PREFIX,
    MIN_PREFIX,
    PeerCidr,
    PortRange,
    Ports,
    SubnetCidr,
    VpcCidr,
)
from envwright.spec.fields import (
    DeviceName,
    ExternalId,
    GroupDescription,
    Image,
    InstanceType,
    PartName,
    PrefixListId,
    PublicKey,
    RoleArn,
    RuleDescription,
    SecurityGroupName,
    UserData,
    ZoneNames,
    Zones,
)
from envwright.spec.forms import AsSet, Flag, Whole
from envwright.spec.tags import Tags
from envwright.spec.unsound import Unsound


class Part(BaseModel):
    """A part of a spec. It cannot be changed, and takes no field that it does not know."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, serialize_by_alias=True
    )

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name in type(self).model_fields:
                raise Unsound(name)
            return super().__getattr__(name)


class Account(Part):
    """The AWS account to build in, by a role that the worker assumes there."""

    role_arn: RoleArn = Field(description="The ARN of the role to assume.")
    external_id: ExternalId | None = Field(
        None, description="The external id that the role's trust policy asks for.", repr=False
    )

    @property
    def account_id(self) -> str:
        return self.role_arn.split(":")[4]


class Dns(Part):
    """The DNS settings of the VPC. The defaults are those that AWS gives a new VPC."""

    support: Flag = Field(True, description="Whether Amazon's DNS server answers in the VPC.")
    hostnames: Flag = Field(
        False,
        description="Whether instances get public DNS names. The outputs show public DNS names "
        "only with this; it costs one more call, and it needs `support`.",
    )


class Subnets(Part):
    """One subnet for each zone: give `prefix` or `cidrs`, or neither to have the sizes derived."""

    prefix: Annotated[Whole, Field(ge=MIN_PREFIX, le=MAX_PREFIX)] | None = Field(
        None,
        description="The prefix length of each subnet. Left out, the VPC is cut into the smallest "
        "power of two of equal blocks that is at least twice the number of zones, so that half of "
        "it or more stays free for later tiers; no block is smaller than /28.",
    )
    cidrs: Annotated[tuple[SubnetCidr, ...], Field(min_length=1)] | None = Field(
        None, description="The subnets' own CIDR blocks, one for each zone, in the zones' order."
    )


class Network(Part):
    """A VPC with an internet gateway and one public subnet in each zone."""

    cidr: VpcCidr = Field(description="The IPv4 CIDR block of the VPC, from /16 to /28.")
    zones: Zones = Field(
        description="The availability zones: how many (1 to 6), or a list of their names."
    )
    public_subnets: Subnets = Field(
        Subnets(), description="How the public subnets are cut out of the VPC."
    )
    dns: Dns = Field(Dns(), description="The DNS settings of the VPC.")

    @property
    def zone_count(self) -> int:
        return self.zones if isinstance(self.zones, int) else len(self.zones)

    @property
    def subnet_prefix(self) -> int:
        """The prefix length of the subnets, when their CIDR blocks are not given."""
        halving_steps = (2 * self.zone_count - 1).bit_length()
        derived = min(MAX_PREFIX, IPv4Network(self.cidr).prefixlen + halving_steps)
        return self.public_subnets.prefix or derived

    def subnet_cidrs(self) -> tuple[str, ...]:
        """The CIDR block of each zone's public subnet, in the zones' order."""
        if self.public_subnets.cidrs is not None:
            return self.public_subnets.cidrs
        blocks = IPv4Network(self.cidr).subnets(new_prefix=self.subnet_prefix)
        return tuple(str(block) for block in islice(blocks, self.zone_count))


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
        (), description="Peers by security group: names of groups of this spec."
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
    """An EC2 key pair, made from your own public key and given to every instance."""

    public_key: PublicKey = Field(
        description="An OpenSSH public key, Ed25519 or RSA: the one line of the .pub file.",
        repr=False,
    )


class Security(Part):
    """Who may reach the instances: their security groups, and a key pair to log in with."""

    groups: dict[SecurityGroupName, SecurityGroup] = Field(
        {}, description="The security groups, by name."
    )
    key_pair: KeyPair | None = Field(None, description="The key pair, if there shall be one.")


class RootVolume(Part):
    """The EBS volume that an instance starts from."""

    size: Annotated[Whole, Field(ge=1, le=65536)] | None = Field(
        None,
        description="The size in GiB: up to 65536 for gp3, 16384 for gp2, 1024 for standard. Left "
        "out, it is the image's own, which is looked up.",
    )
    type: Literal["gp3", "gp2", "standard"] = Field("gp3", description="The volume type.")
    encrypted: Flag = Field(True, description="Whether the volume is encrypted.")
    device_name: DeviceName | None = Field(
        None,
        description="The image's root device, such as /dev/xvda; looked up when left out. Given "
        "with the size, it saves a call, and a wrong one fails the environment once its instances "
        "run.",
    )


class InstanceGroup(Part):
    """A number of equal instances, spread evenly over zones."""

    count: Annotated[Whole, Field(ge=1, le=100)] = Field(
        1, description="How many instances: 1 to 100."
    )
    types: Annotated[
        tuple[InstanceType, ...],
        Field(min_length=1, json_schema_extra={"uniqueItems": True}),
    ] = Field(
        description="EC2 instance types; the first is preferred, and so far the only one tried."
    )
    image: Image = Field(
        description="An AMI id, or the path of an SSM parameter that holds one, such as "
        "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64."
    )
    zones: ZoneNames | None = Field(
        None,
        description="The zones to spread over, out of those that `network.zones` names. Left out, "
        "all of the network's.",
    )
    security_groups: Annotated[
        tuple[str, ...],
        AsSet,
        Field(min_length=1, max_length=5, json_schema_extra={"uniqueItems": True}),
    ] = Field(description="Names of the spec's security groups: 1 to 5.")
    user_data: UserData | None = Field(
        None,
        description="What the instances run at their first start: text of up to 16384 bytes, or, "
        "in a spec file, `file:` and a path relative to it.",
        repr=False,
    )
    root_volume: RootVolume = Field(RootVolume(), description="The volume that they start from.")
    tags: Tags = Field({}, description="Tags of these instances and their volumes.")


Instances = dict[PartName, InstanceGroup]
