"""What somebody else has in an account: a VPC with one of everything in it, and a key pair.

An environment is put into it, and what the somebody sees of his own must stay as it was.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from tests.cloud import Call, Cloud
from tests.everything import IMAGE, PUBLIC_KEY, REGION, ZONES

LOG_BUCKET: Final = "logs-of-another"
TIERS: Final = ("front", "back")

_DESCRIBED: Final = {
    "vpc": ("describe_vpcs", "Vpcs", "VpcId"),
    "subnet": ("describe_subnets", "Subnets", "SubnetId"),
    "internet_gateway": (
        "describe_internet_gateways",
        "InternetGateways",
        "InternetGatewayId",
    ),
    "egress_only_internet_gateway": (
        "describe_egress_only_internet_gateways",
        "EgressOnlyInternetGateways",
        "EgressOnlyInternetGatewayId",
    ),
    "route_table": ("describe_route_tables", "RouteTables", "RouteTableId"),
    "network_acl": ("describe_network_acls", "NetworkAcls", "NetworkAclId"),
    "nat_gateway": ("describe_nat_gateways", "NatGateways", "NatGatewayId"),
    "address": ("describe_addresses", "Addresses", "AllocationId"),
    "dhcp_options": ("describe_dhcp_options", "DhcpOptions", "DhcpOptionsId"),
    "flow_log": ("describe_flow_logs", "FlowLogs", "FlowLogId"),
    "vpc_endpoint": ("describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId"),
    "network_interface": (
        "describe_network_interfaces",
        "NetworkInterfaces",
        "NetworkInterfaceId",
    ),
    "security_group": ("describe_security_groups", "SecurityGroups", "GroupId"),
    "key_pair": ("describe_key_pairs", "KeyPairs", "KeyPairId"),
    "instances": ("describe_instances", "Reservations", "InstanceId"),
    "volume": ("describe_volumes", "Volumes", "VolumeId"),
}
"""By kind: how AWS shows it, where the answer has it, and its id."""

KINDS: Final = frozenset(_DESCRIBED)

_REFERRING: Final = {
    "RunInstances": ("NetworkInterface.1.SubnetId", "NetworkInterface.1.SecurityGroupId."),
    "CreateSecurityGroup": ("VpcId",),
    "CreateSubnet": ("VpcId",),
    "CreateRouteTable": ("VpcId",),
    "CreateRoute": ("GatewayId",),
    "AuthorizeSecurityGroupIngress": ("IpPermissions.",),
    "AuthorizeSecurityGroupEgress": ("IpPermissions.",),
    "RevokeSecurityGroupIngress": ("IpPermissions.",),
    "RevokeSecurityGroupEgress": ("IpPermissions.",),
}
"""Where a call that makes or changes something of ours names what is another's."""

Seen = Mapping[str, Mapping[str, Any]]
"""By kind and id, all that AWS shows."""


