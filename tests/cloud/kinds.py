"""The kinds of EC2 resources, as their ids and the calls show them."""

import re
from typing import Final

NOT_FOUND: Final = {
    "vpc": "InvalidVpcID.NotFound",
    "subnet": "InvalidSubnetID.NotFound",
    "igw": "InvalidInternetGatewayID.NotFound",
    "rtb": "InvalidRouteTableID.NotFound",
    "sg": "InvalidGroup.NotFound",
    "nat": "NatGatewayNotFound",
    "eipalloc": "InvalidAllocationID.NotFound",
    "i": "InvalidInstanceID.NotFound",
    "eni": "InvalidNetworkInterfaceID.NotFound",
    "vol": "InvalidVolume.NotFound",
    "vpce": "InvalidVpcEndpointId.NotFound",
    "eigw": "InvalidGatewayID.NotFound",
    "dopt": "InvalidDhcpOptionID.NotFound",
    "fl": "InvalidFlowLogId.NotFound",
    "lt": "InvalidLaunchTemplateId.NotFound",
    "key": "InvalidKeyPair.NotFound",
}
"""By the prefix of an id, what a call by such an id answers when it is unknown."""

NOT_FOUND_BY_ROUTES: Final = {
    "igw": "InvalidGatewayID.NotFound",
    "nat": "InvalidNatGatewayID.NotFound",
}
"""What CreateRoute and ReplaceRoute answer instead."""

MADE_BY: Final = {
    "CreateVpc": ("vpc",),
    "CreateSubnet": ("subnet",),
    "CreateInternetGateway": ("igw",),
    "CreateRouteTable": ("rtb",),
    "CreateSecurityGroup": ("sg",),
    "CreateNatGateway": ("nat", "eni"),
    "AllocateAddress": ("eipalloc",),
    "RunInstances": ("i", "eni", "vol"),
    "CreateNetworkInterface": ("eni",),
    "CreateVolume": ("vol",),
    "CreateVpcEndpoint": ("vpce", "eni"),
    "CreateEgressOnlyInternetGateway": ("eigw",),
    "CreateDhcpOptions": ("dopt",),
    "CreateFlowLogs": ("fl",),
    "CreateLaunchTemplate": ("lt",),
    "CreateKeyPair": ("key",),
    "ImportKeyPair": ("key",),
}
"""The prefixes of the ids that a create makes; it may name others."""

SHOWN_BY: Final = {
    "DescribeVpcs": "vpcId",
    "DescribeSubnets": "subnetId",
    "DescribeInternetGateways": "internetGatewayId",
    "DescribeRouteTables": "routeTableId",
    "DescribeSecurityGroups": "groupId",
    "DescribeNatGateways": "natGatewayId",
    "DescribeAddresses": "allocationId",
    "DescribeInstances": "instanceId",
    "DescribeInstanceStatus": "instanceId",
    "DescribeNetworkInterfaces": "networkInterfaceId",
    "DescribeVolumes": "volumeId",
    "DescribeVpcEndpoints": "vpcEndpointId",
    "DescribeEgressOnlyInternetGateways": "egressOnlyInternetGatewayId",
    "DescribeDhcpOptions": "dhcpOptionsId",
    "DescribeFlowLogs": "flowLogId",
    "DescribeKeyPairs": "keyPairId",
    "DescribeLaunchTemplates": "launchTemplateId",
}
"""The element that holds the id of each item of a describe."""

NOT_DELETED: Final = {
    "DeleteVpcEndpoints": "InvalidVpcEndpoint.NotFound",
    "DeleteFlowLogs": "InvalidFlowLogId.NotFound",
}
"""The calls that tell of unknown ids item by item, and how."""

ID: Final = re.compile(rf"\b(?:{'|'.join(NOT_FOUND)})-[0-9a-f]{{8,}}\b")


def prefix_of(resource_id: str) -> str:
    return resource_id.split("-")[0]
