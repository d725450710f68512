"""The parameters of the calls that make an environment, the same for all Python rivals."""

from typing import Any

from bench.shapes import (
    IMAGE,
    INSTANCE_TYPE,
    PORTS,
    PRIVATE_BLOCKS,
    PUBLIC_BLOCKS,
    ROOT_DEVICE,
    ROOT_SIZE,
    VPC_BLOCK,
    Shape,
)

Parameters = dict[str, Any]


def tagged(resource_type: str, name: str) -> dict[str, Any]:
    tags = [{"Key": "Name", "Value": name}, {"Key": "project", "Value": "envwright-bench"}]
    return {"ResourceType": resource_type, "Tags": tags}


def vpc(name: str) -> Parameters:
    return {"CidrBlock": VPC_BLOCK, "TagSpecifications": [tagged("vpc", name)]}


def subnets(name: str, vpc_id: str, shape: Shape, *, private: bool) -> list[Parameters]:
    """Of one tier, one in each zone."""
    tier, blocks = ("private", PRIVATE_BLOCKS) if private else ("public", PUBLIC_BLOCKS)
    return [
        {
            "VpcId": vpc_id,
            "CidrBlock": block,
            "AvailabilityZone": zone,
            "TagSpecifications": [tagged("subnet", f"{name}-{tier}-{zone}")],
        }
        for zone, block in zip(shape.zones, blocks, strict=False)
    ]


def internet_gateway(name: str) -> Parameters:
    return {"TagSpecifications": [tagged("internet-gateway", name)]}


def main_route_table(vpc_id: str) -> Parameters:
    """How to find the table that AWS makes with the VPC."""
    return {
        "Filters": [
            {"Name": "vpc-id", "Values": [vpc_id]},
            {"Name": "association.main", "Values": ["true"]},
        ]
    }


def address(name: str) -> Parameters:
    return {"Domain": "vpc", "TagSpecifications": [tagged("elastic-ip", name)]}


def nat_gateway(name: str, subnet_id: str, allocation_id: str) -> Parameters:
    return {
        "SubnetId": subnet_id,
        "AllocationId": allocation_id,
        "TagSpecifications": [tagged("natgateway", name)],
    }


def route_table(name: str, vpc_id: str) -> Parameters:
    return {"VpcId": vpc_id, "TagSpecifications": [tagged("route-table", f"{name}-private")]}


def way_out(table_id: str, **target: str) -> Parameters:
    return {"RouteTableId": table_id, "DestinationCidrBlock": "0.0.0.0/0", **target}


def security_group(name: str, vpc_id: str) -> Parameters:
    return {
        "GroupName": f"{name}-web",
        "Description": "Web traffic from everywhere",
        "VpcId": vpc_id,
        "TagSpecifications": [tagged("security-group", f"{name}-web")],
    }


def ingress(group_id: str) -> Parameters:
    everywhere = [{"CidrIp": "0.0.0.0/0"}]
    rules = [
        {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": everywhere}
        for port in PORTS
    ]
    return {"GroupId": group_id, "IpPermissions": rules}


def launch(name: str, subnet_id: str, group_id: str, *, private: bool) -> Parameters:
    """One instance, as safe as envwright makes it: IMDSv2 required, its volume encrypted."""
    return {
        "ImageId": IMAGE,
        "InstanceType": INSTANCE_TYPE,
        "MinCount": 1,
        "MaxCount": 1,
        "NetworkInterfaces": [
            {
                "DeviceIndex": 0,
                "SubnetId": subnet_id,
                "Groups": [group_id],
                "AssociatePublicIpAddress": not private,
            }
        ],
        "BlockDeviceMappings": [
            {
                "DeviceName": ROOT_DEVICE,
                "Ebs": {"VolumeSize": ROOT_SIZE, "VolumeType": "gp3", "Encrypted": True},
            }
        ],
        "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
        "TagSpecifications": [tagged("instance", f"{name}-web"), tagged("volume", f"{name}-web")],
    }
