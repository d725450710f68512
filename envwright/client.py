"""The client for other services: enqueue environments, follow, cancel, retry and destroy them.

from envwright.client import Client
from envwright.spec import load_spec

client = Client()                                  # reads ENVWRIGHT_REDIS_URL
ticket = client.enqueue(load_spec("web.yaml"))
record = client.wait(ticket.environment_id, timeout=900)
"""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cached_property, partial
from typing import Any, Self

from envwright import requests
from envwright.acceptance import CHUNK, TRIES, Acceptance, Messenger, contended
from envwright.bulk_requests import BulkRequests
from envwright.bulk_store import BulkStore
from envwright.change import Operation
from envwright.errors import AmbiguousName, WaitTimeout
from envwright.expiry import Extension, extended
from envwright.parked import Parked
from envwright.plan import Plan, PlanQuestion
from envwright.priority import Priority
from envwright.questions import Questions
from envwright.record import Event, Record
from envwright.requests import Answer, Ticket
from envwright.runs import AcceptedRun, retried
from envwright.settings import ClientSettings
from envwright.sight import Console, Sight, look_at, read_console
from envwright.spec import EnvironmentSpec, parse_spec
from envwright.states import RETRYABLE, State
from envwright.store import Store

__all__ = ["Answer", "Client", "Ticket"]


