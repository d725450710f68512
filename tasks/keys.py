"""The keys of those resources that more than one step needs."""

from typing import Final

VPC: Final = "network/vpc/main"
EGRESS_ONLY_GATEWAY: Final = "network/egress_only_internet_gateway/main"
GATEWAY: Final = "network/internet_gateway/main"
KEY_PAIR: Final = "security/key_pair/main"


def subnet(tier: str, zone: str) -> str:
    """The key of a tier's subnet in a zone."""
    return f"network/subnet/{tier}-{zone}"


def security_group(name: str) -> str:
    """The key of the security group with this name in the spec."""
    return f"security/security_group/{name}"


def vpc_endpoint(name: str) -> str:
    """The key of the VPC endpoint with this name in the spec."""
    return f"security/vpc_endpoint/{name}"


def elastic_address(group: str, number: int) -> str:
    """The key of an elastic address of an instance group; they are counted from 1."""
    return f"network/address/{group}-{number}"
