"""Bring a step's resources about, and take them down: the same order, read both ways.

An intent is on record before each create. Where the record shows that one was begun before,
the resource is looked for first; and since AWS may show late what an unanswered create made,
it is looked for until `settle_time` has passed, unless a client token makes a repeat harmless.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from structlog.contextvars import bound_contextvars

from envwright.errors import EnvwrightError
from envwright.record import ResourceState
from tasks.aws.errors import AwsError, ErrorClass, Halted, UnansweredCreate
from tasks.context import Context, Intent
from tasks.failures import ResourceError
from tasks.lease import clock
from tasks.resources.base import Resource, Tagged
from tasks.together import together

Kind = type[Resource]
Groups = Sequence[Sequence[Kind]]
"""The kinds of a step in the order of their making; the kinds of one group are independent."""

_LOOKS_WHILE_SETTLING: Final = 5


async def apply(context: Context, groups: Groups, wanted: Sequence[Resource]) -> None:
    """Make what is missing of these resources. Raises `ResourceError`, or `Halted`."""
    begun_before = any(resource.key in context.beliefs for resource in wanted)
    tagged = (await context.inventory()).own if begun_before else {}
    for kinds in groups:
        members = [resource for resource in wanted if type(resource) in kinds]
        found = await _look(context, members, tagged) if begun_before else {}
        await _adopt(context, members, found)
        missing = [one for one in members if len(found.get(one.key, ())) < one.count]
        await context.intend(
            {
                one.key: Intent(one.count - len(found.get(one.key, ())), one.ids_foreseen(context))
                for one in missing
            }
        )
        await together(
            context.lease,
            *(_make(context, one, found.get(one.key, ())) for one in missing),
        )


async def destroy(context: Context, groups: Groups) -> None:
    """Delete all of these kinds that the record or the inventory knows of."""
    try:
        tagged = await _settled_inventory(context, [kind for kinds in groups for kind in kinds])
    except AwsError as error:
        # A worker that may not even look can have made nothing, and no intent says otherwise.
        if error.error_class is ErrorClass.PERMISSION and not context.beliefs:
            return
        raise
    for kinds in reversed(groups):
        await together(context.lease, *(_take_down(context, kind, tagged) for kind in kinds))


async def remove_doubles(
    context: Context, groups: Groups, tagged: Mapping[str, Sequence[str]]
) -> list[str]:
    """Delete what exists under this environment's tags and is not in the record.

    Returns the ids that were deleted.
    """
    removed: list[str] = []
    for kinds in reversed(groups):
        for kind in kinds:
            doubles = await unrecorded(context, kind, tagged)
            if doubles:
                await kind.delete(context, doubles)
                removed += [one for ids in doubles.values() for one in ids]
    return removed


async def _look(
    context: Context, members: Sequence[Resource], tagged: Mapping[str, Sequence[str]]
) -> dict[str, list[str]]:
    """What exists of these, by key; after a time in which AWS shows what was just made."""
    while True:
        found = await _find(context, members, tagged)
        if not any(
            _may_yet_appear(context, resource, len(found.get(resource.key, ())))
            for resource in members
        ):
            return found
        await context.lease.pause(context.settings.settle_time / _LOOKS_WHILE_SETTLING)
        tagged = (await context.inventory()).own


async def _find(
    context: Context, members: Sequence[Resource], tagged: Mapping[str, Sequence[str]]
) -> dict[str, list[str]]:
    """What exists of these, what is on record first; without doubles, which `ready` removes."""
    found: dict[str, list[str]] = {}
    for kind in {type(one) for one in members}:
        some = [one for one in members if type(one) is kind]
        found |= await kind.find(context, some, tagged)
    return {one.key: found.get(one.key, [])[: one.count] for one in members}


def _may_yet_appear(context: Context, resource: Resource, found: int) -> bool:
    """Whether more of it may exist than is shown.

    Counted from when this worker took over and not from the intent: a create may have been
    sent long after its intent was written, but not after its worker's lease.
    """
    belief = context.beliefs.get(resource.key)
    if belief is None or belief.state is ResourceState.GONE or found >= resource.count:
        return False
    if belief.state is ResourceState.INTENDED and (
        resource.by_token or not isinstance(resource, Tagged)
    ):
        return False
    return clock() - context.begun < context.settings.settle_time


async def _adopt(
    context: Context, members: Sequence[Resource], found: Mapping[str, Sequence[str]]
) -> None:
    """Put on record what was found and is not in it."""
    unknown = {
        resource.key: found[resource.key]
        for resource in members
        if found.get(resource.key) and _is_news(context, resource, found[resource.key])
    }
    await context.believe(unknown, ResourceState.CREATED)


def _is_news(context: Context, resource: Resource, found: Sequence[str]) -> bool:
    belief = context.beliefs.get(resource.key)
    if belief is None:
        return True
    if belief.state is ResourceState.INTENDED:
        # The rest of a launch may only show late: its intent stays open, and with it its token.
        return len(found) >= resource.count
    is_made = belief.state in (ResourceState.CREATED, ResourceState.READY)
    return not is_made or set(belief.ids) != set(found)


async def _make(context: Context, resource: Resource, have: Sequence[str]) -> None:
    with bound_contextvars(resource=resource.key):
        try:
            made = await _create(context, resource, have)
        except Halted:
            raise
        except EnvwrightError as error:
            raise ResourceError(resource.key, error) from error
        await context.believe({resource.key: made}, ResourceState.CREATED)


async def _create(context: Context, resource: Resource, have: Sequence[str]) -> Sequence[str]:
    """Create what is missing; where it may have been created before, look and then repeat."""
    while True:
        count = context.beliefs[resource.key].count
        try:
            made = await resource.create(context, count)
        except UnansweredCreate:
            have = await _found_after(context, resource)
        except (AwsError, Halted) as error:
            have = await _found_instead(context, resource, have, error)
        else:
            # A launch that is repeated under its token names what was found before, too.
            return [*dict.fromkeys((*have, *made))]
        if len(have) >= resource.count:
            return have
        await context.intend({resource.key: Intent(resource.count - len(have))})


async def _found_instead(
    context: Context, resource: Resource, have: Sequence[str], error: AwsError | Halted
) -> Sequence[str]:
    """What there is of a resource whose create was not done, where the error speaks of any.

    Every other error is raised again. The intent is closed where the error says for certain that
    nothing has come, or can come, of it.
    """
    error_class = error.error_class if isinstance(error, AwsError) else None
    if error_class is ErrorClass.EXISTS:
        if found := await _found_after(context, resource):
            return found
    elif error_class is ErrorClass.TOKEN:
        found = await _found_after(context, resource)
        await context.renounce(resource.key, found)
        return found
    elif isinstance(resource, Tagged) and (error_class or not resource.by_token):
        await context.renounce(resource.key, have)
    raise error


async def _found_after(context: Context, resource: Resource) -> list[str]:
    """What of this resource shows up within the settle time from now."""
    begun = clock()
    while True:
        found = await _find(context, [resource], (await context.inventory()).own)
        ids = found.get(resource.key, [])
        if len(ids) >= resource.count or clock() - begun > context.settings.settle_time:
            return ids
        await context.lease.pause(context.settings.settle_time / _LOOKS_WHILE_SETTLING)


async def _settled_inventory(
    context: Context, kinds: Sequence[Kind]
) -> Mapping[str, Sequence[str]]:
    """The inventory, once every open intent had its time to appear in it."""
    names = {kind.kind for kind in kinds if issubclass(kind, Tagged)}
    while True:
        tagged = (await context.inventory()).own
        late = [
            key
            for key, belief in context.beliefs.items()
            if kind_name(key) in names
            and belief.state is ResourceState.INTENDED
            and len(tagged.get(key, ())) < len(belief.ids) + belief.count
        ]
        if not late or clock() - context.begun > context.settings.settle_time:
            return tagged
        await context.lease.pause(context.settings.settle_time / _LOOKS_WHILE_SETTLING)


async def _take_down(context: Context, kind: Kind, tagged: Mapping[str, Sequence[str]]) -> None:
    doomed: defaultdict[str, list[str]] = defaultdict(list)
    for key, belief in context.beliefs.items():
        if kind_name(key) == kind.kind and belief.state is not ResourceState.GONE:
            doomed[key] += belief.ids
    for key, ids in (await unrecorded(context, kind, tagged)).items():
        doomed[key] += ids
    if not doomed:
        return
    await context.believe(doomed, ResourceState.DELETING)
    actual = {
        key: ids for key, ids in doomed.items() if ids and not kind.goes_with_another(context, key)
    }
    with bound_contextvars(resource=", ".join(actual)):
        if actual:
            try:
                await kind.delete(context, actual)
            except AwsError as error:
                raise ResourceError(next(iter(actual)), error) from error
    await context.believe(dict.fromkeys(doomed, ()), ResourceState.GONE)


async def unrecorded(
    context: Context, kind: Kind, tagged: Mapping[str, Sequence[str]]
) -> dict[str, list[str]]:
    """What of this kind is tagged so, is not in the record, and does exist: ids by key."""
    if not issubclass(kind, Tagged):
        return {}
    unknown = {
        key: [one for one in ids if one not in context.ids_of(key)]
        for key, ids in tagged.items()
        if kind_name(key) == kind.kind
    }
    candidates = [one for ids in unknown.values() for one in ids]
    existing = set(await kind.existing(context, candidates)) if candidates else set()
    return {
        key: still
        for key, ids in unknown.items()
        if (still := [one for one in ids if one in existing])
    }


def kind_name(key: str) -> str:
    """The kind in a resource key: `subnet` in `network/subnet/public-a`."""
    return key.split("/")[1]
