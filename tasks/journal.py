"""What a step writes into its environment's record: intents, beliefs, lookups, and the history."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from envwright.names import Step
from envwright.placement import Placement
from envwright.record import (
    LOOKUP_FIELD,
    RESOURCE_FIELD,
    Event,
    Record,
    ResourceRecord,
    ResourceState,
)
from tasks.joint import parts
from tasks.known import kept_volumes
from tasks.lease import End, Lease, clock
from tasks.store import WorkerStore, Written


@dataclass(frozen=True, slots=True)
class Intent:
    """What is about to be made under a key: how many, and the ids where they are known before."""

    count: int = 1
    ids_foreseen: tuple[str, ...] = ()
    placement: Placement | None = None


def believed(record: Record, now: float) -> dict[str, ResourceRecord]:
    """What the record says of each resource, by key, and nothing of it later than now.

    Redis' clock may have been set back since it was written: what was made an hour ahead would
    be waited for as if it were new.
    """
    return {
        key: one if one.at <= now else one.model_copy(update={"at": now})
        for key, one in record.resources.items()
    }


class Journal:
    """The record as a step believes it to be, and writes it, under one lease."""

    def __init__(self, record: Record, now: float, lease: Lease, store: WorkerStore) -> None:
        """`now` is Redis' clock at the moment of the claim, in Unix seconds."""
        self.record = record
        self.step: Step = record.step
        self.lease = lease
        self.beliefs: dict[str, ResourceRecord] = believed(record, now)
        self.lookups: dict[str, Any] = dict(record.lookups)
        self.begun = clock()
        self._store = store
        self._now = now

    def now(self) -> float:
        """Unix time in seconds, by Redis' clock."""
        return self._now + clock() - self.begun

    def ids_of(self, key: str) -> tuple[str, ...]:
        """The ids that the record holds under this key; none when nothing of it exists."""
        belief = self.beliefs.get(key)
        if belief is None or belief.state is ResourceState.GONE:
            return ()
        return belief.ids

    async def intend(self, intents: Mapping[str, "Intent"]) -> None:
        """Put on record that these are about to be made.

        An intent that is open already keeps its incarnation, and with it its token.
        """
        await self.note(
            {key: self._intended(key, intent) for key, intent in intents.items()},
            [
                Event(
                    type="placement",
                    run=self.lease.hold.run_id,
                    step=self.step,
                    resource=key,
                    message=str(intent.placement),
                )
                for key, intent in intents.items()
                if intent.placement
            ],
        )

    def _intended(self, key: str, intent: "Intent") -> ResourceRecord:
        before = self.beliefs.get(key)
        if before is None:
            return ResourceRecord(
                state=ResourceState.INTENDED,
                ids=intent.ids_foreseen,
                count=intent.count,
                at=self.now(),
                placement=intent.placement,
            )
        is_open = before.state is ResourceState.INTENDED
        return ResourceRecord(
            state=ResourceState.INTENDED,
            ids=intent.ids_foreseen or self.ids_of(key),
            incarnation=before.incarnation if is_open else before.incarnation + 1,
            count=before.count if is_open else intent.count,
            at=self.now(),
            placement=before.placement if is_open else intent.placement,
        )

    async def renounce(self, key: str, have: Sequence[str]) -> None:
        """Close an intent, so that the next one draws a new token; what there is stays ours."""
        state = ResourceState.CREATED if have else ResourceState.GONE
        await self.believe({key: have}, state)

    async def believe(self, ids: Mapping[str, Iterable[str]], state: ResourceState) -> None:
        """Put on record how far these resources have come."""
        await self.note(
            {
                key: self._belief(key).model_copy(
                    update={"state": state, "ids": tuple(some), "at": self.now()}
                )
                for key, some in ids.items()
            }
        )

    def _belief(self, key: str) -> ResourceRecord:
        return self.beliefs.get(key) or ResourceRecord(state=ResourceState.INTENDED, at=self.now())

    async def note(self, changed: Mapping[str, ResourceRecord], told: Sequence[Event] = ()) -> None:
        """Write these beliefs, with an event for each behind those that are to be `told`."""
        if not changed:
            return
        events = [
            *told,
            *(
                self._event("resource", key, resource.state, resource.ids)
                for key, resource in changed.items()
            ),
        ]
        self.beliefs |= changed
        await self._write(
            {f"{RESOURCE_FIELD}{key}": value.model_dump_json() for key, value in changed.items()},
            events,
        )

    async def tell_of_doubles(
        self, doubles: Mapping[str, Sequence[str]], state: ResourceState
    ) -> None:
        """Put into the history what becomes of these (ids by key), which no belief holds."""
        await self._write({}, self._events("double", doubles, state))

    async def tell_of_instances(self, instances: Mapping[str, Sequence[str]], what: str) -> None:
        """Put into the history what was done to these (ids by key), such as stopped."""
        await self._write({}, self._events("instance", instances, what))

    async def tell_of_kept(self, key: str, volumes: Sequence[str]) -> None:
        """Put on record that these volumes of the instances under this key are not deleted."""
        name = kept_volumes(key)
        ids = [*dict.fromkeys((*self.lookups.get(name, ()), *volumes))]
        self.lookups[name] = ids
        await self._write(
            {f"{LOOKUP_FIELD}{name}": json.dumps(ids)},
            self._events("volume", {key: volumes}, "kept"),
        )

    async def note_rebooted(self, instances: Mapping[str, Sequence[str]]) -> None:
        """Put on record that these (ids by key) were asked to reboot, so that nobody asks again."""
        ids = [*self.record.rebooted, *(one for some in instances.values() for one in some)]
        await self._write(
            {"rebooted": json.dumps(ids)}, self._events("instance", instances, "rebooted")
        )

    async def note_terminated(self, ended: Mapping[str, Sequence[str]]) -> None:
        """Put on record that these (ids by key) are no more, nor what is known by their ids.

        What stands beside them stays.
        """
        gone = {one for ids in ended.values() for one in ids}
        changed = {}
        for key, belief in self.beliefs.items():
            left = tuple(one for one in belief.ids if gone.isdisjoint(parts(one)))
            if left == belief.ids:
                continue
            state = belief.state if left else ResourceState.GONE
            update = {"state": state, "ids": left, "at": self.now()}
            changed[key] = belief.model_copy(update=update)
        await self.note(changed, self._events("instance", ended, "terminated"))

    def _events(self, sort: str, ids: Mapping[str, Sequence[str]], state: str) -> list[Event]:
        return [self._event(sort, key, state, some) for key, some in ids.items()]

    def _event(self, sort: str, key: str, state: str, ids: Iterable[str]) -> Event:
        return Event(
            type=sort,
            run=self.lease.hold.run_id,
            step=self.step,
            resource=key,
            state=state,
            ids=tuple(ids),
        )

    async def remember(self, name: str, value: Any) -> None:
        """Keep what was looked up, so that each attempt at this environment uses the same."""
        await self.remember_all({name: value})

    async def remember_all(self, values: Mapping[str, Any]) -> None:
        """Keep these lookups, by name: all of them or none."""
        self.lookups |= values
        await self._write(
            {f"{LOOKUP_FIELD}{name}": json.dumps(value) for name, value in values.items()}, []
        )

    async def _write(self, fields: Mapping[str, str], events: list[Event]) -> None:
        match await self._store.note(self.lease.hold, fields, events):
            case Written.LOST:
                self.lease.halt(End.LOST)
            case Written.REPLACED:
                self.lease.halt(End.REPLACED)
            case _:
                pass
