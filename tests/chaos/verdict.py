"""What became of a world: what leaked, is there twice, was lost, or was told wrongly."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Self

from envwright.record import Record
from envwright.states import HOLDS_NOTHING, State
from tests.chaos import story
from tests.chaos.world import World
from tests.cloud.inventory import Resource

Manifest = Mapping[str, int]
"""What one environment shall consist of: how many ids by resource key."""

_SORTS: Final = ("leaked", "doubled", "lost", "untrue")
_ENDED: Final = HOLDS_NOTHING | {State.READY, State.FAILED, State.CHANGE_FAILED}


@dataclass
class Verdict:
    """Faults by what they break; a world that kept every promise has none."""

    leaked: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    untrue: list[str] = field(default_factory=list)

    @property
    def faults(self) -> list[str]:
        return [f"{sort}: {one}" for sort in _SORTS for one in getattr(self, sort)]

    @property
    def is_clean(self) -> bool:
        return not self.faults

    def __iadd__(self, other: "Verdict") -> Self:
        for sort in _SORTS:
            getattr(self, sort).extend(getattr(other, sort))
        return self

    def of(self, where: str) -> "Verdict":
        """The same, each fault with the place where it was found."""
        return Verdict(*([f"{where}: {one}" for one in getattr(self, sort)] for sort in _SORTS))


async def manifest_of(world: World, record: Record) -> Manifest:
    """What an environment consists of that was built without any trouble."""
    made = (await world.cloud.inventory(world.account)).resources
    prefix = f"{record.environment_id}/"
    return Counter(one.key.removeprefix(prefix) for one in made if one.key is not None)


async def judge(
    world: World, records: Sequence[Record], manifests: Mapping[str, Manifest]
) -> Verdict:
    """Compare what exists in a world with what its records, all at rest, say and wish for.

    `manifests` are by environment id.
    """
    verdict = Verdict()
    inventory = await world.cloud.inventory(world.account)
    existing = [one for one in inventory.resources if one.id not in world.theirs]
    owners = {f"{record.environment_id}/{record.uid}": record for record in records}
    told = {
        record.environment_id: await world.ask(world.client.events, record.environment_id)
        for record in records
    }
    kept = {one for events in told.values() for one in story.kept_volumes(events)}
    verdict.leaked += [
        f"{one.kind} {one.id} is of {one.owner or 'nobody'}"
        for one in existing
        if _is_left_over(one, owners, kept)
    ]
    there = {one.id for one in existing}
    verdict.lost += [f"the volume {one}, which was to be kept" for one in kept - there]
    for owner, record in owners.items():
        prefix = f"{record.environment_id}/"
        ours = {
            one.id: one.key.removeprefix(prefix)
            for one in existing
            if one.owner == owner and one.key is not None
        }
        _compare(verdict, record, ours, manifests[record.environment_id])
        events, ever_made = told[record.environment_id], world.cloud.ever_made(world.account)
        verdict.untrue += story.untruths(record, events, ever_made, ours)
    return verdict


def _is_left_over(one: Resource, owners: Collection[str], kept: Collection[str]) -> bool:
    """Whether it is nobody's: no record's, and no part of an instance that is there."""
    match one.kind:
        case "network_interface":
            return True
        case "volume":
            return not one.within and one.id not in kept
        case _:
            return one.owner not in owners


def _compare(verdict: Verdict, record: Record, ours: Mapping[str, str], manifest: Manifest) -> None:
    name, counts = record.environment_id, Counter(ours.values())
    if record.state not in _ENDED:
        verdict.lost.append(f"{name} is {record.state}")
    if record.state in HOLDS_NOTHING:
        verdict.leaked += [f"{one} ({key}) of {name}" for one, key in ours.items()]
    if record.state is State.READY:
        verdict.lost += [f"{key} of {name}" for key in manifest if counts[key] < manifest[key]]
    verdict.doubled += [
        f"{key} of {name}: {counts[key]} instead of {manifest.get(key, 0)}"
        for key in counts
        if counts[key] > manifest.get(key, 0)
    ]
