"""Addresses and ports as they stand in a spec, brought into one form.

The limits are AWS's own, from the Amazon VPC user guide.
"""

import re
from ipaddress import IPv4Network, IPv6Network, ip_interface
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import AfterValidator, Field, PlainSerializer, PlainValidator, TypeAdapter

from envwright.spec.forms import fault, shown

PortRange: TypeAlias = tuple[int, int]

ALL_PORTS: Final[PortRange] = (0, 65535)

MIN_PREFIX: Final = 16
"""The prefix length of the largest VPC and the largest subnet that AWS makes."""

MAX_PREFIX: Final = 28
"""The prefix length of the smallest ones."""

LARGEST_IPV4_PEER: Final = 8
"""The prefix length of the largest IPv4 block that is somebody's network, and not the internet.

10.0.0.0/8 is the largest private one, and public ones were given out in units of /8 at most.
"""

LARGEST_IPV6_PEER: Final = 16
"""The same for IPv6, where a /16 is already more than all but the very largest owners have."""

_THIS_NETWORK: Final = IPv4Network("0.0.0.0/8")


def _read_cidr(value: str) -> IPv4Network | IPv6Network:
    try:
        interface = ip_interface(value)
    except ValueError:
        raise fault(f"{shown(value)} is not a CIDR block, such as 10.20.0.0/16.") from None
    network = interface.network
    if "/" not in value:
        one = f"/{interface.max_prefixlen} means this one address"
        raise fault(f"{shown(value)} has no prefix length: add it, as in 10.20.0.0/16 ({one}).")
    if not value.rpartition("/")[2].isdecimal():
        raise fault(f"{shown(value)} has a netmask: write the prefix length, as in {network}.")
    if interface.ip != network.network_address:
        raise fault(f"{shown(value)} is an address inside a network: the network is {network}.")
    return network


def _read_block(value: str) -> str:
    network = _read_cidr(value)
    if isinstance(network, IPv6Network):
        raise fault(f"{shown(value)} is an IPv6 block, and an IPv4 one is needed here.")
    if not MIN_PREFIX <= network.prefixlen <= MAX_PREFIX:
        size = "large" if network.prefixlen < MIN_PREFIX else "small"
        raise fault(f"{network} is too {size}: AWS takes blocks from /16 to /28 here.")
    return str(network)


def _read_vpc_block(value: str) -> str:
    block = _read_block(value)
    network = IPv4Network(block)
    if (
        network.is_loopback
        or network.is_link_local
        or network.is_multicast
        or network.is_reserved
        or network.subnet_of(_THIS_NETWORK)
    ):
        raise fault(
            f"{block} holds loopback, link-local, multicast or reserved addresses: use a private "
            "block, such as 10.20.0.0/16."
        )
    return block


PeerCidr = Annotated[str, AfterValidator(lambda value: str(_read_cidr(value)))]
SubnetCidr = Annotated[str, AfterValidator(_read_block)]
VpcCidr = Annotated[str, AfterValidator(_read_vpc_block)]


def _read_port_range(value: object) -> PortRange:
    if isinstance(value, int) and not isinstance(value, bool):
        first = last = value
    elif isinstance(value, str) and (found := re.fullmatch(r"([0-9]+)(?:-([0-9]+))?", value)):
        first, last = int(found[1]), int(found[2] or found[1])
    else:
        raise fault('This is not a port: write 443, a range such as "8000-8100", or all.')
    if not (0 <= first <= 65535 and 0 <= last <= 65535):
        raise fault(f"{shown(value)} is out of range: ports go from 0 to 65535.")
    if first > last:
        raise fault(f"{shown(value)} runs backwards: write {last}-{first}.")
    return first, last


_port_ranges: Final[TypeAdapter[tuple[PortRange, ...]]] = TypeAdapter(
    Annotated[
        tuple[Annotated[PortRange, PlainValidator(_read_port_range)], ...], Field(min_length=1)
    ]
)


def _read_ports(value: object) -> tuple[PortRange, ...]:
    if value == "all":
        return (ALL_PORTS,)
    if isinstance(value, list | tuple):
        return _port_ranges.validate_python(value)
    return (_read_port_range(value),)


def _written_ports(ranges: tuple[PortRange, ...]) -> str | list[int | str]:
    if ranges == (ALL_PORTS,):
        return "all"
    return [first if first == last else f"{first}-{last}" for first, last in sorted(ranges)]


_PortOrRange = (
    Annotated[int, Field(ge=0, le=65535)] | Annotated[str, Field(pattern="^[0-9]+(-[0-9]+)?$")]
)
Ports = Annotated[
    tuple[PortRange, ...],
    PlainValidator(
        _read_ports,
        json_schema_input_type=Literal["all"]
        | _PortOrRange
        | Annotated[list[_PortOrRange], Field(min_length=1)],
    ),
    PlainSerializer(_written_ports, return_type=str | list[int | str]),
]
