"""For callers' own tests: a client without Redis, and without a worker.

    from envwright.testing import InMemoryClient

    client = InMemoryClient()
    start_the_thing_that_enqueues(client)
    client.finish("web", State.READY)            # what a worker would have done

It takes and refuses exactly what the real client does, since it is the real client on another
store; only the worker's part is yours to play, by `finish`.
"""

import threading
import time
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any, Final

from envwright.acceptance import Acceptance, Messenger
from envwright.bulk_memory import InMemoryBulkStore
from envwright.client import Client
from envwright.errors import NotAnswered, StoreCorrupt
from envwright.expiry import MovedExpiry
from envwright.failure import Failure
from envwright.names import has_name
from envwright.outputs import Instance, Outputs
from envwright.parked import Parked
from envwright.plan import Plan
from envwright.record import (
    LOOKUP_FIELD,
    RESOURCE_FIELD,
    Event,
    Record,
    ResourceRecord,
    ResourceState,
)
from envwright.record_fields import record_from_fields
from envwright.runs import AcceptedRun, expired
from envwright.settings import ClientSettings
from envwright.sight import Console, Sight, read_console
from envwright.spec import EnvironmentSpec, parse_spec
from envwright.states import LEGAL_MOVES, State
from envwright.store import Store
from envwright.targets import instances_key

_WAY_OF_A_RUN: Final = {State.QUEUED: State.PROVISIONING}


def _is_as_seen(have: Mapping[str, str], seen: Record, *, step: str) -> bool:
    there = have.get("state"), have.get("run_id"), have.get("step"), have.get("expiry_id", "")
    return there == (seen.state, seen.run.id, step, seen.expiry.id if seen.expiry else "")


class InMemoryStore(Store):
    """Keeps records and events in this process."""

    def __init__(self) -> None:
        self._fields: dict[str, dict[str, str]] = {}
        self._history: dict[str, list[Event]] = {}
        self.members: dict[str, dict[str, None]] = {}
        self._serial = count(1)
        self._changed = threading.Condition()

    def close(self) -> None:
        """Nothing is open."""

    def now(self) -> float:
        return time.time()

    def read(self, environment_ids: Sequence[str]) -> list[Record | None]:
        with self._changed:
            return [
                record_from_fields(one, self._fields[one]) if one in self._fields else None
                for one in environment_ids
            ]

    def read_each(self, environment_ids: Sequence[str]) -> list[Record | StoreCorrupt | None]:
        return [*self.read(environment_ids)]

    def parked(self) -> Parked:
        return Parked()

    def environment_ids(self, name: str | None = None) -> list[str]:
        with self._changed:
            return [one for one in self._fields if name is None or has_name(one, name)]

    def accept(self, runs: Sequence[AcceptedRun]) -> list[bool]:
        with self._changed:
            return [self._accept_one(run) for run in runs]

    def move_expiry(self, moved: MovedExpiry) -> bool:
        with self._changed:
            have, seen = self._fields[moved.environment_id], moved.seen
            if not _is_as_seen(have, seen, step=have["step"]):
                return False
            self.write(moved.environment_id, moved.expiry.fields, *moved.events)
            return True

    def confirm(self) -> None:
        """Memory has no replicas."""

    def events(self, environment_id: str, after: str = "-") -> list[Event]:
        start = 0 if after in ("-", "0") else int(after)
        with self._changed:
            return [one for one in self._history.get(environment_id, []) if int(one.id) > start]

    def wait_for_events(self, after: Mapping[str, str], timeout: float) -> dict[str, list[Event]]:
        def news() -> dict[str, list[Event]]:
            found = {one: self.events(one, last) for one, last in after.items()}
            return {one: events for one, events in found.items() if events}

        with self._changed:
            self._changed.wait_for(news, timeout)
            return news()

    def write(self, environment_id: str, fields: Mapping[str, str], *events: Event) -> None:
        """Change a record, and tell it in events."""
        with self._changed:
            self._fields[environment_id] |= {**fields, "updated_at": str(self.now())}
            history = self._history.setdefault(environment_id, [])
            for event in events:
                told = {"id": str(next(self._serial)), "at": self.now()}
                history.append(event.model_copy(update=told))
            self._changed.notify_all()

    def _accept_one(self, run: AcceptedRun) -> bool:
        have = self._fields.get(run.environment_id, {})
        if not (_is_as_seen(have, run.seen, step=run.seen.step) if run.seen else not have):
            return False
        self._fields[run.environment_id] = {
            field: value
            for field, value in have.items()
            if not (run.starts_anew and field.startswith(LOOKUP_FIELD))
        }
        fields = dict(run.fields)
        if run.run.bulk is not None and run.starts_in_line:
            self.members.setdefault(run.run.bulk, {})[run.environment_id] = None
            fields["line"] = f"{run.run.id} {run.run.flow}"
        self.write(run.environment_id, fields, *run.events)
        return True


