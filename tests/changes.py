"""Changes of instances, asked for and run to their end, and what AWS says of them."""

from collections.abc import Sequence
from typing import Any, Final

from envwright.record import Record
from envwright.spec import EnvironmentSpec, load_spec
from tests.harness import Environment, outsider
from tests.repository import ROOT

WEB: Final = load_spec(ROOT / "examples" / "web.yaml")
IN_ZONE_A: Final = "instance/instances/web-eu-west-1a"
IN_ZONE_B: Final = "instance/instances/web-eu-west-1b"


def with_count(count: int, **changed: Any) -> EnvironmentSpec:
    group = WEB.instances["web"].model_copy(update={"count": count, **changed})
    return WEB.model_copy(update={"instances": {"web": group}})


async def changed(env: Environment, operation: str, *targets: str) -> Record:
    """Do this, and run to its end."""
    env.client.change(env.id, operation, targets)
    return await env.to_rest()


async def states(url: str, ids: Sequence[str]) -> dict[str, str]:
    """What AWS says of these instances."""
    async with outsider(url) as ec2:
        answer = await ec2.describe_instances(InstanceIds=[*ids])
    return {
        one["InstanceId"]: one["State"]["Name"]
        for reservation in answer["Reservations"]
        for one in reservation["Instances"]
    }


def instances_of(record: Record) -> list[str]:
    return [
        one
        for key, resource in record.resources.items()
        if key.startswith("instance/instances/")
        for one in resource.ids
    ]
