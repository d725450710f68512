"""Which instances a caller means: ids and names of groups, looked up in the record."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from envwright.change import Change, Operation
from envwright.errors import UnknownInstance
from envwright.record import Record, ResourceState

_KEYS: Final = "instance/instances/"
"""What the keys of instances begin with; the rest is the group's name and the zone's."""

TO_BE_NAMED: Final = frozenset({Operation.TERMINATE, Operation.REPLACE})
"""The operations of which "all of them" must be said."""


def is_of_instances(key: str) -> bool:
    """Whether instances stand under this key."""
    return key.startswith(_KEYS)


def instances_key(group: str, zone: str) -> str:
    """The key of a group's instances in a zone."""
    return f"{_KEYS}{group}-{zone}"


def group_of(key: str, region: str) -> str:
    """The name of the group whose instances stand under this key."""
    return key.removeprefix(_KEYS).rpartition(f"-{region}")[0]


def instances_of(record: Record) -> dict[str, tuple[str, ...]]:
    """The ids of all instances that the record believes to be there, by resource key."""
    return {
        key: resource.ids
        for key, resource in record.resources.items()
        if key.startswith(_KEYS) and resource.state is not ResourceState.GONE and resource.ids
    }


def missing_from(record: Record) -> dict[str, tuple[int, int]]:
    """Of each group that has fewer instances than its spec asks for: how many of how many."""
    there = Counter(
        group_of(key, record.identity.region)
        for key, ids in instances_of(record).items()
        for _ in ids
    )
    groups = record.spec.instances if record.spec else {}
    return {
        name: (there[name], group.count)
        for name, group in groups.items()
        if there[name] < group.count
    }


def resolved(record: Record, operation: Operation, targets: Sequence[str]) -> Change:
    """The change that is meant. Raises `UnknownInstance` for what there is not."""
    name, there = record.environment_id, instances_of(record)
    if not targets and operation in TO_BE_NAMED:
        raise UnknownInstance(f"Say which instances or groups of {name} to {operation}.")
    groups = tuple(record.spec.instances) if record.spec else ()
    known = {one for ids in there.values() for one in ids}
    for target in targets:
        if target not in known and target not in groups:
            raise UnknownInstance(_unknown(name, target, [*groups, *sorted(known)]))
    meant = _meant(there, targets or groups, record.identity.region)
    named = tuple(one for one in groups if one in targets and one not in known)
    if not meant and not (named and operation is Operation.REPLACE):
        raise UnknownInstance(
            f"There is no instance to {operation}: {name} has none"
            f"{' in ' + ', '.join(named) if named else ''}. `envwright replace {name} GROUP` makes "
            f"as many as the spec asks for."
        )
    kept = {key: tuple(one for one in there[key] if one not in ids) for key, ids in meant.items()}
    return Change(
        operation=operation,
        targets=tuple(dict.fromkeys(targets)),
        groups=named,
        instances=meant,
        kept={key: ids for key, ids in kept.items() if ids},
    )


def _meant(
    there: Mapping[str, tuple[str, ...]], targets: Sequence[str], region: str
) -> dict[str, tuple[str, ...]]:
    """The instances that are named, and those of the groups that are, by resource key."""
    meant = {
        key: ids
        if group_of(key, region) in targets
        else tuple(one for one in ids if one in targets)
        for key, ids in there.items()
    }
    return {key: ids for key, ids in meant.items() if ids}


def _unknown(name: str, target: str, known: Sequence[str]) -> str:
    there = f"it has {', '.join(known)}" if known else "it has none"
    return f"{name} has no instance or group of instances {target}: {there}."
