"""A script with boto3: one call after the other, and the SDK's waiters."""

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, WaiterError

from bench.rivals import boto3_steps as steps
from bench.rivals.command import Tally, arguments, names
from bench.shapes import SHAPES, Shape

_LONGEST_WAIT = 900.0
"""Seconds."""


def build(ec2: Any, name: str, shape: Shape, poll_every: float) -> None:
    waits = {"Delay": poll_every, "MaxAttempts": int(_LONGEST_WAIT / poll_every)}
    made = steps.network(ec2, name, shape)
    made = steps.security(ec2, name, made)
    if shape.private:
        available = ec2.get_waiter("nat_gateway_available")
        available.wait(NatGatewayIds=[made["nat_gateway"]], WaiterConfig=waits)
        steps.private_routes(ec2, name, made)
    made = steps.instances(ec2, name, shape, made)
    checked = ec2.get_waiter("instance_status_ok")
    checked.wait(InstanceIds=made["instances"], WaiterConfig=waits)


def main() -> None:
    told = arguments(__doc__).parse_args()
    ec2, tally = steps.ec2_client(), Tally()
    for name in names(told.prefix, told.count):
        try:
            build(ec2, name, SHAPES[told.shape], told.poll_every)
        except ClientError as error:
            tally.errors[error.response["Error"]["Code"]] += 1
        except (BotoCoreError, WaiterError) as error:
            tally.errors[type(error).__name__] += 1
        else:
            tally.ready += 1
    tally.tell()


if __name__ == "__main__":
    main()
