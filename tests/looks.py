"""How an outsider sees what there is of every kind: by AWS's own describes."""

from ipaddress import IPv6Network
from typing import Any


async def _vpcs(ec2: Any) -> list[dict[str, Any]]:
    return [one for one in (await ec2.describe_vpcs())["Vpcs"] if not one["IsDefault"]]


async def vpcs(ec2: Any) -> list[str]:
    return [one["CidrBlock"] for one in await _vpcs(ec2)]


async def dns(ec2: Any) -> list[str]:
    on = []
    for vpc in await _vpcs(ec2):
        for name in ("enableDnsSupport", "enableDnsHostnames"):
            answer = await ec2.describe_vpc_attribute(VpcId=vpc["VpcId"], Attribute=name)
            if answer[name[0].upper() + name[1:]]["Value"]:
                on.append(name)
    return on


async def _gateways(ec2: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await ec2.describe_internet_gateways())["InternetGateways"]
    return found


async def gateways(ec2: Any) -> list[str]:
    return [
        tag["Value"]
        for one in await _gateways(ec2)
        for tag in one["Tags"]
        if tag["Key"] == "envwright:resource"
    ]


async def egress_only_gateways(ec2: Any) -> list[str]:
    found = await ec2.describe_egress_only_internet_gateways()
    cidrs = {vpc["VpcId"]: vpc["CidrBlock"] for vpc in await _vpcs(ec2)}
    return [
        cidrs[to["VpcId"]]
        for one in found["EgressOnlyInternetGateways"]
        for to in one["Attachments"]
    ]


async def attachments(ec2: Any) -> list[str]:
    cidrs = {vpc["VpcId"]: vpc["CidrBlock"] for vpc in await _vpcs(ec2)}
    return [cidrs[to["VpcId"]] for one in await _gateways(ec2) for to in one["Attachments"]]


def _part(association: dict[str, Any]) -> int:
    """Which /64 it is, of its VPC's /56."""
    return IPv6Network(association["Ipv6CidrBlock"]).network_address.packed[7]


async def subnets(ec2: Any) -> list[str]:
    return sorted(
        f"{one['CidrBlock']} in {one['AvailabilityZone']}, part {_part(of_ipv6)} of IPv6"
        for one in (await ec2.describe_subnets())["Subnets"]
        for of_ipv6 in one["Ipv6CidrBlockAssociationSet"]
        if not one["DefaultForAz"]
    )


async def endpoints(ec2: Any) -> list[str]:
    return sorted(
        f"{one['VpcEndpointType']} to {one['ServiceName']}"
        for one in (await ec2.describe_vpc_endpoints())["VpcEndpoints"]
        if one["State"] == "available"
    )


async def dhcp_options(ec2: Any) -> list[str]:
    return [
        f"{one['Key']}: {value['Value']}"
        for options in (await ec2.describe_dhcp_options())["DhcpOptions"]
        for one in options["DhcpConfigurations"]
        for value in one["Values"]
    ]


async def associated_options(ec2: Any) -> list[str]:
    has = [vpc["DhcpOptionsId"] for vpc in await _vpcs(ec2)]
    return [one for one in has if one != "default"] and ["other options than AWS's"]


async def flow_logs(ec2: Any) -> list[str]:
    return [
        f"{one['TrafficType']} to {one['LogGroupName']} every {one['MaxAggregationInterval']} s"
        for one in (await ec2.describe_flow_logs())["FlowLogs"]
    ]


async def addresses(ec2: Any) -> list[str]:
    return sorted(
        tag["Value"]
        for one in (await ec2.describe_addresses())["Addresses"]
        for tag in one["Tags"]
        if tag["Key"] == "Name"
    )


async def nat_gateways(ec2: Any) -> list[str]:
    return [
        tag["Value"]
        for one in (await ec2.describe_nat_gateways())["NatGateways"]
        for tag in one["Tags"]
        if one["State"] == "available" and tag["Key"] == "Name"
    ]


