"""The client for other services: enqueue environments, follow them, retry and destroy them.

from envwright.client import Client
from envwright.spec import load_spec

client = Client()                                  # reads ENVWRIGHT_REDIS_URL
ticket = client.enqueue(load_spec("web.yaml"))
record = client.wait(ticket.environment_id, timeout=900)
"""

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Self

from pydantic import BaseModel, ConfigDict

from envwright.errors import (
    AmbiguousName,
    NotAllowed,
    SpecConflict,
    StoreUnavailable,
    UnknownEnvironment,
    WaitTimeout,
)
from envwright.names import CLEANUP_STEPS, Step
from envwright.parked import Parked
from envwright.record import HOLDS_NOTHING, Event, Record, RunKind, State
from envwright.runs import AcceptedRun, accepted, cleanup, enqueued, new_run
from envwright.settings import ClientSettings
from envwright.spec import EnvironmentSpec, parse_spec
from envwright.store import Store

if TYPE_CHECKING:
    from celery import Celery

_CHUNK: Final = 500
_TRIES: Final = 20

logger = logging.getLogger(__name__)


class Ticket(BaseModel):
    """The answer to a request: which environment, which run, and whether the run is a new one."""

    model_config = ConfigDict(frozen=True)

    environment_id: str
    run_id: str
    state: State
    accepted: bool


Answer = Ticket | SpecConflict | NotAllowed
"""What comes of one of many specs: a ticket, or why there is none."""


