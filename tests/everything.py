"""A spec with a resource of every kind in it; what is made of it, by which calls, how often."""

from typing import Any, Final

from tasks.network import DHCP_OPTIONS, EGRESS_ONLY_GATEWAY, GATEWAY, VPC, subnet
from tasks.routing import nat_address, nat_gateway

REGION: Final = "eu-west-1"
IMAGE: Final = "ami-760aaa0f"
"""An image that moto has; its root device is /dev/xvda."""
PUBLIC_KEY: Final = (
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJJO5V37RJWZX1nztmGiNdEnQRkDr7WJOSDJvrEDe+kK test"
)
ZONES: Final = ["eu-west-1a", "eu-west-1b"]
FLOW_LOG_ROLE: Final = "arn:aws:iam::123456789012:role/flow-logs"

EVERYTHING: Final[dict[str, Any]] = {
    "name": "everything",
    "region": REGION,
    "network": {
        "cidr": "10.40.0.0/16",
        "zones": ZONES,
        "tiers": [
            {"name": "public", "access": "public"},
            {"name": "private", "access": "private"},
        ],
        "ipv6": True,
        "dns": {"hostnames": True},
        "endpoints": {
            "s3": {},
            "ssm": {"tiers": ["private"], "security_groups": ["web"]},
        },
        "dhcp": {"domain_name": "corp.example.com", "domain_name_servers": ["10.40.0.53"]},
        "flow_logs": [{"log_group": "traffic", "role_arn": FLOW_LOG_ROLE, "traffic": "reject"}],
    },
    "security": {
        "default_group": "stripped",
        "key_pair": {"public_key": PUBLIC_KEY},
        "groups": {
            "web": {
                "ingress": [
                    {"ports": [80, 443], "cidrs": ["0.0.0.0/0", "::/0"], "description": "Web"},
                    {"ports": 22, "groups": ["admin"], "self": True},
                ],
                "egress": [{"ports": "1024-65535", "protocol": "udp", "cidrs": ["10.0.0.0/8"]}],
            },
            "admin": {"ingress": [{"ports": 9100, "groups": ["web"]}], "egress": []},
        },
    },
    "instances": {
        "web": {
            "count": 3,
            "types": ["t3.micro"],
            "image": IMAGE,
            "security_groups": ["web"],
            "root_volume": {"device_name": "/dev/xvda", "size": 8},
            "source_dest_check": False,
            "elastic_address": True,
        },
        "app": {
            "tier": "private",
            "types": ["t3.small"],
            "image": IMAGE,
            "security_groups": ["admin"],
            "root_volume": {"device_name": "/dev/xvda", "size": 8},
        },
    },
}
"""A spec with a resource of every kind in it."""

ALL_OF_WEB: Final = {
    "vpc": 1,
    "subnet": 2,
    "internet_gateway": 1,
    "security_group": 1,
    "instance": 2,
    "volume": 2,
}
"""What `counts` finds of a finished examples/web.yaml."""
ALL_OF_EVERYTHING: Final = ALL_OF_WEB | {
    "subnet": 4,
    "egress_only_internet_gateway": 1,
    "vpc_endpoint": 2,
    "dhcp_options": 1,
    "flow_log": 1,
    "route_table": 1,
    "address": 4,
    "nat_gateway": 1,
    "security_group": 2,
    "key_pair": 1,
    "instance": 4,
    "volume": 4,
}

CREATES: Final = {
    "CreateDhcpOptions": DHCP_OPTIONS,
    "CreateVpc": VPC,
    "CreateInternetGateway": GATEWAY,
    "AllocateAddress": nat_address("eu-west-1a"),
    "CreateRouteTable": "network/route_table/private",
    "CreateSubnet": subnet("public", "eu-west-1a"),
    "AttachInternetGateway": "network/internet_gateway_attachment/main",
    "ModifyVpcAttribute": "network/vpc_dns/main",
    "AssociateDhcpOptions": "network/dhcp_options_association/main",
    "CreateEgressOnlyInternetGateway": EGRESS_ONLY_GATEWAY,
    "CreateFlowLogs": "network/flow_log/1",
    "CreateRoute": "network/main_route/out",
    "CreateNatGateway": nat_gateway("eu-west-1a"),
    "AssociateRouteTable": "network/route_table_association/private-eu-west-1a",
    "CreateSecurityGroup": "security/security_group/web",
    "ImportKeyPair": "security/key_pair/main",
    "CreateVpcEndpoint": "security/vpc_endpoint/ssm",
    "AuthorizeSecurityGroupIngress": "security/security_group_rules/web-ingress",
    "RunInstances": "instance/instances/web-eu-west-1a",
    "AssociateAddress": "instance/address_association/web-eu-west-1a",
    "ModifyInstanceAttribute": "instance/source_dest_check/web-eu-west-1a",
}
"""Every call that makes something of EVERYTHING, and the key of something that it makes."""

MADE_ONCE: Final = {
    "CreateVpcEndpoint": 2,
    "CreateDhcpOptions": 1,
    "CreateEgressOnlyInternetGateway": 1,
    "CreateFlowLogs": 1,
    "CreateVpc": 1,
    "CreateInternetGateway": 1,
    "AllocateAddress": 4,
    "CreateRouteTable": 1,
    "CreateSubnet": 4,
    "CreateNatGateway": 1,
    "CreateSecurityGroup": 2,
    "ImportKeyPair": 1,
    "RunInstances": 3,
}
"""How often each create must have its effect, where nothing of EVERYTHING is made twice."""

DELETES: Final = [
    "DeleteNatGateway",
    "TerminateInstances",
    "DeleteVpcEndpoints",
    "RevokeSecurityGroupIngress",
    "DeleteSecurityGroup",
    "DeleteKeyPair",
    "DetachInternetGateway",
    "DeleteEgressOnlyInternetGateway",
    "DeleteFlowLogs",
    "DeleteSubnet",
    "DeleteRouteTable",
    "ReleaseAddress",
    "DeleteInternetGateway",
    "DeleteVpc",
    "DeleteDhcpOptions",
]
"""Every call that takes something of EVERYTHING down."""
