"""Random faults, drawn from a seed: environments are built and taken down while things happen."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from envwright.record import HOLDS_NOTHING, FailureCategory, Record, State
from envwright.spec import parse_spec
from tasks.store import DEATHS_GIVEN_UP
from tests.chaos.arena import Arena
from tests.chaos.drama import Drama
from tests.chaos.outcome import Outcome, Tally
from tests.chaos.plan import Plan, Weather, plan
from tests.chaos.verdict import Manifest, Verdict, judge
from tests.chaos.world import CALM, World
from tests.cloud import ALWAYS, ANY, ANYTHING, Behaviour

_WORKERS: Final = 2
_SETTLE: Final = 3.0
"""Seconds for which workers look for what shows late: twice the longest lag of a plan."""


async def play(
    arena: Arena, manifests: Mapping[str, Manifest], seeds: Iterable[int], tally: Tally
) -> None:
    """Play these seeds, as many side by side as the arena has room for."""

    async def one(seed: int) -> None:
        tally.add(await play_one(arena, manifests, seed))

    async with asyncio.TaskGroup() as group:
        for seed in seeds:
            group.create_task(one(seed))


async def play_one(arena: Arena, manifests: Mapping[str, Manifest], seed: int) -> Outcome:
    """Build and take down what the seed's plan says, while it happens what the plan says."""
    its = plan(seed)
    async with arena.world({"ENVWRIGHT_SETTLE_TIME": f"{_SETTLE:g}"}) as world:
        game = _Game(world, its, manifests)
        try:
            verdict = await game.play()
        except AssertionError as error:
            verdict = Verdict(lost=[str(error)])
        calls, troubles = len(world.cloud.journal), len(game.drama.happened)
        where = f"seed {seed}"
        return Outcome(1, len(its.shapes), calls, troubles, world.kills, verdict.of(where))


class _Game:
    def __init__(self, world: World, its: Plan, manifests: Mapping[str, Manifest]) -> None:
        self._world = world
        self._plan = its
        self._specs = [parse_spec(one) for one in its.specs()]
        self._ids = [spec.environment_id for spec in self._specs]
        self._manifests = {
            one: manifests[shape] for one, shape in zip(self._ids, its.shapes, strict=True)
        }
        self.drama = Drama(world, self._ids)

    async def play(self) -> Verdict:
        world, its = self._world, self._plan
        world.cloud.inject(ANY, self.drama.at_call, times=ALWAYS)
        for _ in range(_WORKERS):
            await world.start_worker()
        world.cloud.behave(_behaviour(its.seed, its.weather))
        self.drama.begin(its.building)
        tickets = await world.ask(world.client.enqueue_many, self._specs)
        assert all(ticket.accepted for ticket in tickets)
        records = await self._rested()
        verdict = await judge(world, records, self._manifests)
        verdict.lost += self._unfounded(records)
        verdict += await self._retried(records)
        self.drama.begin(its.taking_down)
        for one in await self._rested():
            if one.state not in HOLDS_NOTHING:
                await world.ask(world.client.destroy, one.environment_id)
        records = await self._rested()
        verdict.lost += [
            f"{one.environment_id} is {one.state} after it was to be taken down"
            for one in records
            if one.state not in HOLDS_NOTHING
        ]
        return verdict

    async def _rested(self) -> list[Record]:
        """The records, once everything is at rest and nothing happens any more."""
        await self._world.at_rest(*self._ids)
        await self.drama.end()
        # What happened last may have begun something.
        return await self._world.at_rest(*self._ids)

    async def _retried(self, records: Sequence[Record]) -> Verdict:
        """In calm weather, what failed is retried, and becomes ready."""
        failed = [one for one in records if one.state in (State.FAILED, State.CLEANED)]
        if not failed:
            return Verdict()
        self._world.cloud.behave(CALM)
        for one in failed:
            await self._world.ask(self._world.client.retry, one.environment_id)
        again = await self._rested()
        verdict = await judge(self._world, again, self._manifests)
        verdict.lost += [
            f"{one.environment_id} is {one.state} after its retry: {one.failure}"
            for one in again
            if one.environment_id in {other.environment_id for other in failed}
            and one.state is not State.READY
        ]
        return verdict

    def _unfounded(self, records: Sequence[Record]) -> list[str]:
        """Failures that have no cause in the plan: throttling, lag and deaths are none."""
        causes = {FailureCategory.CANCELLED}
        if self._plan.weather.full_zone is not None:
            causes.add(FailureCategory.CAPACITY)
        if self._world.kills >= DEATHS_GIVEN_UP:
            causes.add(FailureCategory.INTERNAL)
        return [
            f"{one.environment_id} failed without a cause: {one.failure}"
            for one in records
            if one.state in (State.FAILED, State.CLEANED)
            and (one.failure is None or one.failure.category not in causes)
        ]


def _behaviour(seed: int, weather: Weather) -> Behaviour:
    """An AWS for this weather; each call's luck hangs on the seed and on the call alone."""
    full = weather.full_zone
    return replace(
        CALM,
        seed=seed,
        throttled=weather.throttled,
        dropped_before=weather.reply_dropped / 2,
        dropped_after=weather.reply_dropped / 2,
        failed_before=weather.failed / 2,
        failed_after=weather.failed / 2,
        id_lag=(0.0, weather.lag),
        tag_lag=(0.0, weather.lag),
        flapping=0.3,
        no_capacity=frozenset({(full, ANYTHING)}) if full else frozenset(),
    )
