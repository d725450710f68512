"""What happens in the world of a seed, drawn from the seed alone: it can be played again."""

import random
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from tests.harness import EVERYTHING, ZONES
from tests.specs import spec_data


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
}
_ASKED_FOR: Final = frozenset({Event.CANCEL, Event.DESTROY})

SMALL: Final = spec_data(
    network={"cidr": "10.20.0.0/16", "zones": ZONES},
    security={"groups": {"web": {"ingress": [{"ports": 443, "cidrs": ["0.0.0.0/0"]}]}}},
    instances={"web": EVERYTHING["instances"]["web"] | {"count": 1}},
)
"""A spec with few resources; the other shape is EVERYTHING, with all kinds."""

SHAPES: Final[dict[str, dict[str, Any]]] = {"small": SMALL, "everything": EVERYTHING}


@dataclass(frozen=True)
class Turn:
    """An event, and the call at which it falls: the n-th since the beginning of its half."""

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
    taking_down: tuple[Turn, ...]

    def specs(self) -> list[dict[str, Any]]:
        return [
            SHAPES[shape]
            | {
                "name": f"env-{number}",
                "deadline": DEADLINE,
                "on_failure": "hold" if hold else "cleanup",
            }
            for number, (shape, hold) in enumerate(zip(self.shapes, self.holds, strict=True))
        ]


DEADLINE: Final = 7200
"""Seconds, beyond every jump of a clock: a deadline that passes is tested by itself."""

JUMP: Final = 3600.0
"""Seconds by which a clock is set at the most."""


def plan(seed: int) -> Plan:
    """The plan of a seed: the same at every call and on every machine."""
    draw = random.Random(seed)  # noqa: S311 - it is to be predictable
    shapes = tuple(draw.choices(("small", "everything"), (3, 1), k=draw.choice((1, 2))))
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
        building=_turns(draw, 22 * len(shapes), draw.choice((1, 2, 3))),
        taking_down=_turns(draw, 12 * len(shapes), draw.choice((0, 1, 2)), frozenset(_ASKED_FOR)),
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
