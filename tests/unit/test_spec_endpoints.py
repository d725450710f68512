"""What a spec may ask of VPC endpoints, and what is said of the rest."""

import json
from typing import Any

import pytest

from envwright.spec import Endpoint, parse_spec
from tests.spec_data import faults_of, valid

POLICY = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"}]}


def with_endpoints(endpoints: dict[str, Any], **network: Any) -> dict[str, Any]:
    data = valid()
    data["network"] |= {"dns": {"hostnames": True}, "endpoints": endpoints} | network
    return data


def endpoint_of(name: str, asked: dict[str, Any]) -> Endpoint:
    return parse_spec(with_endpoints({name: asked})).network.endpoints[name]


GUARDED: dict[str, Any] = {"security_groups": ["web"]}


@pytest.mark.parametrize(
    ("name", "asked", "service", "kind"),
    [
        ("s3", {}, "com.amazonaws.eu-west-1.s3", "gateway"),
        ("dynamodb", {}, "com.amazonaws.eu-west-1.dynamodb", "gateway"),
        ("s3", {"type": "interface", **GUARDED}, "com.amazonaws.eu-west-1.s3", "interface"),
        ("ssm", GUARDED, "com.amazonaws.eu-west-1.ssm", "interface"),
        (
            "ecr",
            {"service": "ecr.api", **GUARDED},
            "com.amazonaws.eu-west-1.ecr.api",
            "interface",
        ),
        (
            "other",
            {"service": "com.amazonaws.vpce.eu-west-1.vpce-svc-0123", **GUARDED},
            "com.amazonaws.vpce.eu-west-1.vpce-svc-0123",
            "interface",
        ),
    ],
)
def test_a_name_says_service_and_type(
    name: str, asked: dict[str, Any], service: str, kind: str
) -> None:
    """Short or in full; s3 and dynamodb get the free gateway unless the spec says otherwise."""
    endpoint = endpoint_of(name, asked)

    assert endpoint.service_of(name, "eu-west-1") == service
    assert endpoint.type_of(name, "eu-west-1") == kind


def test_a_policy_is_one_wish_as_a_mapping_and_as_json() -> None:
    """Whatever the order in it and the space."""
    mapping, text = (
        parse_spec(with_endpoints({"s3": {"policy": policy}}))
        for policy in (POLICY, json.dumps(POLICY, indent=4))
    )

    assert mapping.digest == text.digest
    assert json.loads(mapping.network.endpoints["s3"].policy or "") == POLICY
    assert parse_spec(json.loads(mapping.canonical_json())) == mapping


FAULTS: dict[str, tuple[dict[str, Any], str, str]] = {
    "no gateway": (
        {"ssm": {"type": "gateway"}},
        "ssm.type",
        "Of AWS's services only s3 and dynamodb have gateways, not com.amazonaws.eu-west-1.ssm.",
    ),
    "no group": (
        {"ssm": {}},
        "ssm.security_groups",
        "An interface endpoint needs a security group, which lets port 443 in from those who use "
        "it: name one of the spec's.",
    ),
    "group of a gateway": (
        {"s3": GUARDED},
        "s3.security_groups",
        "A gateway endpoint has no security groups: leave them out.",
    ),
    "unknown group": (
        {"ssm": {"security_groups": ["webb"]}},
        "ssm.security_groups[0]",
        "`webb` is not a security group of this spec: did you mean `web`?",
    ),
    "unknown tier": (
        {"s3": {"tiers": ["workers"]}},
        "s3.tiers[0]",
        "The network has no tier `workers`; it has `public`.",
    ),
    "twice": (
        {"s3": {}, "more": {"service": "s3"}},
        "more",
        "`s3` is a gateway endpoint for com.amazonaws.eu-west-1.s3 already: leave one out, and "
        "let the other name the tiers of both.",
    ),
    "no IPv6": (
        {"s3": {"ip_address_type": "dualstack"}},
        "s3.ip_address_type",
        "The network has no IPv6 addresses: say `network.ipv6: true`, or leave this out.",
    ),
    "policy of another form": (
        {"s3": {"policy": "allow all"}},
        "s3.policy",
        "This is not a JSON document: write one, or a mapping.",
    ),
    "long policy": (
        {"s3": {"policy": {"Statement": ["x" * 20_480]}}},
        "s3.policy",
        "This policy has 20498 characters: AWS takes 20480.",
    ),
}


@pytest.mark.parametrize(("endpoints", "place", "sentence"), FAULTS.values(), ids=FAULTS)
def test_what_aws_would_refuse_is_refused(
    endpoints: dict[str, Any], place: str, sentence: str
) -> None:
    """With its place and what to change."""
    assert faults_of(with_endpoints(endpoints)) == [(f"network.endpoints.{place}", sentence)]


@pytest.mark.parametrize("dns", [{}, {"support": True}], ids=["default", "support"])
def test_private_dns_needs_both_attributes(dns: dict[str, Any]) -> None:
    """AWS refuses it otherwise; a gateway has no private DNS."""
    asked = with_endpoints({"s3": {}, "ssm": GUARDED}, dns=dns)

    ((place, sentence),) = faults_of(asked)
    assert place == "network.endpoints.ssm.private_dns"
    assert "`hostnames: true` under `network.dns`" in sentence

    without = {"s3": {}, "ssm": {**GUARDED, "private_dns": False}}
    parse_spec(with_endpoints(without, dns=dns))
