"""Random faults, drawn from a seed: environments are built and taken down while things happen."""

import asyncio
import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from envwright.change import Operation
from envwright.errors import NotAllowed
from envwright.failure import FailureCategory
from envwright.record import Record
from envwright.states import HOLDS_NOTHING, State
from tasks.resources.base import kind_name
from tasks.resources.instances import Instances
from tasks.store import DEATHS_GIVEN_UP
from tests.chaos.arena import Arena
from tests.chaos.drama import Drama
from tests.chaos.outcome import Outcome, Tally
from tests.chaos.plan import Plan, Weather, plan
from tests.chaos.shapes import SHAPES, Shape
from tests.chaos.verdict import Manifest, Verdict, judge, manifest_of
from tests.chaos.world import CALM, World
from tests.cloud import ALWAYS, ANY, ANYTHING, Behaviour

_WORKERS: Final = 2
_FAILED: Final = frozenset({State.FAILED, State.CLEANED, State.CHANGE_FAILED})
_SETTLE: Final = 3.0
"""Seconds for which workers look for what shows late: twice the longest lag of a plan."""


async def manifests_of(arena: Arena, seeds: Iterable[int]) -> dict[str, Manifest]:
    """What the shapes of these seeds consist of, each built once without any trouble."""

    async def manifest(shape: Shape) -> Manifest:
        async with arena.world() as world:
            await world.start_worker()
            if shape.is_guest:
                await world.settle_another()
            await world.ask(world.client.enqueue, shape.spec)
            (record,) = await world.at_rest(shape.spec.environment_id)
            assert record.state is State.READY, record.failure
            return await manifest_of(world, record)

    names = sorted({shape for seed in seeds for shape in plan(seed).shapes})
    found = await asyncio.gather(*(manifest(SHAPES[name]) for name in names))
    return dict(zip(names, found, strict=True))


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
    settings = {
        "ENVWRIGHT_SETTLE_TIME": f"{_SETTLE:g}",
        # In every second world one environment waits in line for the other.
        "ENVWRIGHT_RUNS_PER_ACCOUNT": "1" if seed % 2 else "600",
    }
    async with arena.world(settings) as world:
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
        self._specs = its.specs()
        self._ids = [spec.environment_id for spec in self._specs]
        shapes = dict(zip(self._ids, its.shapes, strict=True))
        self._shapes = {one: SHAPES[shape] for one, shape in shapes.items()}
        self._manifests = {one: manifests[shape] for one, shape in shapes.items()}
        self.drama = Drama(world, self._ids)

    async def play(self) -> Verdict:
        world, its = self._world, self._plan
        if any(shape.is_guest for shape in self._shapes.values()):
            await world.settle_another()
        world.cloud.inject(ANY, self.drama.at_call, times=ALWAYS)
        for _ in range(_WORKERS):
            await world.start_worker()
        verdict = await self._built()
        self.drama.begin(its.changing)
        for operation in its.operations:
            verdict += await self._changed(operation)
        verdict += await self._taken_down()
        world.cloud.behave(CALM)
        verdict.lost += await world.of_another()
        return verdict

    async def _built(self) -> Verdict:
        self._world.cloud.behave(_behaviour(self._plan.seed, self._plan.weather))
        self.drama.begin(self._plan.building)
        tickets = await self._world.ask(self._world.client.enqueue_many, self._specs)
        assert all(ticket.accepted for ticket in tickets)
        return await self._come_of_it()

    async def _changed(self, operation: Operation) -> Verdict:
        """What comes of this operation on the instances of all that can be changed."""
        for one in self._ids:
            if self._shapes[one].can_rest:
                # One that has come to its end meanwhile cannot be changed any more.
                with contextlib.suppress(NotAllowed):
                    groups = [*self._shapes[one].spec.instances]
                    await self._world.ask(self._world.client.change, one, operation, groups)
        return await self._come_of_it()

    async def _taken_down(self) -> Verdict:
        self.drama.begin(self._plan.taking_down)
        for one in await self._rested():
            if one.state not in HOLDS_NOTHING:
                await self._world.ask(self._world.client.destroy, one.environment_id)
        records = await self._rested()
        verdict = await self._judged(records)
        verdict.lost += [
            f"{one.environment_id} is {one.state} after it was to be taken down"
            for one in records
            if one.state not in HOLDS_NOTHING
        ]
        return verdict

    async def _come_of_it(self) -> Verdict:
        """What is wrong now that all is at rest, and after what failed was retried."""
        records = await self._rested()
        verdict = await self._judged(records)
        verdict.lost += self._unfounded(records)
        verdict += await self._retried(records)
        return verdict

    async def _judged(self, records: Sequence[Record]) -> Verdict:
        manifests = {
            one.environment_id: _expected(one, self._manifests[one.environment_id])
            for one in records
        }
        return await judge(self._world, records, manifests)

    async def _rested(self) -> list[Record]:
        """The records, once everything is at rest and nothing happens any more."""
        await self._world.at_rest(*self._ids)
        await self.drama.end()
        # What happened last may have begun something.
        return await self._world.at_rest(*self._ids)

    async def _retried(self, records: Sequence[Record]) -> Verdict:
        """In calm weather, what failed is retried, and becomes ready."""
        failed = [one for one in records if one.state in _FAILED]
        if not failed:
            return Verdict()
        self._world.cloud.behave(CALM)
        for one in failed:
            await self._world.ask(self._world.client.retry, one.environment_id)
        again = await self._rested()
        verdict = await self._judged(again)
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
            if one.state in _FAILED and (one.failure is None or one.failure.category not in causes)
        ]


def _expected(record: Record, manifest: Manifest) -> Manifest:
    """What is to be there, where all that was asked for was done."""
    change = record.run.change
    if change is None or change.operation is not Operation.TERMINATE:
        return manifest
    if record.state is not State.READY:
        return manifest
    return {key: count for key, count in manifest.items() if kind_name(key) != Instances.kind}


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
