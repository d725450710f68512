"""The crash matrix: every call of a build, of changes and of a cleanup, and every way to go wrong.

The calls are those of a clean run of a spec with every kind in it. So a kind that is added later is
in the matrix without a word here.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from envwright.messages import steps_of
from envwright.names import Step
from envwright.record import Record, RunKind
from envwright.spec import EnvironmentSpec
from envwright.states import State
from tests.chaos.arena import Arena
from tests.chaos.outcome import Outcome, Tally
from tests.chaos.story import steps_without_an_end
from tests.chaos.strike import LATE, Strike, Trouble
from tests.chaos.verdict import Manifest, Verdict, judge, manifest_of
from tests.chaos.world import World
from tests.cloud import Call
from tests.cloud.kinds import MADE_BY


class Act(StrEnum):
    """What is asked for, one after the other: each is a run."""

    BUILD = "provision"
    STOP = "stop"
    REPLACE = "replace"
    TAKE_DOWN = "cleanup"

    @property
    def kind(self) -> RunKind:
        return _KINDS.get(self, RunKind.CHANGE)

    @property
    def among(self) -> "Sequence[Act]":
        """A build, this if it is a change, and a cleanup: what one world plays for it."""
        return list(dict.fromkeys((Act.BUILD, self, Act.TAKE_DOWN)))


_KINDS: Final = {Act.BUILD: RunKind.PROVISION, Act.TAKE_DOWN: RunKind.CLEANUP}
_INVENTORY: Final = "DescribeTags"


@dataclass(frozen=True)
class Cell:
    """One trouble at one place: the n-th call of an action, or the end of a step."""

    act: Act
    trouble: Trouble
    action: str | None = None
    number: int = 1
    step: Step | None = None

    def __str__(self) -> str:
        place = f"{self.action} {self.number}" if self.action else f"the end of {self.step}"
        return f"{self.act}, {place}: {self.trouble}"


@dataclass(frozen=True)
class CleanRun:
    """What is called where there is no trouble, act by act, and what is made."""

    calls: dict[Act, Counter[str]]
    manifest: Manifest

    def cells(self) -> Iterator[Cell]:
        """All cells of the matrix."""
        for act, calls in self.calls.items():
            for action, count in calls.items():
                for number in range(1, count + 1):
                    for trouble in Trouble:
                        if trouble is Trouble.SHOWN_LATE and action not in MADE_BY:
                            continue
                        yield Cell(act, trouble, action, number)
            for step in steps_of(act.kind):
                yield Cell(act, Trouble.KILLED_BEFORE_THE_RECORD, step=step)
                yield Cell(act, Trouble.KILLED_AFTER_THE_RECORD, step=step)


async def clean_run(arena: Arena, spec: EnvironmentSpec) -> CleanRun:
    """Do all of it once, without any trouble: each act in a world of its own, as in its cells."""
    played = await asyncio.gather(*(_clean_act(arena, spec, act) for act in Act))
    calls = {act: counted for act, (counted, _) in zip(Act, played, strict=True)}
    _, manifest = played[0]
    return CleanRun(calls, manifest)


async def _clean_act(
    arena: Arena, spec: EnvironmentSpec, wanted: Act
) -> tuple[Counter[str], Manifest]:
    """How often each action was called by this act, and what was built."""
    counted: Counter[str] = Counter()
    manifest: Manifest = {}
    async with arena.world() as world:
        await world.start_worker()
        for act in wanted.among:
            world.cloud.journal.clear()
            record = await _done(world, spec, act)
            fault = _reached(act, record).faults
            assert not fault, fault
            if act is wanted:
                counted = _counted(world.cloud.journal)
            if act is Act.BUILD:
                manifest = await manifest_of(world, record)
        left = await world.cloud.inventory(world.account)
        assert not left, left
    return counted, manifest


async def _done(world: World, spec: EnvironmentSpec, act: Act) -> Record:
    """Ask for this, and wait for its end."""
    match act:
        case Act.BUILD:
            await world.ask(world.client.enqueue, spec)
        case Act.TAKE_DOWN:
            await world.ask(world.client.destroy, spec.environment_id)
        case _:
            groups = list(spec.instances)
            await world.ask(world.client.change, spec.environment_id, act, groups)
    (record,) = await world.at_rest(spec.environment_id)
    return record


def _counted(journal: Sequence[Call]) -> Counter[str]:
    """How often each action was called; a read that is made again is a poll, and counts once, since
    the number of polls is a matter of time: but for that of the inventory, which each step reads
    after what the one before it has changed."""
    counts: Counter[str] = Counter()
    seen: set[tuple[str, str]] = set()
    for call in journal:
        asked = (call.action, repr(call.parameters))
        if call.mutates:
            seen = {one for one in seen if one[0] != _INVENTORY}
        elif asked in seen:
            continue
        else:
            seen.add(asked)
        counts[call.action] += 1
    return counts


async def run_cell(arena: Arena, spec: EnvironmentSpec, clean: CleanRun, cell: Cell) -> Outcome:
    """Play one cell in a world of its own: to the run's end, and then until all is taken down."""
    settle_time = LATE + 2.0 if cell.trouble is Trouble.SHOWN_LATE else 2.0
    async with arena.world({"ENVWRIGHT_SETTLE_TIME": f"{settle_time:g}"}) as world:
        try:
            verdict = await _played(world, spec, clean, cell)
        except AssertionError as error:
            verdict = Verdict(lost=[str(error)])
        return Outcome(1, 1, len(world.cloud.journal), 1, world.kills, verdict.of(str(cell)))


async def _played(world: World, spec: EnvironmentSpec, clean: CleanRun, cell: Cell) -> Verdict:
    manifests = {spec.environment_id: clean.manifest}
    strike = Strike(cell.trouble, world, await world.start_worker())
    verdict = Verdict()
    for act in cell.act.among:
        if act is cell.act:
            _aim(strike, cell, world)
        record = await _done(world, spec, act)
        verdict += _reached(act, record)
        verdict += await judge(world, [record], manifests)
    if not strike.reached:
        verdict.lost.append("the place of the trouble was never come to")
    events = await world.ask(world.client.events, spec.environment_id)
    # `ready` would remove it; but of one trouble alone none should ever have been made.
    verdict.doubled += [f"{one.resource} was made twice" for one in events if one.type == "double"]
    if steps_without_an_end(events) > world.kills:
        verdict.untrue.append("more steps have no end than workers died")
    return verdict


def _aim(strike: Strike, cell: Cell, world: World) -> None:
    if cell.action is None:
        strike.at_record_of(f'\\"step\\":\\"{cell.step}\\",\\"state\\":\\"finished\\"')
    else:
        world.cloud.inject(cell.action, strike.at_call, first=cell.number)


def _reached(act: Act, record: Record) -> Verdict:
    if record.state is (State.DESTROYED if act is Act.TAKE_DOWN else State.READY):
        return Verdict()
    failure = record.cleanup_failure or record.failure
    return Verdict(lost=[f"{act} ended {record.state}: {failure and failure.message}"])


async def play(
    arena: Arena, spec: EnvironmentSpec, clean: CleanRun, cells: Sequence[Cell], tally: Tally
) -> None:
    """Play these cells, as many side by side as the arena has room for."""

    async def one(cell: Cell) -> None:
        tally.add(await run_cell(arena, spec, clean, cell))

    async with asyncio.TaskGroup() as group:
        for cell in cells:
            group.create_task(one(cell))
