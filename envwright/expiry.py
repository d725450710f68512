"""The end of an environment's time to live: how it is set, told of beforehand, and moved.

What carries it out is a worker's sweep (`tasks.expiry`). The time is one of Redis' clock, and it is
not moved along where that clock is set back: an environment may live longer by that, never shorter.
"""

from dataclasses import dataclass
from math import isfinite
from typing import Final, Self

from envwright.errors import NotAllowed
from envwright.moments import moment
from envwright.new_run import new_id
from envwright.protection import protected_groups
from envwright.record import Event, Expiry, Record
from envwright.spec import EnvironmentSpec
from envwright.spec.durations import LEAST_LIFE, LONGEST_LIFE
from envwright.states import HOLDS_NOTHING, State

WARNING_SHARE: Final = 0.1
"""The share of an environment's time that is left when it is warned of its end."""

LONGEST_WARNING: Final = 86400.0
"""Seconds before its end at which an environment is warned of it at the earliest."""

LAST_CALL: Final = 300.0
"""Seconds for which an end is put off that nobody was warned of, since no worker was there."""

_GOING: Final = frozenset({State.CLEANING, State.CLEANUP_FAILED})


@dataclass(frozen=True, slots=True)
class MovedExpiry:
    """An end to be written: the record as it was seen, and what is to be told of it."""

    environment_id: str
    seen: Record
    expiry: Expiry
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True)
class Extension:
    """Where an end is to be moved: by so many seconds, to a Unix time, or, with neither, away."""

    by: float | None = None
    until: float | None = None

    @classmethod
    def of(cls, by: float | None, until: float | None, never: bool) -> Self:
        """Raises `ValueError` where not exactly one of the three is given, or no finite number."""
        if (by is not None) + (until is not None) + never != 1:
            raise ValueError("Say by how much, until when, or never: one of the three.")
        if not isfinite(by or until or 0):
            raise ValueError("Say by how many seconds, or until which Unix time: a finite number.")
        return cls(by, until)

    def end(self, seen: Record, now: float) -> float | None:
        if self.by is not None:
            return max(seen.expires_at or now + (seen.life_to_begin or 0), now) + self.by
        return self.until


def ending(at: float | None, now: float) -> Expiry:
    """An end at this Unix time, which is warned of; with None there is none."""
    if at is None:
        return Expiry(id=new_id())
    lead = min((at - now) * WARNING_SHARE, LONGEST_WARNING)
    return Expiry(id=new_id(), at=at, warn_at=at - lead)


def expiry_of(spec: EnvironmentSpec, now: float) -> Expiry:
    """The end of an environment that is asked for now; it moves on by what that waits in line."""
    if spec.ttl is None:
        return ending(None, now)
    return ending(now + spec.ttl, now).model_copy(update={"counted_from": now})


def extended(seen: Record, extension: Extension, now: float) -> MovedExpiry | None:
    """The end moved as a caller asks for; None where it is there already.

    Raises `NotAllowed` where there is no end to move, or none can be there.
    """
    name = seen.environment_id
    if seen.state in HOLDS_NOTHING:
        raise NotAllowed(f"{name} is {seen.state}: AWS holds nothing of it, so nothing can end.")
    if seen.state in _GOING:
        raise NotAllowed(
            f"{name} is {seen.state}: a cleanup has begun, and cannot be called off or put off."
        )
    at = extension.end(seen, now)
    if at == seen.expires_at and seen.life_to_begin is None:
        return None
    if at is not None:
        _refuse_out_of_bounds(name, at, now)
    told = Event(type="extended", run=seen.run.id, message=_when(at))
    return MovedExpiry(name, seen, ending(at, now), (told,))


def warned(seen: Record, at: float, now: float) -> MovedExpiry:
    """The end at this time, told of in an event.

    Where it has passed already, it comes a little later: never without a warning.
    """
    at = at if now < at else now + LAST_CALL
    told = Event(type="expiring", run=seen.run.id, message=_warning(seen, at))
    # Of what is being taken down already nobody need be warned.
    events = () if seen.state in _GOING else (told,)
    return MovedExpiry(seen.environment_id, seen, Expiry(id=new_id(), at=at), events)


def forgotten(seen: Record) -> MovedExpiry:
    """No end any more, of an environment that has come to it otherwise."""
    return MovedExpiry(seen.environment_id, seen, Expiry(id=new_id()))


def _refuse_out_of_bounds(name: str, at: float, now: float) -> None:
    if at < now + LEAST_LIFE:
        raise NotAllowed(
            f"That end is less than {LEAST_LIFE // 60} minutes ahead: choose a later one, or "
            f"take it down now, by `envwright down {name}`."
        )
    if at > now + LONGEST_LIFE:
        raise NotAllowed(
            f"That end is more than {LONGEST_LIFE // 86400} days ahead: choose an earlier one, "
            f"or none, by `envwright extend {name} --never`."
        )


def _warning(seen: Record, at: float) -> str:
    protected = protected_groups(seen)
    if not protected:
        return f"{_when(at)} `envwright extend {seen.environment_id} 2h` puts that off."
    return (
        f"Its time to live ends at {moment(at)}, and it stays all the same, since instances of "
        f"{', '.join(protected)} are protected from termination: `envwright down --force "
        f"{seen.environment_id}` takes it down."
    )


def _when(at: float | None) -> str:
    if at is None:
        return "It lives until somebody takes it down."
    return f"It is destroyed at {moment(at)}."
