"""Service Quotas, answered from the quotas by which the account's behaviour goes."""

import json
from collections.abc import Mapping
from typing import Any, Final

from tests.cloud.calls import JSON, Call, Reply, refusal
from tests.cloud.terms import AWS_QUOTAS, Quotas

SERVICE: Final = "servicequotas"
"""As a request is signed for it."""

_CODES: Final[Mapping[str, tuple[str, str, str]]] = {
    "vpcs": ("vpc", "L-F678F1CE", "VPCs per Region"),
    "subnets_per_vpc": ("vpc", "L-407747CB", "Subnets per VPC"),
    "internet_gateways": ("vpc", "L-A4707A72", "Internet gateways per Region"),
    "egress_only_internet_gateways": (
        "vpc",
        "L-45FE3B85",
        "Egress-only internet gateways per Region",
    ),
    "security_groups": ("vpc", "L-E79EC296", "VPC security groups per Region"),
    "rules_per_security_group": (
        "vpc",
        "L-0EA8095F",
        "Inbound or outbound rules per security group",
    ),
    "nat_gateways_per_zone": ("vpc", "L-FE5A380F", "NAT gateways per Availability Zone"),
    "route_tables_per_vpc": ("vpc", "L-589F43AA", "Route tables per VPC"),
    "routes_per_route_table": ("vpc", "L-93826ACB", "Routes per route table"),
    "gateway_endpoints": ("vpc", "L-1B52E74A", "Gateway VPC endpoints per Region"),
    "interface_endpoints_per_vpc": ("vpc", "L-29B6F2EB", "Interface VPC endpoints per VPC"),
    "addresses": ("ec2", "L-0263D0A3", "EC2-VPC Elastic IPs"),
    "vcpus": (
        "ec2",
        "L-1216C47A",
        "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances",
    ),
    "spot_vcpus": (
        "ec2",
        "L-34B43A08",
        "All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests",
    ),
}
"""By the name of a quota here: its service, code and name there. Not all are among them."""


def answer(call: Call, quotas: Quotas) -> Reply:
    """A quota that the account does not have is told by its default alone."""
    service, code = call.parameters.get("ServiceCode"), call.parameters.get("QuotaCode")
    of = AWS_QUOTAS if call.action == "GetAWSDefaultServiceQuota" else quotas
    told = [
        one
        for one in (_told(name, of, call) for name in _CODES)
        if one["Value"] is not None
        and one["ServiceCode"] == service
        and code in (None, one["QuotaCode"])
    ]
    if call.action == "ListServiceQuotas":
        return _said({"Quotas": told})
    if not told:
        return refusal(call, "NoSuchResourceException", f"There is no quota {code}.", 400)
    return _said({"Quota": told[0]})


def _told(name: str, quotas: Quotas, call: Call) -> dict[str, Any]:
    service, code, title = _CODES[name]
    return {
        "ServiceCode": service,
        "QuotaCode": code,
        "QuotaName": title,
        "QuotaArn": f"arn:aws:servicequotas:{call.region}:{call.account}:{service}/{code}",
        "Value": getattr(quotas, name),
        "Unit": "None",
        "Adjustable": True,
        "GlobalQuota": False,
    }


def _said(answered: Any) -> Reply:
    return Reply(200, json.dumps(answered), JSON)
