"""The record in Redis, as callers see it: read it, follow its events, accept a run.

What a worker writes under a lease is the worker's own (`tasks/store.py`); both agree on the keys
(`names.Keys`) and on the record's fields (`record_fields.record_from_fields`).
"""

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from redis.exceptions import ResponseError

from envwright.connection import WAITS_IN_A_TIMEOUT, Connection
from envwright.errors import StoreCorrupt
from envwright.expiry import MovedExpiry
from envwright.names import area_of, has_name
from envwright.parked import MESSAGES_KEPT, Parked, parked_from_entry
from envwright.record import LOOKUP_FIELD, Event, Expiry, Record
from envwright.record_fields import record_from_fields
from envwright.runs import AcceptedRun
from envwright.scripts import ACCEPT, MOVE_EXPIRY, TAKE_EXPIRING
from envwright.settings import ClientSettings
from envwright.states import AT_REST

logger = logging.getLogger(__name__)

EVENTS_KEPT: Final = 2000
"""About how many events an environment keeps; the oldest go first."""

PUBLISH_GRACE: Final = 5.0
"""Seconds that whoever accepted a run has to send its message before the sweeper sends one."""

_WRONG_TYPE: Final = "WRONGTYPE"
"""What Redis says where a key holds another type than the command is for."""


def event_from_entry(entry_id: str, fields: Mapping[str, str]) -> Event:
    """Read an event from its stream entry; its time is the entry's, which is Redis' clock."""
    event = Event.model_validate_json(fields["event"])
    return event.model_copy(update={"id": entry_id, "at": int(entry_id.split("-")[0]) / 1000})


def _record_from(environment_id: str, fields: Mapping[str, str] | ResponseError) -> Record | None:
    """The record, or None where there is none. Raises `StoreCorrupt`."""
    if isinstance(fields, ResponseError):
        raise StoreCorrupt(
            f"What Redis holds under the key of the record of {environment_id} is no hash, so no "
            f"record: find out who wrote it, and delete it."
        )
    return record_from_fields(environment_id, fields) if fields else None


def _told(events: Sequence[Event]) -> str:
    return json.dumps([one.model_dump_json(exclude_defaults=True) for one in events])


def _expiry_id(seen: Record | None) -> str:
    return seen.expiry.id if seen and seen.expiry else ""


def _look_at(expiry: Expiry) -> float | str:
    return "never" if expiry.look_at is None else expiry.look_at


def _end_of(run: AcceptedRun) -> float | str:
    """When the end that the run sets must be looked at; empty where it sets none."""
    if run.expiry is None:
        return ""
    is_to_be_counted = run.starts_in_line and run.expiry.counted_from is not None
    return "never" if is_to_be_counted else _look_at(run.expiry)


