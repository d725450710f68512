"""What happens in the world of a seed, drawn from the seed alone: it can be played again."""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from envwright.change import Operation
from envwright.spec import EnvironmentSpec, parse_spec
from tests.chaos.shapes import SHAPES
from tests.everything import ZONES


class Event(StrEnum):
    """What can befall a world in the middle of its work."""

    KILL = "a worker is killed"
    STOP = "a worker is asked to stop"
    FREEZE = "a worker is frozen for longer than its lease"
    REDIS_RESTART = "Redis is killed and started again"
    DUPLICATE = "every message is delivered twice more"
    CLOCK_FORWARD = "Redis' clock is set forward"
    CLOCK_BACK = "Redis' clock is set back"
    CANCEL = "somebody cancels"
    DESTROY = "somebody takes it down"
    EXTEND = "somebody moves its end"
    EXPIRE = "its time to live passes"


_WEIGHTS: Final = {
    Event.KILL: 6,
    Event.STOP: 1,
    Event.FREEZE: 2,
    Event.REDIS_RESTART: 2,
    Event.DUPLICATE: 2,
    Event.CLOCK_FORWARD: 1,
    Event.CLOCK_BACK: 1,
    Event.CANCEL: 1,
    Event.DESTROY: 1,
    Event.EXTEND: 1,
    Event.EXPIRE: 1,
}
_ASKED_FOR: Final = frozenset({Event.CANCEL, Event.DESTROY, Event.EXTEND, Event.EXPIRE})

_NOT_OF_A_CHANGE: Final = frozenset({Event.CANCEL})

_STORIES: Final[Sequence[tuple[Operation, ...]]] = (
    (),
    (),
    (Operation.STOP,),
    (Operation.STOP, Operation.START),
    (Operation.REBOOT,),
    (Operation.REPLACE,),
    (Operation.STOP, Operation.REPLACE),
    (Operation.TERMINATE,),
    (Operation.TERMINATE, Operation.REPLACE),
)
"""What is asked of the instances of an environment that is ready, one after the other."""

_CALLS_OF_A_CHANGE: Final = 8


@dataclass(frozen=True)
class Turn:
    """An event, and the call at which it falls: the n-th since the beginning of its act."""

    event: Event
    at: int
    after_effect: bool
    which: int
    """A number by which the worker or the environment is chosen."""
    seconds: float
    """By how much the clock is set."""


@dataclass(frozen=True)
class Weather:
    """How AWS is while things happen: probabilities a call, seconds of lag, a zone without room."""

    throttled: float
    reply_dropped: float
    failed: float
    lag: float
    full_zone: str | None


@dataclass(frozen=True)
class Plan:
    """All that happens in the world of one seed."""

    seed: int
    shapes: tuple[str, ...]
    holds: tuple[bool, ...]
    """Whether the environment of each shape is held for inspection when it fails."""
    weather: Weather
    building: tuple[Turn, ...]
    operations: tuple[Operation, ...]
    """What is asked of all instances that can be changed, between the building and the end."""
    changing: tuple[Turn, ...]
    """The turns of the first of these operations; the others go by in peace."""
    taking_down: tuple[Turn, ...]

    def specs(self) -> list[EnvironmentSpec]:
        return [
            _as_part(shape, f"env-{number}", "hold" if hold else "cleanup")
            for number, (shape, hold) in enumerate(zip(self.shapes, self.holds, strict=True))
        ]


def _as_part(shape: str, name: str, on_failure: str) -> EnvironmentSpec:
    data: dict[str, Any] = json.loads(SHAPES[shape].spec.canonical_json())
    return parse_spec(data | {"name": name, "deadline": DEADLINE, "on_failure": on_failure})


DEADLINE: Final = 7200
"""Seconds, beyond every jump of a clock: a deadline that passes is tested by itself."""

JUMP: Final = 3600.0
"""Seconds by which a clock is set at the most."""


def plan(seed: int) -> Plan:
    """The plan of a seed: the same at every call and on every machine."""
    draw = random.Random(seed)  # noqa: S311 - it is to be predictable
    weights = [shape.weight for shape in SHAPES.values()]
    shapes = tuple(draw.choices([*SHAPES], weights, k=draw.choice((1, 2))))
    operations = draw.choice(_STORIES)
    return Plan(
        seed=seed,
        shapes=shapes,
        holds=tuple(draw.random() < 0.3 for _ in shapes),
        weather=Weather(
            throttled=draw.choice((0.0, 0.3)),
            reply_dropped=draw.choice((0.0, 0.03, 0.1)),
            failed=draw.choice((0.0, 0.03, 0.1)),
            lag=draw.choice((0.0, 0.0, 0.5, 1.5)),
            full_zone=ZONES[1] if draw.random() < 0.15 else None,
        ),
        building=_turns(
            draw, sum(SHAPES[one].calls_building for one in shapes), draw.choice((1, 2, 3))
        ),
        operations=operations,
        changing=_turns(
            draw, _CALLS_OF_A_CHANGE * len(shapes), draw.choice((0, 1, 1)), _NOT_OF_A_CHANGE
        ),
        taking_down=_turns(
            draw,
            sum(SHAPES[one].calls_taking_down for one in shapes),
            draw.choice((0, 1, 2)),
            _ASKED_FOR,
        ),
    )


def _turns(
    draw: random.Random, calls: int, count: int, never: frozenset[Event] = frozenset()
) -> tuple[Turn, ...]:
    events = [event for event in _WEIGHTS if event not in never]
    weights = [_WEIGHTS[event] for event in events]
    return tuple(
        Turn(
            event=draw.choices(events, weights)[0],
            at=draw.randint(1, calls),
            after_effect=draw.random() < 0.5,
            which=draw.randint(0, 99),
            seconds=draw.uniform(5.0, JUMP),
        )
        for _ in range(count)
    )
