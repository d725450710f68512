"""How long environments wait when their worker dies: from SIGKILL to the first call of another.

Two workers with the settings of production share environments, each held up in the middle of a
step. One worker is killed; timed is, for each environment that it had, when the other first speaks
of it to AWS.
"""

import asyncio
import random
import statistics
import time
from dataclasses import dataclass
from typing import Final

from config.settings import WorkerSettings
from tests.chaos.arena import Arena
from tests.chaos.world import World
from tests.cloud import ALWAYS, Call, Reply
from tests.cloud.calls import refusal
from tests.cloud.faults import Forward
from tests.specs import spec

_DEFAULTS: Final = {
    f"ENVWRIGHT_{name.upper()}": str(WorkerSettings.model_fields[name].default)
    for name in ("lease", "lease_margin", "sweep_every", "wake_grace", "settle_time")
}
LEASE: Final[float] = WorkerSettings.model_fields["lease"].default
ALLOWED: Final = LEASE + 2.0
"""Seconds within which 95 of 100 environments are to be taken over."""

_ENVIRONMENTS: Final = 8


@dataclass(frozen=True)
class Recovery:
    """The times of all environments that lost their worker, in seconds."""

    seconds: tuple[float, ...]

    @property
    def p95(self) -> float:
        return statistics.quantiles(self.seconds, n=20)[-1]

    def told(self) -> str:
        """All of it in one line."""
        return (
            f"recoveries {len(self.seconds)}, lease {LEASE:g} s: median "
            f"{statistics.median(self.seconds):.1f} s, p95 {self.p95:.1f} s (allowed "
            f"{ALLOWED:g} s), longest {max(self.seconds):.1f} s"
        )


async def measure(arena: Arena, deaths: int) -> Recovery:
    """Let so many workers die, each in a world of its own."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_one_death(arena, number)) for number in range(deaths)]
    return Recovery(tuple(second for task in tasks for second in task.result()))


class _Jam:
    """Holds every environment up in its network step, and hears who is spoken of."""

    def __init__(self) -> None:
        self.over = False
        self.first_heard: dict[str, float] = {}

    async def subnets(self, call: Call, forward: Forward) -> Reply:
        if self.over:
            return await forward()
        return refusal(call, "RequestLimitExceeded", "Request limit exceeded.", 503)

    async def tags(self, call: Call, forward: Forward) -> Reply:
        for value in map(str, call.parameters.values()):
            if value.endswith("/*"):
                self.first_heard.setdefault(value.removesuffix("/*"), time.monotonic())
        return await forward()


async def _one_death(arena: Arena, number: int) -> list[float]:
    async with arena.world(_DEFAULTS) as world:
        jam = _Jam()
        world.cloud.inject("CreateSubnet", jam.subnets, times=ALWAYS)
        world.cloud.inject("DescribeTags", jam.tags, times=ALWAYS)
        doomed, _ = await world.start_worker(), await world.start_worker()
        specs = [spec(f"env-{one}") for one in range(_ENVIRONMENTS)]
        tickets = await world.ask(world.client.enqueue_many, specs)
        ids = [ticket.environment_id for ticket in tickets]
        await _until_all_are_jammed(world)
        # A death falls anywhere between two renewals.
        await asyncio.sleep(random.Random(number).uniform(0, LEASE / 3))  # noqa: S311
        orphaned = [one for one in ids if await _worker_of(world, one) == doomed.pid]
        jam.first_heard.clear()
        doomed.kill()
        killed = time.monotonic()
        jam.over = True
        await world.at_rest(*ids)
        return [jam.first_heard[one] - killed for one in orphaned]


async def _until_all_are_jammed(world: World) -> None:
    """Wait until a worker holds each environment, and each has come to the jam."""
    while True:
        jammed = {call.parameters["VpcId"] for call in world.cloud.calls("CreateSubnet")}
        if len(jammed) == _ENVIRONMENTS:
            return
        await asyncio.sleep(0.1)


async def _worker_of(world: World, environment_id: str) -> int:
    """The pid of the worker that holds the environment's lease: a worker is `host:pid:…`."""
    key = world.client.settings.keys.record(environment_id)
    owner = await world.database.hget(key, "lease_owner")
    return int(str(owner).split(":")[1])
