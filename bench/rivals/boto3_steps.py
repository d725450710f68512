"""The steps of an environment with boto3: what the script and the Celery tasks have in common.

A step takes what the steps before it have made, as plain data, and returns it with its own.
"""

from functools import cache
from typing import Any, Final

import boto3
from botocore.config import Config

from bench.rivals import parameters
from bench.shapes import REGION, Shape

Made = dict[str, Any]
ATTEMPTS: Final = 10
"""How often the SDK tries a call in all, where AWS throttles it."""


@cache
def ec2_client() -> Any:
    """One for the process: to make one costs more than all calls of an environment."""
    retries: Any = {"mode": "standard", "total_max_attempts": ATTEMPTS}
    return boto3.client("ec2", region_name=REGION, config=Config(retries=retries))


def network(ec2: Any, name: str, shape: Shape) -> Made:
    """The VPC with its subnets and its way to the internet; the NAT gateway is only begun."""
    vpc = ec2.create_vpc(**parameters.vpc(name))["Vpc"]["VpcId"]
    gateway = ec2.create_internet_gateway(**parameters.internet_gateway(name))
    gateway_id = gateway["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway_id, VpcId=vpc)
    (main,) = ec2.describe_route_tables(**parameters.main_route_table(vpc))["RouteTables"]
    ec2.create_route(**parameters.way_out(main["RouteTableId"], GatewayId=gateway_id))
    public = _subnets(ec2, name, vpc, shape, private=False)
    made: Made = {"vpc": vpc, "subnets": public}
    if shape.private:
        made["nat_gateway"] = _nat_gateway(ec2, name, public[0])
        made["subnets"] = _subnets(ec2, name, vpc, shape, private=True)
    return made


def private_routes(ec2: Any, name: str, made: Made) -> None:
    """The way out of the private subnets; their NAT gateway must be available."""
    table = ec2.create_route_table(**parameters.route_table(name, made["vpc"]))
    table_id = table["RouteTable"]["RouteTableId"]
    ec2.create_route(**parameters.way_out(table_id, NatGatewayId=made["nat_gateway"]))
    for subnet in made["subnets"]:
        ec2.associate_route_table(RouteTableId=table_id, SubnetId=subnet)


def security(ec2: Any, name: str, made: Made) -> Made:
    group = ec2.create_security_group(**parameters.security_group(name, made["vpc"]))["GroupId"]
    ec2.authorize_security_group_ingress(**parameters.ingress(group))
    return made | {"group": group}


def instances(ec2: Any, name: str, shape: Shape, made: Made) -> Made:
    launched = [
        ec2.run_instances(**parameters.launch(name, subnet, made["group"], private=shape.private))
        for subnet in made["subnets"]
    ]
    return made | {"instances": [one["Instances"][0]["InstanceId"] for one in launched]}


def _subnets(ec2: Any, name: str, vpc: str, shape: Shape, *, private: bool) -> list[str]:
    wanted = parameters.subnets(name, vpc, shape, private=private)
    return [ec2.create_subnet(**one)["Subnet"]["SubnetId"] for one in wanted]


def _nat_gateway(ec2: Any, name: str, subnet: str) -> str:
    allocation = ec2.allocate_address(**parameters.address(name))["AllocationId"]
    made = ec2.create_nat_gateway(**parameters.nat_gateway(name, subnet, allocation))
    return str(made["NatGateway"]["NatGatewayId"])
