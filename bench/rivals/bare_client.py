"""The calls that environments need, and nothing else: what the SDK's client alone costs.

It makes the calls that envwright makes and as many of them side by side, and looks at no answer
but for the ids that the next call needs. It prints its CPU seconds, without its start and its first
environment: `--loop uvloop` and a pool as large as the number of environments at once are what a
careful engineer gives it; all other options are the SDK's defaults, unless `--client` says
`envwright`.
"""

import asyncio
import json
import sys
import time
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

import aioboto3
import uvloop
from aiobotocore.config import AioConfig

from bench.rivals import parameters
from bench.rivals.command import arguments, names
from bench.shapes import PUBLIC, REGION
from config.settings import WorkerSettings
from tasks.aws.session import config_of, new_session

_LOOPS: Final = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


async def _build(ec2: Any, name: str, poll_every: float) -> None:
    """One environment of the shape `PUBLIC`."""
    vpc = (await ec2.create_vpc(**parameters.vpc(name)))["Vpc"]["VpcId"]
    subnets, group = await asyncio.gather(_network(ec2, name, vpc), _security_group(ec2, name, vpc))
    launched = await asyncio.gather(
        *(
            ec2.run_instances(**parameters.launch(name, subnet, group, private=False))
            for subnet in subnets
        )
    )
    ids = [one["Instances"][0]["InstanceId"] for one in launched]
    while True:
        told = await ec2.describe_instance_status(InstanceIds=ids, IncludeAllInstances=True)
        if _all_passed(told, len(ids)):
            break
        await asyncio.sleep(poll_every)
    # Whoever builds instances wants their addresses.
    await ec2.describe_instances(InstanceIds=ids)


async def _network(ec2: Any, name: str, vpc: str) -> list[str]:
    gateway, *subnets = await asyncio.gather(
        ec2.create_internet_gateway(**parameters.internet_gateway(name)),
        *(ec2.create_subnet(**one) for one in parameters.subnets(name, vpc, PUBLIC, private=False)),
    )
    gateway_id = gateway["InternetGateway"]["InternetGatewayId"]
    tables, _ = await asyncio.gather(
        ec2.describe_route_tables(**parameters.main_route_table(vpc)),
        ec2.attach_internet_gateway(InternetGatewayId=gateway_id, VpcId=vpc),
    )
    table = tables["RouteTables"][0]["RouteTableId"]
    await ec2.create_route(**parameters.way_out(table, GatewayId=gateway_id))
    return [one["Subnet"]["SubnetId"] for one in subnets]


async def _security_group(ec2: Any, name: str, vpc: str) -> str:
    made = await ec2.create_security_group(**parameters.security_group(name, vpc))
    await ec2.authorize_security_group_ingress(**parameters.ingress(made["GroupId"]))
    return str(made["GroupId"])


def _all_passed(told: Any, count: int) -> bool:
    passed = [one for one in told["InstanceStatuses"] if one["InstanceStatus"]["Status"] == "ok"]
    return len(passed) == count


def _client(whose: str, connections: int) -> AbstractAsyncContextManager[Any]:
    if whose == "envwright":
        session = new_session()
        config = config_of(WorkerSettings(aws_connections=connections), session)
        return aioboto3.Session(botocore_session=session).client("ec2", REGION, config=config)
    return aioboto3.Session().client(
        "ec2", REGION, config=AioConfig(max_pool_connections=connections)
    )


async def build_all(told: Any) -> dict[str, float]:
    """Build as many as are asked for, so many at once; returns CPU seconds and seconds."""
    places = asyncio.Semaphore(told.at_once)
    async with _client(told.client, told.at_once) as ec2:
        await _build(ec2, f"{told.prefix}-warm-up", told.poll_every)

        async def one(name: str) -> None:
            async with places:
                await _build(ec2, name, told.poll_every)

        cpu, begun = time.process_time(), time.monotonic()
        await asyncio.gather(*map(one, names(told.prefix, told.count)))
        return {"cpu": time.process_time() - cpu, "seconds": time.monotonic() - begun}


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--at-once", type=int, default=100, help="environments")
    parser.add_argument("--loop", choices=_LOOPS, default="uvloop")
    parser.add_argument("--client", choices=("sdk", "envwright"), default="sdk")
    told = parser.parse_args()
    with asyncio.Runner(loop_factory=_LOOPS[told.loop]) as runner:
        sys.stdout.write(json.dumps(runner.run(build_all(told))) + "\n")


if __name__ == "__main__":
    main()
