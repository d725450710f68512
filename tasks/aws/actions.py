"""Every AWS call that envwright can make, and what may be done when its reply is lost.

The door lets nothing else through, so the worker needs these permissions, and two more:
`ec2:CreateTags`, which AWS asks for where a create call brings tags, and `sts:AssumeRole`, which
the SDK calls for an environment in another account.
"""

from enum import Enum
from typing import Final


class Effect(Enum):
    """What a call does to AWS, and so how it may be repeated."""

    NONE = "none: AWS only says whether it would do it (`DryRun`)"
    READ = "read"
    CREATE = "create, and a second one would make a second resource"
    CREATE_BY_TOKEN = "create, repeatable under its client token"  # noqa: S105
    CHANGE = "change, with the same result when repeated"
    DELETE = "delete, with the same result when repeated"


ACTIONS: Final[dict[str, Effect]] = {
    "AllocateAddress": Effect.CREATE,
    "AssociateAddress": Effect.CHANGE,
    "AssociateDhcpOptions": Effect.CHANGE,
    "AssociateIamInstanceProfile": Effect.CHANGE,
    "AssociateRouteTable": Effect.CHANGE,
    "AttachInternetGateway": Effect.CHANGE,
    "AuthorizeSecurityGroupEgress": Effect.CHANGE,
    "AuthorizeSecurityGroupIngress": Effect.CHANGE,
    "CreateDhcpOptions": Effect.CREATE,
    "CreateEgressOnlyInternetGateway": Effect.CREATE_BY_TOKEN,
    "CreateFlowLogs": Effect.CREATE_BY_TOKEN,
    "CreateInternetGateway": Effect.CREATE,
    "CreateNatGateway": Effect.CREATE_BY_TOKEN,
    "CreateRoute": Effect.CHANGE,
    "CreateRouteTable": Effect.CREATE_BY_TOKEN,
    "CreateSecurityGroup": Effect.CREATE,
    "CreateSubnet": Effect.CREATE,
    "CreateVpc": Effect.CREATE,
    "CreateVpcEndpoint": Effect.CREATE_BY_TOKEN,
    "DeleteDhcpOptions": Effect.DELETE,
    "DeleteEgressOnlyInternetGateway": Effect.DELETE,
    "DeleteFlowLogs": Effect.DELETE,
    "DeleteInternetGateway": Effect.DELETE,
    "DeleteKeyPair": Effect.DELETE,
    "DeleteNatGateway": Effect.DELETE,
    "DeleteRoute": Effect.DELETE,
    "DeleteRouteTable": Effect.DELETE,
    "DeleteSecurityGroup": Effect.DELETE,
    "DeleteSubnet": Effect.DELETE,
    "DeleteVpc": Effect.DELETE,
    "DeleteVpcEndpoints": Effect.DELETE,
    "DescribeAddresses": Effect.READ,
    "DescribeAvailabilityZones": Effect.READ,
    "DescribeDhcpOptions": Effect.READ,
    "DescribeEgressOnlyInternetGateways": Effect.READ,
    "DescribeFlowLogs": Effect.READ,
    "DescribeImages": Effect.READ,
    "DescribeInstanceAttribute": Effect.READ,
    "DescribeInstanceStatus": Effect.READ,
    "DescribeInstanceTypes": Effect.READ,
    "DescribeInstances": Effect.READ,
    "DescribeInternetGateways": Effect.READ,
    "DescribeKeyPairs": Effect.READ,
    "DescribeNatGateways": Effect.READ,
    "DescribeNetworkInterfaces": Effect.READ,
    "DescribeRouteTables": Effect.READ,
    "DescribeSecurityGroups": Effect.READ,
    "DescribeSubnets": Effect.READ,
    "DescribeTags": Effect.READ,
    "DescribeVpcAttribute": Effect.READ,
    "DescribeVpcEndpoints": Effect.READ,
    "DescribeVpcs": Effect.READ,
    "DetachInternetGateway": Effect.DELETE,
    "DisassociateAddress": Effect.DELETE,
    "DisassociateRouteTable": Effect.DELETE,
    "GetAWSDefaultServiceQuota": Effect.READ,
    "GetCallerIdentity": Effect.READ,
    "GetConsoleOutput": Effect.READ,
    "GetParameter": Effect.READ,
    "GetServiceQuota": Effect.READ,
    "ImportKeyPair": Effect.CREATE,
    "ModifyInstanceAttribute": Effect.CHANGE,
    "ModifyVpcAttribute": Effect.CHANGE,
    "RebootInstances": Effect.CHANGE,
    "ReleaseAddress": Effect.DELETE,
    "ReplaceRoute": Effect.CHANGE,
    "RevokeSecurityGroupEgress": Effect.CHANGE,
    "RevokeSecurityGroupIngress": Effect.CHANGE,
    "RunInstances": Effect.CREATE_BY_TOKEN,
    "StartInstances": Effect.CHANGE,
    "StopInstances": Effect.CHANGE,
    "TerminateInstances": Effect.DELETE,
}
