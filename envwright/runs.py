"""The runs that callers ask for: what is written into a record to make it do something new."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from envwright.change import Change, Operation
from envwright.errors import NotAllowed
from envwright.expiry import ending, expiry_of
from envwright.failure import Failure, FailureCategory
from envwright.names import CHANGE_STEPS, CLEANUP_STEPS, RECORD_FORMAT, Step
from envwright.new_run import CHANGE_DEADLINE, cleanup, new_id, new_run
from envwright.protection import refuse_protected
from envwright.record import FRESH_STEP, Event, Expiry, Record, Run, RunKind
from envwright.spec import EnvironmentSpec
from envwright.states import (
    CHANGEABLE,
    HOLDS_NOTHING,
    LEGAL_MOVES,
    RETRYABLE,
    UNDER_CONSTRUCTION,
    State,
)
from envwright.targets import resolved

_FROM_THE_START: Final = frozenset({Step.INSTANCE, Step.READY})
"""The steps that wait for what earlier ones made: on a retry, all of them look again."""

_BEGINS_AS: Final = {
    RunKind.PROVISION: State.QUEUED,
    RunKind.CLEANUP: State.CLEANING,
    RunKind.CHANGE: State.CHANGING,
}


@dataclass(frozen=True, slots=True)
class AcceptedRun:
    """A run to be written: the record as the caller saw it, and what it shall become."""

    environment_id: str
    run: Run
    first: Step
    seen: Record | None
    fields: Mapping[str, str]
    events: tuple[Event, ...]
    starts_anew: bool = False
    """Whether what was looked up for an earlier run is forgotten."""
    expiry: Expiry | None = None
    """The end of the environment's time to live, where the run sets it."""

    @property
    def state(self) -> State:
        """The state in which the environment is from then on."""
        return State(self.fields["state"])

    @property
    def starts_in_line(self) -> bool:
        """Whether it waits to be let in from the beginning, without a message of its own."""
        return self.state is State.QUEUED and self.run.bulk is not None


def enqueued(spec: EnvironmentSpec, seen: Record | None, now: float) -> AcceptedRun:
    """The run that builds an environment of which AWS holds nothing."""
    fields = {"spec": spec.canonical_json(), "recovered": ""}
    if seen is None:
        fields |= {"format": str(RECORD_FORMAT), "created_at": f"{now:.3f}"}
    if seen is None or seen.recovered:
        # The lost record's client tokens are not known, and none of them may be used again.
        fields["uid"] = new_id()
    run = new_run(RunKind.PROVISION, "enqueue", State.READY, now, spec.deadline)
    life = expiry_of(spec, now)
    return accepted(
        spec.environment_id, seen, run, Step.NETWORK, fields, starts_anew=True, expiry=life
    )


def retried(seen: Record, now: float) -> AcceptedRun:
    """The run that goes on with what failed. Raises `NotAllowed` when nothing did."""
    name = seen.environment_id
    if seen.state is State.CHANGE_FAILED and seen.run.change is not None:
        return _change("retry", seen.run.change, seen, now)
    if seen.state is State.CLEANUP_FAILED:
        run = cleanup("retry", seen.run.goal, seen, now, force=seen.run.force)
        return accepted(name, seen, run, CLEANUP_STEPS[0])
    if seen.spec is None or seen.state not in RETRYABLE:
        lost = "" if seen.spec else " What this one was to be is lost."
        raise NotAllowed(
            f"{name} is {seen.state}: only what failed, or was cleaned up after a failure, can be "
            f"retried.{lost}"
        )
    run = new_run(RunKind.PROVISION, "retry", State.READY, now, seen.spec.deadline)
    anew = seen.state is State.CLEANED
    first = Step.NETWORK if anew or seen.step in _FROM_THE_START else seen.step
    # What is held has cost money since it was first asked for: its end stays.
    never_lived = seen.expiry is not None and seen.expiry.counted_from is not None
    life = expiry_of(seen.spec, now) if anew or never_lived else None
    return accepted(name, seen, run, first, starts_anew=anew, expiry=life)


def destroyed(seen: Record, now: float, *, force: bool = False) -> AcceptedRun:
    """The cleanup run that takes an environment down because somebody asked for it.

    Of what waits in line unbegun, it has ended as soon as it is written. Raises `NotAllowed` where
    instances are protected, unless by `force`.
    """
    if not force:
        refuse_protected(seen)
    return _taken_down(cleanup("destroy", State.DESTROYED, seen, now, force=force), seen, now)


def _taken_down(
    run: Run,
    seen: Record,
    now: float,
    fields: Mapping[str, str] | None = None,
    expiry: Expiry | None = None,
) -> AcceptedRun:
    """This cleanup run. Of what is unbegun, it has ended with its begin."""
    life = ending(None, now) if seen.is_unbegun else expiry
    wanted = accepted(seen.environment_id, seen, run, CLEANUP_STEPS[0], fields, expiry=life)
    if not seen.is_unbegun:
        return wanted
    told = Event(type="state", run=run.id, state=run.goal, message="Nothing of it had been begun.")
    ended = {**wanted.fields, "state": str(run.goal)}
    return replace(wanted, fields=ended, events=(*wanted.events, told))