class InMemoryClient(Client):
    """The client, on a store in memory. Sends nothing: no worker would listen."""

    def __init__(self) -> None:
        self.settings = ClientSettings.model_construct()
        self._memory = InMemoryStore()
        self._store = self._memory
        # Nobody is there to be woken up: no message is sent.
        self._messenger = Messenger(self.settings)
        self._acceptance = Acceptance(self._memory, lambda run: True)
        self._bulks = InMemoryBulkStore(self._memory.now, self._memory.read, self._memory.members)
        self._sights: dict[str, Sight] = {}
        self._consoles: dict[str, Console] = {}
        self._plans: dict[str, Plan] = {}

    def finish(
        self,
        name: str,
        state: State,
        *,
        outputs: Outputs | None = None,
        failure: Failure | None = None,
    ) -> Record:
        """Bring an environment to this state, as the worker would.

        The instances of `outputs` are there from then on, to be looked at and changed.
        Raises `ValueError` when no worker could from where it stands.
        """
        record = self.status(name)
        standing = _WAY_OF_A_RUN.get(record.state, record.state)
        if state not in LEGAL_MOVES[standing]:
            raise ValueError(f"No worker brings an environment from {record.state} to {state}.")
        fields = {"state": str(state)}
        if record.expiry is not None:
            fields |= record.expiry.model_copy(update={"counted_from": None}).fields
        if outputs is not None:
            fields |= {"outputs": outputs.model_dump_json(), **self._made(outputs.instances)}
        if failure is not None:
            of_cleanup = state is State.CLEANUP_FAILED
            field = "cleanup_failure" if of_cleanup else "failure"
            fields[field] = failure.model_dump_json()
        event = Event(type="state", run=record.run.id, state=state)
        self._memory.write(record.environment_id, fields, event)
        return self.status(record.environment_id)

    def _made(self, instances: Sequence[Instance]) -> dict[str, str]:
        """The record's fields that hold these instances, as a worker writes them."""
        ids: dict[str, list[str]] = {}
        for one in instances:
            ids.setdefault(instances_key(one.group, one.zone), []).append(one.id)
        made = {
            key: ResourceRecord(state=ResourceState.READY, ids=tuple(some), at=self.now())
            for key, some in ids.items()
        }
        return {f"{RESOURCE_FIELD}{key}": one.model_dump_json() for key, one in made.items()}

    def expire(self, name: str) -> Record:
        """Let an environment's time to live pass, as a worker would find it: a cleanup begins.

        Raises `ValueError` when it has no end, and `NotAllowed` while it is being taken down.
        """
        record = self.status(name)
        if record.expires_at is None:
            raise ValueError(f"{record.environment_id} has no end that could come.")
        self._memory.accept([expired(record, self.now())])
        return self.status(record.environment_id)

    def show(self, name: str, sight: Sight, consoles: Mapping[str, Console] | None = None) -> None:
        """Have AWS say this of the instances, and of their consoles by id, from now on."""
        self._sights[self.resolve(name)] = sight
        self._consoles |= consoles or {}

    def show_plan(self, plan: Plan) -> None:
        """Have a worker say this of every spec of its environment, from now on."""
        self._plans[plan.environment_id] = plan

    def plan(
        self, spec: EnvironmentSpec | Mapping[str, Any], *, check: bool = False, timeout: float = 60
    ) -> Plan:
        """What `show_plan` was given. Raises `SpecError`, and `NotAnswered` as `look` does."""
        wanted = spec if isinstance(spec, EnvironmentSpec) else parse_spec(spec)
        if wanted.environment_id not in self._plans:
            raise _nobody_answers(timeout)
        return self._plans[wanted.environment_id]

    def look(self, name: str, timeout: float = 10.0) -> Sight:
        """What `show` was given. Raises `NotAnswered` where that is nothing."""
        environment_id = self.status(name).environment_id
        if environment_id not in self._sights:
            raise _nobody_answers(timeout)
        return self._sights[environment_id]

    def console(self, name: str, instance: str, timeout: float = 30.0) -> Console:
        """What `show` was given. Raises `UnknownInstance`, and `NotAnswered` as `look` does."""
        asked = read_console(self.status(name), instance)
        if asked.instance not in self._consoles:
            raise _nobody_answers(timeout)
        return self._consoles[asked.instance]


def _nobody_answers(timeout: float) -> NotAnswered:
    return NotAnswered(f"No worker has answered within {timeout:g} s: there is none.")
