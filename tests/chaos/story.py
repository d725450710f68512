"""Whether the events of an environment tell a true story: of moves, of resources, of ends."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final

from envwright.record import Event, Record, ResourceState
from envwright.states import LEGAL_MOVES, State
from tasks.kinds import KINDS
from tasks.resources.base import Tagged, kind_name

_MAY_FOLLOW: Final = {
    None: {ResourceState.INTENDED, ResourceState.CREATED, ResourceState.DELETING},
    ResourceState.INTENDED: {*ResourceState},
    ResourceState.CREATED: {*ResourceState},
    ResourceState.READY: {*ResourceState},
    # Whoever takes over a cleanup begins it again.
    ResourceState.DELETING: {ResourceState.DELETING, ResourceState.GONE},
    # What was gone comes again only by a new intent, or because it was found after all.
    ResourceState.GONE: {
        ResourceState.INTENDED,
        ResourceState.CREATED,
        ResourceState.DELETING,
        ResourceState.GONE,
    },
}
_LISTED: Final = frozenset(
    kind.kind for kinds in KINDS for kind in kinds if issubclass(kind, Tagged)
)
_ENDS_OF_A_STEP: Final = frozenset({"finished", "interrupted"})


def untruths(
    record: Record,
    events: Sequence[Event],
    ever_made: Collection[str],
    existing: Mapping[str, str],
) -> list[str]:
    """What the events say that is not so, each as a sentence; none when all of it is true.

    `ever_made` are the ids that AWS has ever given here; `existing` are those of what exists now,
    each with the resource key in its tag.
    """
    return [
        *_of_states(record, events),
        *_of_resources(events, ever_made, existing),
        *_of_the_record(record, events, existing),
    ]


def steps_without_an_end(events: Sequence[Event]) -> int:
    """How many steps were begun by a worker that never said how they ended."""
    steps = [event for event in events if event.type == "step"]
    begun = sum(event.state == "started" for event in steps)
    failed = sum(event.type == "failure" for event in events)
    return begun - failed - sum(event.state in _ENDS_OF_A_STEP for event in steps)


def kept_volumes(events: Sequence[Event]) -> set[str]:
    """The ids of the volumes that outlive their instances, as the events say."""
    return {
        one
        for event in events
        if (event.type, event.state) == ("volume", "kept")
        for one in event.ids
    }


def _of_states(record: Record, events: Sequence[Event]) -> Iterator[str]:
    told = [State(one.state) for one in events if one.type in ("accepted", "state") and one.state]
    for before, after in pairwise(told):
        if before is not after and after not in LEGAL_MOVES[before]:
            yield f"{before} became {after}, which is no legal move"
    if told[-1] is not record.state:
        yield f"the last event says {told[-1]}, and the record {record.state}"


def _of_resources(
    events: Sequence[Event], ever_made: Collection[str], existing: Mapping[str, str]
) -> Iterator[str]:
    last: dict[str, ResourceState] = {}
    for event in events:
        if event.type != "resource" or event.resource is None or event.state is None:
            continue
        state = ResourceState(event.state)
        before = last.get(event.resource)
        if state not in _MAY_FOLLOW[before]:
            yield f"{event.resource} became {state} after {before}"
        if state is ResourceState.CREATED:
            strange = [one for one in _listed(event.resource, event.ids) if one not in ever_made]
            if strange:
                yield f"{event.resource} was created as {strange}, which AWS never made"
        last[event.resource] = state
    for one, key in existing.items():
        if last.get(key) in (None, ResourceState.GONE):
            yield f"{one} exists as {key}, and the events say {last.get(key) or 'nothing of it'}"


def _of_the_record(
    record: Record, events: Sequence[Event], existing: Collection[str]
) -> Iterator[str]:
    told = {one.resource: one for one in events if one.type == "resource"}
    for key, belief in record.resources.items():
        event = told.get(key)
        if event is None:
            yield f"the record holds {key}, and no event tells of it"
        elif event.state != belief.state or (belief.ids and event.ids != belief.ids):
            yield f"the last event of {key} is {event.state} {event.ids}, the record {belief}"
        if belief.state in (ResourceState.CREATED, ResourceState.READY):
            missing = [one for one in _listed(key, belief.ids) if one not in existing]
            if missing:
                yield f"the record holds {key} as {missing}, which does not exist"


def _listed(key: str, ids: Sequence[str]) -> Sequence[str]:
    """The ids under this key that AWS lists: a route or an attachment has none of its own."""
    return ids if kind_name(key) in _LISTED else ()