class Estate:
    """All of it, and what its owner sees."""

    def __init__(self, ec2: Any, log_bucket: str = LOG_BUCKET) -> None:
        """The bucket must be there: its name is one of all accounts together."""
        self.ec2 = ec2
        self._log_bucket = log_bucket
        self.subnets: dict[str, list[str]] = {}

    async def build(self) -> None:
        await self._build_vpc()
        await self._build_ways_out()
        await self._build_security()
        await self._build_parts()
        self.before = await self.seen()
        self.ids = {one for of_kind in self.before.values() for one in of_kind}

    async def seen(self) -> Seen:
        """All that AWS shows of the region now."""
        seen: dict[str, dict[str, Any]] = {}
        for kind, (operation, items, id_field) in _DESCRIBED.items():
            answer = await getattr(self.ec2, operation)()
            flat = [one for item in answer[items] for one in item.get("Instances", [item])]
            seen[kind] = {one[id_field]: one for one in flat}
        for name in ("enableDnsSupport", "enableDnsHostnames"):
            answer = await self.ec2.describe_vpc_attribute(VpcId=self.vpc, Attribute=name)
            seen["vpc"][self.vpc][name] = answer[name[0].upper() + name[1:]]
        return seen

    async def changed(self) -> dict[str, Any]:
        """What of its own the owner sees otherwise than before: then and now, by id."""
        now = await self.seen()
        return {
            one: (then, now[kind].get(one))
            for kind, of_kind in self.before.items()
            for one, then in of_kind.items()
            if now[kind].get(one) != then
        }

    def touched(self, cloud: Cloud) -> list[str]:
        """The calls that could change something and name one of these, but to refer to it."""
        return [
            f"{call.action} {name}={value}"
            for call in cloud.journal
            if call.mutates
            for name, value in call.parameters.items()
            if value in self.ids and not _refers(call, name)
        ]

    async def _build_vpc(self) -> None:
        ec2 = self.ec2
        made = await ec2.create_vpc(
            CidrBlock="10.90.0.0/16", TagSpecifications=tags("vpc", "shared")
        )
        self.vpc = made["Vpc"]["VpcId"]
        await ec2.modify_vpc_attribute(VpcId=self.vpc, EnableDnsHostnames={"Value": True})
        for number, tier in enumerate(TIERS):
            self.subnets[tier] = [
                await self.make_subnet(tier, zone, f"10.90.{16 * number + index}.0/24")
                for index, zone in enumerate(ZONES)
            ]
        made = await ec2.create_dhcp_options(
            DhcpConfigurations=[{"Key": "domain-name", "Values": ["shared.internal"]}]
        )
        options = made["DhcpOptions"]["DhcpOptionsId"]
        await ec2.associate_dhcp_options(VpcId=self.vpc, DhcpOptionsId=options)

    async def make_subnet(self, tier: str, zone: str, cidr: str) -> str:
        made = await self.ec2.create_subnet(
            VpcId=self.vpc,
            CidrBlock=cidr,
            AvailabilityZone=zone,
            TagSpecifications=tags("subnet", tier, Tier=tier),
        )
        return str(made["Subnet"]["SubnetId"])

    async def _build_ways_out(self) -> None:
        ec2, front, back = self.ec2, self.subnets["front"], self.subnets["back"]
        made = await ec2.create_internet_gateway()
        self.gateway = made["InternetGateway"]["InternetGatewayId"]
        await ec2.attach_internet_gateway(VpcId=self.vpc, InternetGatewayId=self.gateway)
        address = (await ec2.allocate_address(Domain="vpc"))["AllocationId"]
        made = await ec2.create_nat_gateway(SubnetId=front[0], AllocationId=address)
        nat = made["NatGateway"]["NatGatewayId"]
        await self._route(front, GatewayId=self.gateway)
        await self._route(back, NatGatewayId=nat)
        await ec2.create_egress_only_internet_gateway(VpcId=self.vpc)

    async def _route(self, subnets: Sequence[str], **target: str) -> None:
        made = await self.ec2.create_route_table(VpcId=self.vpc)
        table = made["RouteTable"]["RouteTableId"]
        await self.ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", **target)
        for one in subnets:
            await self.ec2.associate_route_table(RouteTableId=table, SubnetId=one)

    async def _build_security(self) -> None:
        self.groups = {name: await self.make_group(name) for name in ("app", "monitoring")}
        pair = {"UserIdGroupPairs": [{"GroupId": self.groups["monitoring"]}]}
        rule = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, **pair}
        await self.ec2.authorize_security_group_ingress(
            GroupId=self.groups["app"], IpPermissions=[rule]
        )
        await self.ec2.import_key_pair(
            KeyName="team key",
            PublicKeyMaterial=PUBLIC_KEY.encode(),
            TagSpecifications=tags("key-pair", "team"),
        )

    async def make_group(self, name: str) -> str:
        made = await self.ec2.create_security_group(
            VpcId=self.vpc,
            GroupName=name,
            Description="of another",
            TagSpecifications=tags("security-group", name),
        )
        return str(made["GroupId"])

    async def _build_parts(self) -> None:
        ec2, (subnet, *_) = self.ec2, self.subnets["back"]
        await ec2.create_network_acl(VpcId=self.vpc)
        await ec2.create_network_interface(SubnetId=subnet, Groups=[self.groups["app"]])
        await ec2.create_vpc_endpoint(
            VpcId=self.vpc, ServiceName=f"com.amazonaws.{REGION}.s3", VpcEndpointType="Gateway"
        )
        await ec2.create_flow_logs(
            ResourceIds=[self.vpc],
            ResourceType="VPC",
            TrafficType="ALL",
            LogDestinationType="s3",
            LogDestination=f"arn:aws:s3:::{self._log_bucket}",
        )
        launched = await ec2.run_instances(
            ImageId=IMAGE,
            InstanceType="t3.micro",
            MinCount=1,
            MaxCount=1,
            SubnetId=subnet,
            SecurityGroupIds=[self.groups["app"]],
            KeyName="team key",
        )
        self.instance = launched["Instances"][0]["InstanceId"]


def _refers(call: Call, name: str) -> bool:
    return name.startswith(_REFERRING.get(call.action, ()))


def tags(kind: str, name: str, **more: str) -> list[dict[str, Any]]:
    given = {"Name": name, **more}
    return [
        {
            "ResourceType": kind,
            "Tags": [{"Key": key, "Value": value} for key, value in given.items()],
        }
    ]


def spec_in(estate: Estate, **changes: Any) -> dict[str, Any]:
    """An environment that uses one of each kind that it can: some by id, some by tags."""
    groups = {
        "web": {"ingress": [{"ports": 443, "groups": ["theirs", "app"], "self": True}]},
        "app": {"egress": [{"ports": 443, "groups": ["web"]}]},
    }
    instance = {"types": ["t3.micro"], "image": IMAGE}
    return {
        "name": "guest",
        "region": REGION,
        "network": {
            "existing_vpc": {"tags": {"Name": "shared"}},
            "tiers": [
                {"name": "front", "access": "public", "existing": {"ids": estate.subnets["front"]}},
                {"name": "back", "access": "private", "existing": {"tags": {"Tier": "back"}}},
            ],
        },
        "security": {
            "groups": groups,
            "existing_groups": {
                "theirs": {"id": estate.groups["app"]},
                "watch": {"tags": {"Name": "monitoring"}},
            },
            "key_pair": {"name": "team key"},
        },
        "instances": {
            "web": instance | {"count": 2, "security_groups": ["web", "theirs"]},
            "job": instance | {"tier": "back", "security_groups": ["app", "watch"]},
        },
    } | changes


def with_new_subnets(spec: dict[str, Any]) -> dict[str, Any]:
    """Tiers of its own beside those that exist: one that leads out, one that leads nowhere."""
    spec["network"]["zones"] = ZONES
    spec["network"]["tiers"] += [
        {"name": "open", "access": "public", "cidrs": ["10.90.200.0/24", "10.90.201.0/24"]},
        {"name": "data", "access": "isolated", "cidrs": ["10.90.202.0/24", "10.90.203.0/24"]},
    ]
    for tier in ("open", "data"):
        spec["instances"][tier] = spec["instances"]["job"] | {"tier": tier}
    return spec


async def mark(ec2: Any, one: str, marks: dict[str, str]) -> None:
    await ec2.create_tags(
        Resources=[one], Tags=[{"Key": key, "Value": value} for key, value in marks.items()]
    )