class Client(BulkRequests):
    """Talks to envwright through Redis. Safe to share between threads.

    Every method raises `StoreUnavailable` when Redis does not answer; what was accepted before
    that is kept and carried out. Whether the request itself was, nobody can know then: ask
    again, which makes no second run of it.
    """

    def __init__(self, settings: ClientSettings | None = None, **overrides: Any) -> None:
        """Take the settings from `ENVWRIGHT_*`, or from arguments such as `redis_url`."""
        self.settings = settings or ClientSettings(**overrides)
        self._store = Store(self.settings)
        self._messenger = Messenger(self.settings)
        self._acceptance = Acceptance(self._store, self._messenger.send)
        self._bulks = BulkStore(self.settings)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._store.close()
        self._bulks.close()
        self._messenger.close()
        if "_questions" in self.__dict__:
            self._questions.close()

    def now(self) -> float:
        """Redis' clock, in Unix seconds: what the times in records and events go by."""
        return self._store.now()

    def enqueue(
        self,
        spec: EnvironmentSpec | Mapping[str, Any],
        *,
        priority: Priority = Priority.NORMAL,
    ) -> Ticket:
        """Ask for an environment; returns as soon as the job is on record.

        `priority` says which of the jobs that wait goes first.

        The same spec again is the same environment and no second run. After `cleaned` or
        `destroyed`, when AWS holds nothing of it, any spec starts anew.

        Raises `SpecError` before anything is written, `SpecConflict` when the environment
        exists with another spec, and `NotAllowed` while it is being taken down.
        """
        (answer,) = self.enqueue_many([spec], priority=priority)
        if isinstance(answer, Ticket):
            return answer
        raise answer

    def enqueue_many(
        self,
        specs: Sequence[EnvironmentSpec | Mapping[str, Any]],
        *,
        priority: Priority = Priority.NORMAL,
    ) -> list[Answer]:
        """Ask for many environments at once; the answers come in the order of the specs.

        Every spec is validated before the first is written (`SpecError`). A refusal is an
        answer of its own, so that it does not keep the others from being accepted; so is a
        `StoreCorrupt`, where what Redis holds of an environment cannot be read.
        """
        valid = [one if isinstance(one, EnvironmentSpec) else parse_spec(one) for one in specs]
        wanted = Priority(priority)
        return self._acceptance.ask_all(
            [requests.in_order(requests.for_spec(one), wanted) for one in valid]
        )

    def plan(
        self, spec: EnvironmentSpec | Mapping[str, Any], *, check: bool = False, timeout: float = 60
    ) -> Plan:
        """What a spec would make, by which calls, and what it takes of the account's quotas.

        A worker finds it out and changes nothing; with `check` it also asks AWS which permissions
        are missing. Raises `SpecError`, and `NotAnswered` when the worker cannot, or none answers
        in `timeout` seconds.
        """
        wanted = spec if isinstance(spec, EnvironmentSpec) else parse_spec(spec)
        return self._questions.ask(PlanQuestion(spec=wanted, check=check), timeout)

    def retry(self, name: str) -> Ticket:
        """Go on with what failed: at the step that failed, or from the start after a cleanup.

        Raises `UnknownEnvironment`, and `NotAllowed` when nothing failed.
        """
        return self._ask(name, retried)

    def retry_many(self, names: Sequence[str]) -> list[Answer]:
        """Go on with many environments at once; the answers come in the order of the names.

        A refusal is an answer of its own, so that it does not keep the others from going on.
        Raises `UnknownEnvironment` before anything is written.
        """
        ids = [self.resolve(name) for name in names]
        return self._acceptance.ask_all([requests.about(one, retried) for one in ids])

    def cancel(self, name: str) -> Ticket:
        """Call off the run that builds an environment; its spec says what becomes of it.

        With `on_failure: cleanup` a cleanup run begins, and with `hold` what was made stays, and
        `retry` can go on from there. Calls to AWS that are under way are answered and recorded.
        A run that was cancelled already is not cancelled again.

        Raises `UnknownEnvironment`, and `NotAllowed` when no run builds it.
        """
        return self._ask(name, requests.cancel)

    def destroy(self, name: str, *, force: bool = False) -> Ticket:
        """Take an environment down, whatever it is doing; its record stays.

        Where AWS holds nothing of it, or it is being taken down already, no new run starts. What
        waits in line unbegun is `destroyed` at once: there is nothing to wait for.
        `force` lifts the termination protection of its instances, whoever has set it.

        Raises `UnknownEnvironment`, and `NotAllowed` where the spec has instances protected, or
        force comes too late.
        """
        return self._ask(name, partial(requests.destroy, force=force))

    def change(
        self, name: str, operation: Operation | str, instances: Sequence[str] = ()
    ) -> Ticket:
        """Stop, start, reboot, terminate or replace instances of an environment that is ready.

        `instances` are ids and names of groups. Without any, all are meant, but to terminate and
        to replace they must be named. The same request again while it is carried out is no second
        run. Of a reboot at least one is promised: after a worker's death or a lost reply it may be
        asked for again.

        Raises `UnknownEnvironment`, `UnknownInstance` before anything is written, and
        `NotAllowed` when the environment is not ready.
        """
        return self._ask(name, requests.change(Operation(operation), instances))

    def extend(
        self,
        name: str,
        *,
        by: float | None = None,
        until: float | None = None,
        never: bool = False,
    ) -> Record:
        """Move the end of an environment's time to live, or give it one; returns its record.

        `by` is in seconds, counted from the end that it has, or would have if let in now, or from
        now, and adds up with each call. `until` is a Unix time, and may come before the end that it
        has. With `never` it lives until somebody takes it down. What is there already stays.

        Raises `UnknownEnvironment`; `NotAllowed` where AWS holds nothing of it, where a cleanup
        has begun, and for an end that is less than 5 minutes or more than 365 days away; and
        `ValueError` where not exactly one of the three is given, or no finite number.
        """
        extension = Extension.of(by, until, never)
        environment_id = self.resolve(name)
        for _ in range(TRIES):
            seen = self.status(environment_id)
            moved = extended(seen, extension, self._store.now())
            if moved is None or self._store.move_expiry(moved):
                self._store.confirm()
                return seen if moved is None else seen.model_copy(update={"expiry": moved.expiry})
        raise contended(environment_id)

    def status(self, name: str) -> Record:
        """The record of an environment, by its id or its name.

        Raises `UnknownEnvironment`, or `AmbiguousName` when several regions or accounts have it.
        """
        environment_id = self.resolve(name)
        (record,) = self._store.read([environment_id])
        if record is None:
            raise requests.unknown(name)
        return record

    def look(self, name: str, timeout: float = 10.0) -> Sight:
        """How AWS has the instances of an environment now; a worker looks.

        Raises `UnknownEnvironment`, and `NotAnswered` when no worker could tell in `timeout`
        seconds.
        """
        return self._questions.ask(look_at(self.status(name)), timeout)

    def console(self, name: str, instance: str, timeout: float = 30.0) -> Console:
        """What an instance has written to its console; a worker asks AWS.

        It may hold secrets: it is in no log and no event, and gone from Redis when it was read.
        Raises `UnknownEnvironment`, `UnknownInstance`, and `NotAnswered` as `look` does.
        """
        return self._questions.ask(read_console(self.status(name), instance), timeout)

    def environments(self) -> Iterator[Record]:
        """The records of all environments, the newest first."""
        ids = self._store.environment_ids()[::-1]
        for start in range(0, len(ids), CHUNK):
            yield from self._store.read_readable(ids[start : start + CHUNK])

    def parked(self) -> Parked:
        """What workers could not read: messages that were set aside, and records."""
        return self._store.parked()

    def retryable(
        self, states: Collection[State] = RETRYABLE, error: str | None = None
    ) -> Iterator[Record]:
        """What can be retried: in these states, and because of this error, the newest first.

        `error` is a failure's category, AWS's error code, or the class of one (`throttled`,
        `transient`, `quota`, …), in any case of letters.
        """
        for record in self.environments():
            failure = record.last_failure
            is_meant = error is None or (failure is not None and failure.is_of(error))
            if is_meant and record.state in states and record.state in RETRYABLE:
                yield record

    def resolve(self, name: str) -> str:
        """The id of the one environment with this name; an id is returned as it is."""
        if "." in name:
            return name
        found = self._store.environment_ids(name)
        if not found:
            raise requests.unknown(name)
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

    def _ask(self, name: str, decide: Callable[[Record, float], AcceptedRun | Ticket]) -> Ticket:
        """Make one request. Raises what it is refused with."""
        (answer,) = self._acceptance.ask_all([requests.about(self.resolve(name), decide)])
        if isinstance(answer, Ticket):
            return answer
        raise answer

    @cached_property
    def _questions(self) -> Questions:
        return Questions(self.settings)
