"""A script with aioboto3: what can run side by side does, many environments at once too."""

import asyncio
from asyncio import Task, TaskGroup
from typing import Any, Final

import aioboto3
from aiobotocore.config import AioConfig
from botocore.exceptions import BotoCoreError, ClientError

from bench.rivals import parameters
from bench.rivals.command import Tally, arguments, names
from bench.shapes import REGION, SHAPES, Shape

ATTEMPTS: Final = 10
"""How often the SDK tries a call in all, where AWS throttles it."""
_LONGEST_WAIT: Final = 900.0
"""Seconds."""


class Builder:
    """Builds one environment; each part waits for those alone that it needs."""

    def __init__(self, ec2: Any, name: str, shape: Shape, poll_every: float) -> None:
        self.ec2, self.name, self.shape = ec2, name, shape
        self._waits = {"Delay": poll_every, "MaxAttempts": int(_LONGEST_WAIT / poll_every)}

    async def build(self) -> None:
        private = self.shape.private
        async with TaskGroup() as group:
            vpc = group.create_task(self._vpc())
            gateway = group.create_task(self._gateway(vpc))
            group.create_task(self._main_route(vpc, gateway))
            subnets = self._subnets(group, vpc, private=False)
            way_out = None
            if private:
                address = group.create_task(self._address())
                table = group.create_task(self._route_table(vpc))
                nat = group.create_task(self._nat_gateway(subnets[0], gateway, address))
                way_out = group.create_task(self._private_route(table, nat))
                subnets = self._subnets(group, vpc, private=True)
                for subnet in subnets:
                    group.create_task(self._associate(table, subnet))
            rules = group.create_task(self._security_group(vpc))
            launches = [
                group.create_task(self._launch(subnet, rules, way_out)) for subnet in subnets
            ]
        ids = [launch.result() for launch in launches]
        await self._wait("instance_status_ok", InstanceIds=ids)

    async def _vpc(self) -> str:
        made = await self.ec2.create_vpc(**parameters.vpc(self.name))
        return str(made["Vpc"]["VpcId"])

    async def _gateway(self, vpc: Task[str]) -> str:
        made = await self.ec2.create_internet_gateway(**parameters.internet_gateway(self.name))
        gateway = str(made["InternetGateway"]["InternetGatewayId"])
        await self.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=await vpc)
        return gateway

    async def _main_route(self, vpc: Task[str], gateway: Task[str]) -> None:
        found = await self.ec2.describe_route_tables(**parameters.main_route_table(await vpc))
        table = found["RouteTables"][0]["RouteTableId"]
        await self.ec2.create_route(**parameters.way_out(table, GatewayId=await gateway))

    def _subnets(self, group: TaskGroup, vpc: Task[str], *, private: bool) -> list[Task[str]]:
        places = range(len(self.shape.zones))
        return [group.create_task(self._subnet(vpc, place, private=private)) for place in places]

    async def _subnet(self, vpc: Task[str], place: int, *, private: bool) -> str:
        wanted = parameters.subnets(self.name, await vpc, self.shape, private=private)[place]
        return str((await self.ec2.create_subnet(**wanted))["Subnet"]["SubnetId"])

    async def _address(self) -> str:
        made = await self.ec2.allocate_address(**parameters.address(self.name))
        return str(made["AllocationId"])

    async def _nat_gateway(self, subnet: Task[str], gateway: Task[str], address: Task[str]) -> str:
        await gateway
        wanted = parameters.nat_gateway(self.name, await subnet, await address)
        made = await self.ec2.create_nat_gateway(**wanted)
        nat = str(made["NatGateway"]["NatGatewayId"])
        await self._wait("nat_gateway_available", NatGatewayIds=[nat])
        return nat

    async def _route_table(self, vpc: Task[str]) -> str:
        made = await self.ec2.create_route_table(**parameters.route_table(self.name, await vpc))
        return str(made["RouteTable"]["RouteTableId"])

    async def _private_route(self, table: Task[str], nat: Task[str]) -> None:
        await self.ec2.create_route(**parameters.way_out(await table, NatGatewayId=await nat))

    async def _associate(self, table: Task[str], subnet: Task[str]) -> None:
        await self.ec2.associate_route_table(RouteTableId=await table, SubnetId=await subnet)

    async def _security_group(self, vpc: Task[str]) -> str:
        made = await self.ec2.create_security_group(
            **parameters.security_group(self.name, await vpc)
        )
        await self.ec2.authorize_security_group_ingress(**parameters.ingress(made["GroupId"]))
        return str(made["GroupId"])

    async def _launch(self, subnet: Task[str], rules: Task[str], way_out: Task[None] | None) -> str:
        if way_out:
            await way_out
        wanted = parameters.launch(self.name, await subnet, await rules, private=self.shape.private)
        launched = await self.ec2.run_instances(**wanted)
        return str(launched["Instances"][0]["InstanceId"])

    async def _wait(self, waiter: str, **ids: list[str]) -> None:
        await self.ec2.get_waiter(waiter).wait(**ids, WaiterConfig=self._waits)


async def build_all(told: Any) -> Tally:
    """Build as many as are asked for, so many at once."""
    retries = {"mode": told.retry_mode, "total_max_attempts": ATTEMPTS}
    config = AioConfig(retries=retries, max_pool_connections=told.connections)
    places = asyncio.Semaphore(told.at_once)
    async with aioboto3.Session().client("ec2", region_name=REGION, config=config) as ec2:
        tally = Tally()

        async def one(name: str) -> None:
            builder = Builder(ec2, name, SHAPES[told.shape], told.poll_every)
            try:
                async with places:
                    await builder.build()
            except* (ClientError, BotoCoreError) as failed:
                tally.errors[_code(failed)] += 1
            else:
                tally.ready += 1

        await asyncio.gather(*map(one, names(told.prefix, told.count)))
    return tally


def _code(failed: BaseExceptionGroup[Any]) -> str:
    """The error that ended an environment: the first of those that its parts met."""
    error: Any = failed
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    known = isinstance(error, ClientError)
    return str(error.response["Error"]["Code"]) if known else type(error).__name__


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--at-once", type=int, default=100, help="environments")
    parser.add_argument("--connections", type=int, default=100, help="of the client's pool")
    parser.add_argument("--retry-mode", choices=("standard", "adaptive"), default="standard")
    asyncio.run(build_all(parser.parse_args())).tell()


if __name__ == "__main__":
    main()