class Client:
    """Talks to envwright through Redis. Safe to share between threads.

    Every method raises `StoreUnavailable` when Redis does not answer; what was accepted before
    that is kept and carried out. Whether the request itself was, nobody can know then: ask
    again, which makes no second run of it.
    """

    def __init__(self, settings: ClientSettings | None = None, **overrides: Any) -> None:
        """Take the settings from `ENVWRIGHT_*`, or from arguments such as `redis_url`."""
        self.settings = settings or ClientSettings(**overrides)
        self._store = Store(self.settings)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._store.close()
        if "_celery" in self.__dict__:
            self._celery.close()

    def now(self) -> float:
        """Redis' clock, in Unix seconds: what the times in records and events go by."""
        return self._store.now()

    def enqueue(self, spec: EnvironmentSpec | Mapping[str, Any]) -> Ticket:
        """Ask for an environment; returns as soon as the job is on record.

        The same spec again is the same environment and no second run. After `cleaned` or
        `destroyed`, when AWS holds nothing of it, any spec starts anew.

        Raises `SpecError` before anything is written, `SpecConflict` when the environment
        exists with another spec, and `NotAllowed` while it is being taken down.
        """
        (answer,) = self.enqueue_many([spec])
        if isinstance(answer, SpecConflict | NotAllowed):
            raise answer
        return answer

    def enqueue_many(self, specs: Sequence[EnvironmentSpec | Mapping[str, Any]]) -> list[Answer]:
        """Ask for many environments at once; the answers come in the order of the specs.

        Every spec is validated before the first is written (`SpecError`). A refusal is an
        answer of its own, so that it does not keep the others from being accepted.
        """
        valid = [one if isinstance(one, EnvironmentSpec) else parse_spec(one) for one in specs]
        answers: list[Answer] = []
        for start in range(0, len(valid), _CHUNK):
            answers += self._enqueue_chunk(valid[start : start + _CHUNK])
        return answers

    def retry(self, name: str) -> Ticket:
        """Go on with what failed: at the step that failed, or from the start after a cleanup.

        Raises `UnknownEnvironment`, and `NotAllowed` when nothing failed.
        """
        for _ in range(_TRIES):
            record = self.status(name)
            now = self._store.now()
            if record.state is State.CLEANUP_FAILED:
                run = cleanup("retry", record.run.goal, record, now)
                first = CLEANUP_STEPS[0]
            elif record.state in (State.FAILED, State.CLEANED):
                run = new_run(RunKind.PROVISION, "retry", State.READY, now, record.spec.deadline)
                first = _resumed_at(record)
            else:
                raise NotAllowed(
                    f"{record.environment_id} is {record.state}: only what failed, or was "
                    f"cleaned up after a failure, can be retried."
                )
            anew = record.state is State.CLEANED
            wanted = accepted(record.environment_id, record, run, first, starts_anew=anew)
            if self._store.accept([wanted])[0]:
                self._wake(wanted)
                return _new(wanted)
        raise self._contended(name)

    def destroy(self, name: str) -> Ticket:
        """Take an environment down, whatever it is doing; its record stays.

        Where AWS holds nothing of it, or it is being taken down already, no new run starts.
        Raises `UnknownEnvironment`.
        """
        for _ in range(_TRIES):
            record = self.status(name)
            if record.state in HOLDS_NOTHING or record.state is State.CLEANING:
                return _existing(record)
            run = cleanup("destroy", State.DESTROYED, record, self._store.now())
            wanted = accepted(record.environment_id, record, run, CLEANUP_STEPS[0])
            if self._store.accept([wanted])[0]:
                self._wake(wanted)
                return _new(wanted)
        raise self._contended(name)

    def status(self, name: str) -> Record:
        """The record of an environment, by its id or its name.

        Raises `UnknownEnvironment`, or `AmbiguousName` when several regions or accounts have it.
        """
        environment_id = self.resolve(name)
        (record,) = self._store.read([environment_id])
        if record is None:
            raise UnknownEnvironment(f"There is no environment {name}: `envwright list` shows all.")
        return record

    def environments(self) -> Iterator[Record]:
        """The records of all environments, the newest first."""
        ids = self._store.environment_ids()[::-1]
        for start in range(0, len(ids), _CHUNK):
            yield from self._store.read_readable(ids[start : start + _CHUNK])

    def parked(self) -> Parked:
        """What workers could not read: messages that were set aside, and records."""
        return self._store.parked()

    def resolve(self, name: str) -> str:
        """The id of the one environment with this name; an id is returned as it is."""
        if "." in name:
            return name
        found = self._store.environment_ids(name)
        if not found:
            raise UnknownEnvironment(f"There is no environment {name}: `envwright list` shows all.")
        if len(found) > 1:
            raise AmbiguousName(f"Several environments are named {name}: give one of {found}.")
        return found[0]

    def events(self, name: str) -> list[Event]:
        """The history of an environment, the oldest event first."""
        return self._store.events(self.status(name).environment_id)

    def wait(self, name: str, timeout: float | None = None) -> Record:
        """Wait until nobody works on the environment any more, and return its record.

        Raises `WaitTimeout` after `timeout` seconds; the job goes on all the same.
        """
        environment_id = self.resolve(name)
        deadline = None if timeout is None else time.monotonic() + timeout
        last = "0"
        while True:
            record = self.status(environment_id)
            if record.at_rest:
                return record
            left = 3600.0 if deadline is None else deadline - time.monotonic()
            if left <= 0:
                raise WaitTimeout(
                    f"{environment_id} is still {record.state} (step {record.step}) after "
                    f"{timeout:g} s; its job goes on."
                )
            for events in self.follow({environment_id: last}, left).values():
                last = events[-1].id

    def follow(self, after: Mapping[str, str], timeout: float) -> dict[str, list[Event]]:
        """Wait for the next events of several environments: id → the last event id seen."""
        return self._store.wait_for_events(after, timeout)

    def _enqueue_chunk(self, specs: Sequence[EnvironmentSpec]) -> list[Answer]:
        answers: dict[int, Answer] = {}
        for _ in range(_TRIES):
            open_ones = [index for index in range(len(specs)) if index not in answers]
            if not open_ones:
                return [answers[index] for index in range(len(specs))]
            now = self._store.now()
            seen = self._store.read([specs[index].environment_id for index in open_ones])
            wanted: dict[int, AcceptedRun] = {}
            for index, record in zip(open_ones, seen, strict=True):
                spec = specs[index]
                if record is None or record.state in HOLDS_NOTHING:
                    wanted[index] = enqueued(spec, record, now)
                elif record.state is State.CLEANING:
                    answers[index] = NotAllowed(
                        f"{spec.environment_id} is being taken down: enqueue it again when that "
                        f"is done."
                    )
                elif record.spec.digest == spec.digest:
                    answers[index] = _existing(record)
                else:
                    answers[index] = SpecConflict(
                        f"{spec.environment_id} exists already ({record.state}) with another "
                        f"spec: take it down first, or give this one another name."
                    )
            written = self._store.accept(list(wanted.values()))
            wake = True
            for (index, one), is_written in zip(wanted.items(), written, strict=True):
                if is_written:
                    answers[index] = _new(one)
                    # One time-out is enough: the sweeper finds what nobody is woken up for.
                    wake = wake and self._wake(one)
        raise self._contended(specs[0].environment_id)

    def _wake(self, wanted: AcceptedRun) -> bool:
        """Send the run's message. It is on record: should this fail, the sweeper sends it."""
        from envwright.messages import send_run

        run = wanted.run
        try:
            send_run(self._celery, wanted.environment_id, run.id, run.kind, wanted.first)
        except Exception as error:
            logger.warning(
                "The run %s of %s is accepted; its message could not be sent (%s), so a worker "
                "will find it by itself.",
                run.id,
                wanted.environment_id,
                error,
            )
            return False
        return True

    @cached_property
    def _celery(self) -> "Celery":
        from envwright.messages import producer

        return producer(self.settings)

    @staticmethod
    def _contended(name: str) -> StoreUnavailable:
        return StoreUnavailable(
            f"{name} changed each time that this request was about to be written: try again."
        )


def _resumed_at(record: Record) -> Step:
    """The step at which a provision run goes on.

    What `ready` found wrong was made by an earlier step, so all of them look again.
    """
    anew = record.state is State.CLEANED or record.step is Step.READY
    return Step.NETWORK if anew else record.step


def _new(wanted: AcceptedRun) -> Ticket:
    return Ticket(
        environment_id=wanted.environment_id,
        run_id=wanted.run.id,
        state=State(wanted.fields["state"]),
        accepted=True,
    )


def _existing(record: Record) -> Ticket:
    return Ticket(
        environment_id=record.environment_id,
        run_id=record.run.id,
        state=record.state,
        accepted=False,
    )