def changed(seen: Record, now: float, operation: Operation, targets: Sequence[str]) -> AcceptedRun:
    """The run that does an operation to these instances, or to all of these groups.

    Raises `NotAllowed` where the environment is not ready, and `UnknownInstance`.
    """
    if seen.state not in CHANGEABLE:
        raise NotAllowed(
            f"{seen.environment_id} is {seen.state}: its instances can be changed when it is ready."
        )
    change = resolved(seen, operation, targets)
    wanted = _change(operation, change, seen, now)
    return replace(wanted, fields={**wanted.fields, "rebooted": ""})


def _change(reason: str, change: Change, seen: Record, now: float) -> AcceptedRun:
    run = new_run(RunKind.CHANGE, reason, State.READY, now, CHANGE_DEADLINE)
    run = run.model_copy(update={"change": change})
    wanted = accepted(seen.environment_id, seen, run, CHANGE_STEPS[0])
    if seen.outputs is None:
        return wanted
    # Those that are worked on have no address to rely on; the others go on as they are.
    left = tuple(one for one in seen.outputs.instances if one.id not in change.ids)
    outputs = seen.outputs.model_copy(update={"instances": left})
    return replace(wanted, fields={**wanted.fields, "outputs": outputs.model_dump_json()})


def expired(seen: Record, now: float) -> AcceptedRun:
    """The cleanup run that takes an environment down at the end of its time to live.

    Raises `NotAllowed` while it is being taken down already, and where instances are protected.
    """
    refuse_protected(seen)
    run = cleanup("expired", State.DESTROYED, seen, now)
    wanted = _taken_down(run, seen, now, expiry=ending(None, now))
    told = Event(type="expired", run=seen.run.id, message="Its time to live has passed.")
    return replace(wanted, events=(told, *wanted.events))


def cancelled(seen: Record, now: float) -> AcceptedRun:
    """What takes the place of a run that builds: a cleanup, or nothing where the spec says hold.

    Raises `NotAllowed` when nobody builds the environment.
    """
    if seen.state not in UNDER_CONSTRUCTION:
        raise NotAllowed(_why_not_cancelled(seen))
    where = f"in the {seen.step} step" if seen.state is State.PROVISIONING else "before it began"
    failure = Failure(
        category=FailureCategory.CANCELLED,
        message=f"The run was cancelled {where}.",
        step=seen.step,
    )
    fields = {"failure": failure.model_dump_json()}
    told = Event(
        type="failure",
        run=seen.run.id,
        step=seen.step,
        state=failure.category,
        message=failure.message,
    )
    failed = Event(type="state", run=seen.run.id, step=seen.step, state=State.FAILED)
    if seen.on_failure == "cleanup":
        run = cleanup("cancel", State.CLEANED, seen, now)
        wanted = _taken_down(run, seen, now, fields)
        return replace(wanted, events=(told, failed, *wanted.events))
    # Under another id, by which the worker that is at the run sees that it is over.
    held = seen.run.model_copy(
        update={"id": new_id(), "reason": "cancel", "goal": State.FAILED},
    )
    fields |= _moved(State.FAILED, held, seen.step)
    failed = failed.model_copy(update={"run": held.id})
    # Out of the line, nobody lets it in any more: its end is counted from now.
    life = expiry_of(seen.spec, now) if seen.spec and seen.life_to_begin is not None else None
    fields |= life.fields if life else {}
    return AcceptedRun(
        seen.environment_id, held, seen.step, seen, fields, (told, failed), expiry=life
    )


def _why_not_cancelled(seen: Record) -> str:
    if seen.state is State.CLEANING:
        return f"{seen.environment_id} is being taken down: a cleanup cannot be called off."
    if seen.state is State.CHANGING:
        return f"{seen.environment_id} is changing: only a run that builds can be called off."
    said = f"{seen.environment_id} is {seen.state}: nobody builds it, so there is nothing to cancel"
    if seen.state in HOLDS_NOTHING:
        return f"{said}."
    return f"{said}; `envwright down {seen.environment_id}` takes it down."


def accepted(
    environment_id: str,
    seen: Record | None,
    run: Run,
    first: Step,
    fields: Mapping[str, str] | None = None,
    starts_anew: bool = False,
    expiry: Expiry | None = None,
) -> AcceptedRun:
    """A run on an environment, from this step on; with its end, where the run sets that.

    Raises `NotAllowed` where the state that was seen does not permit it.
    """
    state = _BEGINS_AS[run.kind]
    if seen is not None and state not in LEGAL_MOVES[seen.state]:
        raise NotAllowed(f"{environment_id} is {seen.state}: it cannot become {state}.")
    moved = _moved(state, run, first)
    if run.kind is not RunKind.CLEANUP:
        moved["failure"] = ""
    if expiry is not None:
        moved |= expiry.fields
    event = Event(type="accepted", run=run.id, state=state, message=f"{run.kind} ({run.reason})")
    return AcceptedRun(
        environment_id,
        run,
        first,
        seen,
        {**(fields or {}), **moved},
        (event,),
        starts_anew,
        expiry,
    )


def _moved(state: State, run: Run, step: Step) -> dict[str, str]:
    """What every run writes that takes another one's place."""
    return {
        "state": str(state),
        "step": str(step),
        "run": run.model_dump_json(),
        "run_id": run.id,
        **FRESH_STEP,
        "wakeups": "0",
        "cleanup_failure": "",
        "trouble": "",
        "outputs": "",
    }
