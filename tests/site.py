"""A small network in the strict cloud, for tests of the cloud itself."""

from collections.abc import Awaitable
from typing import Any

from botocore.exceptions import ClientError, HTTPClientError

from tests.everything import IMAGE

NEVER = 3600.0
"""Seconds that no test lasts."""


async def make_vpc(ec2: Any, **extra: Any) -> str:
    made = await ec2.create_vpc(CidrBlock="10.0.0.0/16", **extra)
    return str(made["Vpc"]["VpcId"])


async def outcome(call: Awaitable[Any]) -> str:
    """How a call ended, for its caller."""
    try:
        await call
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    except HTTPClientError:
        return "dropped"
    return "done"


class Site:
    """A VPC with a subnet, an internet gateway and a security group of its own."""

    def __init__(self, ec2: Any) -> None:
        self.ec2 = ec2

    async def build(self) -> None:
        ec2 = self.ec2
        self.vpc = (await ec2.create_vpc(CidrBlock="10.0.0.0/16"))["Vpc"]["VpcId"]
        made = await ec2.create_subnet(VpcId=self.vpc, CidrBlock="10.0.0.0/24")
        self.subnet = made["Subnet"]["SubnetId"]
        made = await ec2.create_internet_gateway()
        self.gateway = made["InternetGateway"]["InternetGatewayId"]
        await ec2.attach_internet_gateway(VpcId=self.vpc, InternetGatewayId=self.gateway)
        self.group = await self.make_group("web")

    async def make_group(self, name: str) -> str:
        made = await self.ec2.create_security_group(
            VpcId=self.vpc, GroupName=name, Description="of the test"
        )
        return str(made["GroupId"])

    async def default_group(self) -> str:
        of_vpc = [{"Name": "vpc-id", "Values": [self.vpc]}]
        groups = (await self.ec2.describe_security_groups(Filters=of_vpc))["SecurityGroups"]
        return next(one["GroupId"] for one in groups if one["GroupName"] == "default")

    async def launch(self, **more: Any) -> str:
        launched = await self.ec2.run_instances(
            ImageId=IMAGE,
            InstanceType="t3.micro",
            MinCount=1,
            MaxCount=1,
            NetworkInterfaces=[
                {
                    "DeviceIndex": 0,
                    "SubnetId": self.subnet,
                    "Groups": [self.group],
                    "AssociatePublicIpAddress": True,
                }
            ],
            **more,
        )
        return str(launched["Instances"][0]["InstanceId"])

    async def make_nat_gateway(self) -> tuple[str, str]:
        """The ids of a NAT gateway and its address."""
        address = (await self.ec2.allocate_address())["AllocationId"]
        made = await self.ec2.create_nat_gateway(SubnetId=self.subnet, AllocationId=address)
        return made["NatGateway"]["NatGatewayId"], address

    async def delete_subnet(self) -> str:
        return await outcome(self.ec2.delete_subnet(SubnetId=self.subnet))

    async def delete_group(self, group: str = "") -> str:
        return await outcome(self.ec2.delete_security_group(GroupId=group or self.group))

    async def delete_vpc(self) -> str:
        return await outcome(self.ec2.delete_vpc(VpcId=self.vpc))

    async def detach(self) -> str:
        return await outcome(
            self.ec2.detach_internet_gateway(InternetGatewayId=self.gateway, VpcId=self.vpc)
        )
