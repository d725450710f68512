"""All that a step is handed: what is wanted, what is believed, and the means to act on it."""

import hashlib
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from config.settings import WorkerSettings
from envwright.errors import EnvwrightError
from envwright.failure import FailureCategory
from envwright.names import Step, id_in_tags
from envwright.outputs import Outputs
from envwright.placement import Placement
from envwright.record import (
    LOOKUP_FIELD,
    RESOURCE_FIELD,
    Event,
    Record,
    ResourceRecord,
    ResourceState,
)
from envwright.spec import EnvironmentSpec
from tasks.aws.tags import Inventory, Owner, read_inventory, tag_list
from tasks.failures import StepError
from tasks.known import Known, all_existing, kept_volumes
from tasks.lease import End, Lease, clock
from tasks.store import WorkerStore, Written

if TYPE_CHECKING:
    from types_aiobotocore_ec2.client import EC2Client
    from types_aiobotocore_ssm.client import SSMClient


ACCOUNT: Final = "account"
"""The lookup that holds the id of the account in which the environment was begun."""


_LOOKS_WHILE_SETTLING: Final = 5


@dataclass(frozen=True, slots=True)
class Intent:
    """What is about to be made under a key: how many, and the ids where they are known before."""

    count: int = 1
    ids_foreseen: tuple[str, ...] = ()
    placement: Placement | None = None


def settled_at(beliefs: Mapping[str, ResourceRecord], settle_time: float) -> float:
    """When AWS will show all of these, in Unix seconds by Redis' clock."""
    alive = [one.at for one in beliefs.values() if one.state is not ResourceState.GONE]
    return max(alive, default=0.0) + settle_time


def believed(record: Record, now: float) -> dict[str, ResourceRecord]:
    """What the record says of each resource, by key, and nothing of it later than now.

    Redis' clock may have been set back since it was written: what was made an hour ahead would
    be waited for as if it were new.
    """
    return {
        key: one.model_copy(update={"at": min(one.at, now)})
        for key, one in record.resources.items()
    }


class Context:
    """One step of one run, under one lease."""

    def __init__(
        self,
        *,
        record: Record,
        now: float,
        lease: Lease,
        store: WorkerStore,
        settings: WorkerSettings,
        ec2: "EC2Client",
        ssm: "SSMClient",
        own_account: Callable[[], Awaitable[str]],
    ) -> None:
        """`now` is Redis' clock at the moment of the claim, in Unix seconds; `own_account` asks
        for the id of the account that the worker's own credentials are of."""
        self.record = record
        self.step: Step = record.step
        self.lease = lease
        self.settings = settings
        self.ec2 = ec2
        self.ssm = ssm
        self.own_account = own_account
        self.beliefs: dict[str, ResourceRecord] = believed(record, now)
        self.lookups: dict[str, Any] = dict(record.lookups)
        self.unanswered: set[str] = set()
        """Keys of what may have been made by a create of this step that was not answered."""
        self.outputs: Outputs | None = None
        """What the run gives its caller: the ready step sets it."""
        self.begun = clock()
        self._owner = Owner(id_in_tags(record.environment_id), record.uid)
        self._store = store
        self._now = now

    @property
    def spec(self) -> EnvironmentSpec:
        """What is wished for. A cleanup does without: it may be lost (`Record.recovered`)."""
        if self.record.spec is None:
            raise EnvwrightError(f"What {self.record.environment_id} was to be is lost.")
        return self.record.spec

    @property
    def known(self) -> Known:
        """The spec, and what was looked up of what it leaves open."""
        return Known(self.spec, self.lookups)

    def now(self) -> float:
        """Unix time in seconds, by Redis' clock."""
        return self._now + clock() - self.begun

    def is_settled(self) -> bool:
        """Whether all that is on record was made long enough ago for AWS to show it."""
        return self.now() > settled_at(self.beliefs, self.settings.settle_time)

    @property
    def is_thorough(self) -> bool:
        """Whether this is a cleanup that may not trust the record to name what has no tag."""
        return self.record.run.thorough

    async def settle_a_little(self) -> None:
        """Give AWS a fifth of the settle time, before it is looked at again."""
        await self.lease.pause(self.settings.settle_time / _LOOKS_WHILE_SETTLING)

    def ids_of(self, key: str) -> tuple[str, ...]:
        """The ids that the record holds under this key; none when nothing of it exists."""
        belief = self.beliefs.get(key)
        if belief is None or belief.state is ResourceState.GONE:
            return ()
        return belief.ids

    def standing(self, key: str) -> tuple[str, ...]:
        """The ids that the record holds under this key, or of what stands in its place and is not
        ours."""
        return self.ids_of(key) or self.known.existing(key)

    def id_of(self, key: str) -> str:
        """The id of a resource that an earlier group or step has made, or of what stands in its
        place and is not ours."""
        ids = self.standing(key)
        if not ids:
            raise EnvwrightError(
                f"{key} is needed and not in the record of {self.record.environment_id}."
            )
        return ids[0]

    def token(self, key: str) -> str:
        """The client token of the intent that is open under this key.

        The same for every attempt at one incarnation, and never used for another: EC2 refuses
        a token whose instance was terminated (EC2 API: ensuring idempotency). At most 64
        characters.
        """
        text = f"{self.record.uid}/{key}/{self.beliefs[key].incarnation}"
        return f"envwright-{hashlib.sha256(text.encode()).hexdigest()[:32]}"

    def tags(self, key: str | None, name: str, own: Mapping[str, str] | None = None) -> Any:
        """The tags for a create call; without a key for what is only part of a resource."""
        return tag_list(self._owner, key, name, {**self.spec.tags, **(own or {})})

    async def check_account(self) -> None:
        """Raises `StepError` in another account, where AWS shows nothing of the environment."""
        begun_in = self.lookups.get(ACCOUNT)
        if begun_in is None or self.record.identity.account is not None:
            return
        here = await self.own_account()
        if here != begun_in:
            raise StepError(
                FailureCategory.PERMISSION,
                f"{self.record.environment_id} was begun in account {begun_in}, and this worker's "
                f"credentials are of account {here}: give it credentials of the former, and retry.",
            )

    async def inventory(self) -> Inventory:
        """What carries this environment's tags in AWS now, but for what is known not to be its
        own: somebody may have copied its tags."""
        inventory = await read_inventory(self.ec2, self._owner)
        return inventory.without(all_existing(self.lookups))

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
            if gone.isdisjoint(belief.ids):
                continue
            left = tuple(one for one in belief.ids if one not in gone)
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
