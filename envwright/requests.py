"""What callers may ask for, and what each request comes to in view of the record."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from pydantic import BaseModel, ConfigDict

from envwright.change import Operation
from envwright.errors import (
    NotAllowed,
    SpecConflict,
    StoreCorrupt,
    UnknownEnvironment,
    UnknownInstance,
)
from envwright.priority import Priority
from envwright.record import Record
from envwright.runs import AcceptedRun, cancelled, changed, destroyed, enqueued
from envwright.spec import EnvironmentSpec
from envwright.states import HOLDS_NOTHING, State


class Ticket(BaseModel):
    """The answer to a request: which environment, which run, and whether the run is a new one."""

    model_config = ConfigDict(frozen=True)

    environment_id: str
    run_id: str
    state: State
    accepted: bool


Refusal = SpecConflict | NotAllowed | UnknownEnvironment | UnknownInstance | StoreCorrupt
REFUSALS: Final = (SpecConflict, NotAllowed, UnknownEnvironment, UnknownInstance)
Answer = Ticket | Refusal
"""What comes of one of many requests: a ticket, or why there is none."""

Wish = tuple[str, Callable[[Record | None, float], AcceptedRun | Ticket]]
"""An environment's id, and what is to be written in view of its record; or `Refusal` raised."""


def for_spec(spec: EnvironmentSpec) -> Wish:
    """A request for the environment of this spec."""

    def decide(seen: Record | None, now: float) -> AcceptedRun | Ticket:
        if seen is None or seen.state in HOLDS_NOTHING:
            return enqueued(spec, seen, now)
        if seen.state is State.CLEANING:
            raise NotAllowed(
                f"{spec.environment_id} is being taken down: enqueue it again when that is done."
            )
        if seen.spec is None:
            raise SpecConflict(
                f"{spec.environment_id} was recovered from tags, and what was wished for is "
                f"lost: take it down first, or give this one another name."
            )
        if seen.spec.digest == spec.digest:
            return existing(seen)
        if seen.spec.model_copy(update={"ttl": spec.ttl}).digest == spec.digest:
            raise SpecConflict(
                f"{spec.environment_id} exists already ({seen.state}) with another `ttl`: "
                f"`envwright extend` moves its end, or give this one another name."
            )
        raise SpecConflict(
            f"{spec.environment_id} exists already ({seen.state}) with another spec: take it down "
            f"first, or give this one another name."
        )

    return spec.environment_id, decide


def in_flow(wanted: AcceptedRun, priority: Priority, bulk: str | None = None) -> AcceptedRun:
    """The same run with this priority, or as one of this bulk."""
    run = wanted.run.in_flow(priority, bulk)
    return replace(wanted, run=run, fields={**wanted.fields, "run": run.model_dump_json()})


def in_order(wish: Wish, priority: Priority, bulk: str | None = None) -> Wish:
    """The same request, for a run with this priority, or of this bulk."""
    environment_id, decide = wish

    def decide_in_order(seen: Record | None, now: float) -> AcceptedRun | Ticket:
        decided = decide(seen, now)
        return in_flow(decided, priority, bulk) if isinstance(decided, AcceptedRun) else decided

    return environment_id, decide_in_order


def about(environment_id: str, decide: Callable[[Record, float], AcceptedRun | Ticket]) -> Wish:
    """A request that is about an environment that is there."""

    def decide_if_known(seen: Record | None, now: float) -> AcceptedRun | Ticket:
        if seen is None:
            raise unknown(environment_id)
        return decide(seen, now)

    return environment_id, decide_if_known


def destroy(seen: Record, now: float, *, force: bool = False) -> AcceptedRun | Ticket:
    if seen.state is State.CLEANING and force and not seen.run.force:
        raise NotAllowed(
            f"{seen.environment_id} is being taken down without force already: ask again should "
            f"that fail."
        )
    if seen.state in HOLDS_NOTHING or seen.state is State.CLEANING:
        return existing(seen)
    return destroyed(seen, now, force=force)


def cancel(seen: Record, now: float) -> AcceptedRun | Ticket:
    return existing(seen) if seen.run.reason == "cancel" else cancelled(seen, now)


def change(
    operation: Operation, targets: Sequence[str]
) -> Callable[[Record, float], AcceptedRun | Ticket]:
    """A request to do this to these instances and groups; done again meanwhile, it is one."""

    def decide(seen: Record, now: float) -> AcceptedRun | Ticket:
        asked = seen.run.change if seen.state is State.CHANGING else None
        if asked and (asked.operation, asked.targets) == (operation, (*dict.fromkeys(targets),)):
            return existing(seen)
        return changed(seen, now, operation, targets)

    return decide


def unknown(name: str) -> UnknownEnvironment:
    return UnknownEnvironment(f"There is no environment {name}: `envwright list` shows all.")


def ticket_for(wanted: AcceptedRun) -> Ticket:
    return Ticket(
        environment_id=wanted.environment_id,
        run_id=wanted.run.id,
        state=wanted.state,
        accepted=True,
    )


def existing(record: Record) -> Ticket:
    return Ticket(
        environment_id=record.environment_id,
        run_id=record.run.id,
        state=record.state,
        accepted=False,
    )
