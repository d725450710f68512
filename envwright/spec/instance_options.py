"""What may be asked of instances beyond their number, type, image and volumes."""

from decimal import Decimal
from ipaddress import IPv4Address
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from envwright.spec.forms import Flag, Form, Whole, fault, shown
from envwright.spec.part import Part


def _read_price(value: str) -> str:
    if not Decimal(value):
        raise fault("A maximum price of zero gets no instance: say what one may cost an hour.")
    return value


def _read_address(value: str) -> str:
    try:
        return str(IPv4Address(value))
    except ValueError:
        raise fault(f"{shown(value)} is not an IPv4 address, such as 10.20.0.10.") from None


Price = Annotated[
    str,
    Form(
        r"[0-9]{1,5}(\.[0-9]{1,6})?",
        'a price: write US dollars an hour as text, such as "0.035".',
    ),
    AfterValidator(_read_price),
]
PrivateAddress = Annotated[str, AfterValidator(_read_address)]
ProfileName = Annotated[
    str,
    Form(
        r"[A-Za-z0-9_+=,.@-]{1,128}",
        "the name of an instance profile: it has 1 to 128 letters, digits and any of _+=,.@- in "
        "it (a name, and no ARN).",
    ),
]
PlacementGroupName = Annotated[
    str,
    Form(
        r"[!-~]([ -~]{0,253}[!-~])?",
        "the name of a placement group: it has 1 to 255 ASCII characters, and no space at either "
        "end.",
    ),
]


class Spot(Part):
    """Launch on spare capacity: one-time requests, whose instances end when AWS needs it."""

    max_price: Price | None = Field(
        None,
        description="The most that an instance may cost, in US dollars an hour, as text. Left out, "
        "it is the On-Demand price.",
    )


class Metadata(Part):
    """The instance metadata service. Its tokens (IMDSv2) are required, whatever else is asked."""

    hop_limit: Annotated[Whole, Field(ge=1, le=64)] = Field(
        1,
        description="Over how many network hops its answers go: 1 to 64. Containers on the "
        "instance need 2.",
    )
    tags: Flag = Field(False, description="Whether it gives the instance its tags.")
    ipv6: Flag = Field(False, description="Whether it is also reached over IPv6.")


class Hostname(Part):
    """The names of instances in the network's DNS."""

    type: Literal["ip-name", "resource-name"] = Field(
        "ip-name", description="Whether the host name is made of the private address or of the id."
    )
    a_record: Flag = Field(
        False, description="Whether the name made of the id resolves to the IPv4 address."
    )
    aaaa_record: Flag = Field(
        False, description="Whether the name made of the id resolves to the IPv6 address."
    )


class PlacementGroup(Part):
    """An existing placement group to launch into. It is neither made nor deleted."""

    name: PlacementGroupName = Field(description="The placement group's name.")
    partition: Annotated[Whole, Field(ge=1, le=7)] | None = Field(
        None, description="The number of the partition, in a group of partitions: 1 to 7."
    )