async def _own_tables(ec2: Any) -> list[dict[str, Any]]:
    return [
        table
        for table in (await ec2.describe_route_tables())["RouteTables"]
        if not any(one["Main"] for one in table["Associations"])
    ]


async def tables(ec2: Any) -> list[str]:
    return sorted(
        tag["Value"]
        for table in await _own_tables(ec2)
        for tag in table["Tags"]
        if tag["Key"] == "Name"
    )


async def associations(ec2: Any) -> list[int]:
    return [len(table["Associations"]) for table in await _own_tables(ec2) if table["Associations"]]


async def own_routes(ec2: Any) -> list[str]:
    return sorted(
        f"{route[destination]} by {route[target].split('-')[0]}"
        for table in await _own_tables(ec2)
        for route in table["Routes"]
        for destination, target in (
            ("DestinationCidrBlock", "NatGatewayId"),
            ("DestinationIpv6CidrBlock", "EgressOnlyInternetGatewayId"),
        )
        if target in route
    )


async def routes(ec2: Any) -> list[str]:
    ours = [vpc["VpcId"] for vpc in await _vpcs(ec2)]
    return sorted(
        route.get("DestinationCidrBlock") or route["DestinationIpv6CidrBlock"]
        for table in (await ec2.describe_route_tables())["RouteTables"]
        for route in table["Routes"]
        if table["VpcId"] in ours and route.get("GatewayId", "").startswith("igw-")
    )


async def _groups(ec2: Any) -> list[dict[str, Any]]:
    found = (await ec2.describe_security_groups())["SecurityGroups"]
    return [one for one in found if one["GroupName"] != "default"]


async def groups(ec2: Any) -> list[str]:
    return sorted(one["GroupName"] for one in await _groups(ec2))


async def rules(ec2: Any) -> list[str]:
    groups = await _groups(ec2)
    names = {one["GroupId"]: one["GroupName"] for one in groups}
    return sorted(
        f"{group['GroupName']} {direction} {rule['IpProtocol']} {rule.get('FromPort')} {peer}"
        for group in groups
        for direction, field in (("from", "IpPermissions"), ("to", "IpPermissionsEgress"))
        for rule in group[field]
        for peer in (
            *(one["CidrIp"] for one in rule["IpRanges"]),
            *(one["CidrIpv6"] for one in rule["Ipv6Ranges"]),
            *(names[one["GroupId"]] for one in rule["UserIdGroupPairs"]),
        )
    )


async def default_rules(ec2: Any) -> list[str]:
    ours = [vpc["VpcId"] for vpc in await _vpcs(ec2)]
    return [
        f"{direction} {rule['IpProtocol']}"
        for group in (await ec2.describe_security_groups())["SecurityGroups"]
        if group["GroupName"] == "default" and group["VpcId"] in ours
        for direction, field in (("from", "IpPermissions"), ("to", "IpPermissionsEgress"))
        for rule in group[field]
    ]


async def key_pairs(ec2: Any) -> list[str]:
    return [one["KeyName"] for one in (await ec2.describe_key_pairs())["KeyPairs"]]


async def instances(ec2: Any) -> list[str]:
    alive = [{"Name": "instance-state-name", "Values": ["pending", "running"]}]
    return sorted(
        f"{one['InstanceType']} in {one['Placement']['AvailabilityZone']}"
        f"{' with IPv6' if one.get('Ipv6Address') else ''}"
        for reservation in (await ec2.describe_instances(Filters=alive))["Reservations"]
        for one in reservation["Instances"]
    )


async def held_addresses(ec2: Any) -> list[str]:
    addresses = (await ec2.describe_addresses())["Addresses"]
    return ["held" for one in addresses if one.get("InstanceId")]


async def routers(ec2: Any) -> list[str]:
    return [
        "unchecked"
        for reservation in (await ec2.describe_instances())["Reservations"]
        for one in reservation["Instances"]
        if not one["SourceDestCheck"] and one["State"]["Name"] != "terminated"
    ]
