"""The VPC endpoints of a spec's network: ways to AWS's services that do not leave AWS.

The limits are AWS's own, from the AWS PrivateLink guide and the Amazon EC2 API Reference,
CreateVpcEndpoint.
"""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import Field, PlainValidator

from envwright.spec.fields import PartName
from envwright.spec.forms import AsSet, Flag, Form, fault
from envwright.spec.part import Part

EndpointType: TypeAlias = Literal["gateway", "interface"]

OF_GATEWAYS: Final = ("dynamodb", "s3")
"""The services that have gateway endpoints (AWS PrivateLink guide, "Gateway endpoints")."""

_FULL_NAMES: Final = ("com.", "cn.com.", "aws.")
_MAX_POLICY: Final = 20_480

ServiceName = Annotated[
    str,
    Form(
        r"[a-z0-9]([a-z0-9._-]{0,253}[a-z0-9])?",
        "the name of a service: short, such as ssm or ecr.api, or in full, such as "
        "com.amazonaws.eu-west-1.ssm.",
    ),
]


def _read_policy(value: object) -> str:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            raise fault("This is not a JSON document: write one, or a mapping.") from None
    if not isinstance(value, Mapping):
        raise fault("A policy is a JSON document, or a mapping of the same form.")
    try:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    except (TypeError, ValueError):
        raise fault("This policy holds what JSON has not, such as a date: quote it.") from None
    if len(text) > _MAX_POLICY:
        raise fault(f"This policy has {len(text)} characters: AWS takes {_MAX_POLICY}.")
    return text


Policy = Annotated[str, PlainValidator(_read_policy, json_schema_input_type=str | dict[str, Any])]


class Endpoint(Part):
    """A way from the VPC to one service that needs no way to the internet."""

    service: ServiceName | None = Field(
        None,
        description="The service: short, such as ecr.api, or in full, such as "
        "com.amazonaws.eu-west-1.ecr.api. Left out, it is the endpoint's name.",
    )
    type: EndpointType | None = Field(
        None,
        description="`gateway`, which is free and is there for s3 and dynamodb alone, or "
        "`interface`. Left out, it is `gateway` for those two, and `interface` for all others.",
    )
    tiers: (
        Annotated[
            tuple[PartName, ...],
            AsSet,
            Field(min_length=1, json_schema_extra={"uniqueItems": True}),
        ]
        | None
    ) = Field(
        None,
        description="Names of the tiers that it is for. Left out, it is for all of them.",
    )
    security_groups: Annotated[
        tuple[str, ...], AsSet, Field(max_length=16, json_schema_extra={"uniqueItems": True})
    ] = Field(
        (),
        description="Names of the spec's security groups, which say who may use it: 1 to 16 for "
        "an interface endpoint, and none for a gateway.",
    )
    private_dns: Flag = Field(
        True,
        description="Whether the service's own DNS names lead to an interface endpoint. It needs "
        "both DNS attributes of the VPC.",
    )
    policy: Policy | None = Field(
        None,
        description="What may be done through it: a policy document of up to 20,480 characters, "
        "as a mapping or as JSON. Left out, AWS lets everything through.",
    )
    ip_address_type: Literal["ipv4", "dualstack", "ipv6"] | None = Field(
        None, description="Which addresses it has. Left out, AWS chooses."
    )

    def service_of(self, name: str, region: str) -> str:
        """The full name of the service, for an endpoint of this name."""
        service = self.service or name
        is_full = service.startswith(_FULL_NAMES)
        return service if is_full else f"com.amazonaws.{region}.{service}"

    def type_of(self, name: str, region: str) -> EndpointType:
        if self.type is not None:
            return self.type
        is_of_gateway = has_gateway(self.service_of(name, region), region)
        return "gateway" if is_of_gateway else "interface"

    def is_for(self, tier: str) -> bool:
        """Whether a tier of this name uses it."""
        return self.tiers is None or tier in self.tiers


def has_gateway(service: str, region: str) -> bool:
    """Whether a service, by its full name, has gateway endpoints."""
    return service.removeprefix(f"com.amazonaws.{region}.") in OF_GATEWAYS