class Store(Connection):
    """Reads records and events, and accepts runs. Raises `StoreUnavailable` from every method."""

    def __init__(self, settings: ClientSettings) -> None:
        super().__init__(settings)
        self._accept = self._redis.register_script(ACCEPT)
        self._move_expiry = self._redis.register_script(MOVE_EXPIRY)
        self._take_expiring = self._redis.register_script(TAKE_EXPIRING)

    def read(self, environment_ids: Sequence[str]) -> list[Record | None]:
        """The records of these environments, in their order; None where there is no record.

        Raises `StoreCorrupt` when one of them cannot be read.
        """
        return [
            _record_from(environment_id, fields)
            for environment_id, fields in self._fields_of(environment_ids)
        ]

    def read_readable(self, environment_ids: Sequence[str]) -> list[Record]:
        """Those of these records that are there and can be read; the log names the others."""
        found = []
        for one in self.read_each(environment_ids):
            if isinstance(one, Record):
                found.append(one)
            elif one is not None:
                logger.warning("%s", one)
        return found

    def read_each(self, environment_ids: Sequence[str]) -> list[Record | StoreCorrupt | None]:
        """The records of these environments, or why they cannot be read; None where none is."""
        answers: list[Record | StoreCorrupt | None] = []
        for environment_id, fields in self._fields_of(environment_ids):
            try:
                answers.append(_record_from(environment_id, fields))
            except StoreCorrupt as error:
                answers.append(error)
        return answers

    def parked(self) -> Parked:
        """The messages and records that could not be read."""
        with self._answering():
            entries = cast(
                list[tuple[str, dict[str, str]]],
                self._redis.xrevrange(self._keys.parked, count=MESSAGES_KEPT),
            )
        ids = self.environment_ids()
        unreadable = {
            environment_id: str(one)
            for environment_id, one in zip(ids, self.read_each(ids), strict=True)
            if isinstance(one, StoreCorrupt)
        }
        messages = [parked_from_entry(entry_id, fields) for entry_id, fields in entries]
        return Parked(messages=tuple(messages), records=unreadable)

    def _fields_of(
        self, environment_ids: Sequence[str]
    ) -> list[tuple[str, dict[str, str] | ResponseError]]:
        """What is under each record's key, or Redis' error where that is no hash."""
        with self._answering():
            pipe = self._redis.pipeline(transaction=False)
            for environment_id in environment_ids:
                pipe.hgetall(self._keys.record(environment_id))
            answers = cast(list[dict[str, str] | ResponseError], pipe.execute(raise_on_error=False))
            for answer in answers:
                if isinstance(answer, Exception) and _WRONG_TYPE not in str(answer):
                    raise answer
        return list(zip(environment_ids, answers, strict=True))

    def environment_ids(self, name: str | None = None) -> list[str]:
        """The ids of all environments, the newest last; or only of those with this name."""
        with self._answering():
            found = cast(list[str], self._redis.zrange(self._keys.environments, 0, -1))
        return [one for one in found if name is None or has_name(one, name)]

    def accept(self, runs: Sequence[AcceptedRun]) -> list[bool]:
        """Write these runs into their records and put them among what is due, or in line.

        A run is written only while the record is still as the caller saw it; the answer says
        for each whether it was. A request that is repeated after a broken connection finds
        what it wrote before, and is answered alike.
        """
        with self._answering():
            pipe = self._redis.pipeline(transaction=False)
            for run in runs:
                self._accept(
                    keys=[
                        self._keys.record(run.environment_id),
                        self._keys.events(run.environment_id),
                        self._keys.due,
                        self._keys.environments,
                        self._keys.expiries,
                        *self._line_of(run),
                    ],
                    args=[
                        run.environment_id,
                        run.seen.state if run.seen else "",
                        run.seen.run.id if run.seen else "",
                        json.dumps(run.fields),
                        _told(run.events),
                        "1" if run.starts_anew else "0",
                        LOOKUP_FIELD,
                        -1 if run.state in AT_REST else PUBLISH_GRACE,
                        EVENTS_KEPT,
                        run.run.id,
                        run.seen.step if run.seen else "",
                        _expiry_id(run.seen),
                        _end_of(run),
                        area_of(run.environment_id),
                        run.run.flow if run.starts_in_line else "",
                        run.run.priority,
                    ],
                    client=pipe,
                )
            return [answer == 1 for answer in pipe.execute()]

    def _line_of(self, run: AcceptedRun) -> list[str]:
        """The keys of the line in which the run starts; none where it starts in no line."""
        bulk, area = run.run.bulk, area_of(run.environment_id)
        if bulk is None:
            return []
        return [
            self._keys.line(area, bulk),
            self._keys.flows(area),
            self._keys.areas,
            self._keys.turns,
            self._keys.bulk_members(bulk),
        ]

    def move_expiry(self, moved: MovedExpiry) -> bool:
        """Write this end into its record, and among those that a sweep looks at.

        As with `accept`, only while the record is still as it was seen; the answer says so.
        """
        with self._answering():
            answer = self._move_expiry(
                keys=[
                    self._keys.record(moved.environment_id),
                    self._keys.events(moved.environment_id),
                    self._keys.expiries,
                ],
                args=[
                    moved.environment_id,
                    moved.seen.state,
                    moved.seen.run.id,
                    _expiry_id(moved.seen),
                    moved.expiry.id,
                    moved.expiry.model_dump_json(),
                    _look_at(moved.expiry),
                    _told(moved.events),
                    EVENTS_KEPT,
                ],
            )
        return bool(answer)

    def take_expiring(self, limit: int, again: float) -> list[str]:
        """The environments whose ends must be looked at; should nothing come of it, again later.

        `again` is in seconds: for so long nobody else is handed the same ones.
        """
        with self._answering():
            taken = self._take_expiring(
                keys=[self._keys.expiries], args=[limit, again, self._keys.record("")]
            )
        return cast(list[str], taken)

    def events(self, environment_id: str, after: str = "-") -> list[Event]:
        """The events of an environment after the entry with this id; all of them by default."""
        start = "-" if after == "-" else f"({after}"
        with self._answering():
            entries = cast(
                list[tuple[str, dict[str, str]]],
                self._redis.xrange(self._keys.events(environment_id), min=start),
            )
        return [event_from_entry(entry_id, fields) for entry_id, fields in entries]

    def wait_for_events(self, after: Mapping[str, str], timeout: float) -> dict[str, list[Event]]:
        """Wait until one of these environments has an event later than the given entry's id.

        `after` maps environment ids to entry ids ("0" for the very first). Returns what came, by
        environment, or nothing when `timeout` seconds passed.
        """
        names = {self._keys.events(environment_id): environment_id for environment_id in after}
        # A blocking read must end before the socket's own time-out declares Redis dead.
        longest = self._settings.redis_timeout / WAITS_IN_A_TIMEOUT
        block = max(1, int(min(timeout, longest) * 1000))
        with self._answering():
            streams: Any = {key: after[environment_id] for key, environment_id in names.items()}
            answer = cast(
                dict[str, Any] | list[Any], self._redis.xread(streams=streams, block=block)
            )
        pairs = answer.items() if isinstance(answer, dict) else answer
        return {
            names[key]: [event_from_entry(entry_id, fields) for entry_id, fields in entries]
            for key, entries in pairs or ()
        }
