"""Take a step's resources down: what the record names, what the inventory shows, and doubles.

What has no tag of its own is found on what carries it, where the record does not know that, and
where a cleanup before this one failed. The order is that of their making, read backwards. Open
intents get their time to show what they made, since a worker may have died between a create and
its record.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from envwright.record import ResourceState
from tasks.aws.errors import AwsError, ErrorClass
from tasks.context import Context
from tasks.failures import telling_of
from tasks.lease import clock
from tasks.resources.base import Groups, Kind, Tagged, kind_name
from tasks.together import together


async def destroy(context: Context, groups: Groups, begin_with: Groups = ()) -> None:
    """Delete all of these kinds that the record or the inventory knows of.

    Of the kinds to `begin_with` the end is only asked for, group by group, so that AWS is at it
    meanwhile: where one group is refused, of the next ones nothing has begun to go.
    """
    await context.check_account()
    all_kinds = {kind for kinds in (*begin_with, *groups) for kind in kinds}
    try:
        tagged = await _settled_inventory(context, [*all_kinds])
    except AwsError as error:
        # A worker that may not even look can have made nothing, if no belief says otherwise.
        is_nothing = all(one.state is ResourceState.GONE for one in context.beliefs.values())
        if error.error_class is ErrorClass.PERMISSION and is_nothing:
            return
        raise
    for kinds in begin_with:
        await together(context.lease, *(_begin(context, kind, tagged) for kind in kinds))
    for kinds in reversed(groups):
        await together(context.lease, *(_take_down(context, kind, tagged) for kind in kinds))


async def remove_doubles(
    context: Context, groups: Groups, tagged: Mapping[str, Sequence[str]]
) -> None:
    """Delete what exists under this environment's tags and is not in the record."""
    for kinds in reversed(groups):
        for kind in kinds:
            doubles = await unrecorded(context, kind, tagged)
            if doubles := doubles or await _untagged(context, kind, tagged):
                await context.tell_of_doubles(doubles, ResourceState.DELETING)
                await kind.delete(context, doubles)
                await context.tell_of_doubles(doubles, ResourceState.GONE)


async def _settled_inventory(
    context: Context, kinds: Sequence[Kind]
) -> Mapping[str, Sequence[str]]:
    """The inventory, once every open intent had its time to appear in it."""
    while True:
        tagged = (await context.inventory()).own
        if clock() - context.begun > context.settings.settle_time:
            return tagged
        if not any([await _may_yet_show(context, kind, tagged) for kind in kinds]):
            return tagged
        await context.settle_a_little()


async def _may_yet_show(context: Context, kind: Kind, tagged: Mapping[str, Sequence[str]]) -> bool:
    """Whether an open intent of this kind may have made more than is shown and does exist."""
    if context.record.recovered and not context.is_settled():
        # Nobody knows which intents the lost record held.
        return True
    intended = {
        key: belief.count
        for key, belief in context.beliefs.items()
        if kind_name(key) == kind.kind and belief.state is ResourceState.INTENDED
    }
    if not intended or not issubclass(kind, Tagged):
        return False
    shown = await unrecorded(context, kind, tagged)
    return any(len(shown.get(key, ())) < count for key, count in intended.items())


async def _begin(context: Context, kind: Kind, tagged: Mapping[str, Sequence[str]]) -> None:
    doomed = {key: ids for key, ids in (await _doomed(context, kind, tagged)).items() if ids}
    if not doomed:
        return
    await context.believe(doomed, ResourceState.DELETING)
    with telling_of(doomed):
        await kind.begin_delete(context, doomed)


async def _doomed(
    context: Context, kind: Kind, tagged: Mapping[str, Sequence[str]]
) -> dict[str, list[str]]:
    """What of this kind the record believes in, and what is found beside it: ids by key."""
    doomed: defaultdict[str, list[str]] = defaultdict(list)
    for key, belief in context.beliefs.items():
        if kind_name(key) == kind.kind and belief.state is not ResourceState.GONE:
            doomed[key] += belief.ids
    for found in (await unrecorded(context, kind, tagged), await _untagged(context, kind, tagged)):
        for key, ids in found.items():
            doomed[key] += ids
    return doomed


async def _take_down(context: Context, kind: Kind, tagged: Mapping[str, Sequence[str]]) -> None:
    doomed = await _doomed(context, kind, tagged)
    if not doomed:
        return
    await context.believe(doomed, ResourceState.DELETING)
    if kind.deleted_together:
        await _delete(context, kind, doomed)
        return
    await together(
        context.lease, *(_delete(context, kind, {key: ids}) for key, ids in doomed.items())
    )


async def _delete(context: Context, kind: Kind, doomed: Mapping[str, Sequence[str]]) -> None:
    actual = {
        key: ids for key, ids in doomed.items() if ids and not kind.goes_with_another(context, key)
    }
    with telling_of(actual):
        if actual:
            await kind.delete(context, actual)
    await context.believe(dict.fromkeys(doomed, ()), ResourceState.GONE)


async def _untagged(
    context: Context, kind: Kind, tagged: Mapping[str, Sequence[str]]
) -> dict[str, list[str]]:
    """What has no tag and is not in the record either: ids by key.

    It is looked for on what carries it: where that is not in the record either, since a failover
    of Redis may have lost both, and in a thorough cleanup on all that there is.
    """
    if kind.stands_on is None:
        return {}
    carriers = {
        key: [
            one
            for one in dict.fromkeys((*context.ids_of(key), *tagged.get(key, ())))
            if context.is_thorough or one not in context.ids_of(key)
        ]
        for key in context.beliefs.keys() | tagged.keys()
        if kind_name(key) == kind.stands_on
    }
    standing = await kind.find_on(context, carriers) if any(carriers.values()) else {}
    return {
        key: unknown
        for key, ids in standing.items()
        if (unknown := [one for one in ids if one not in context.ids_of(key)])
    }


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
    existing = set(await kind.existing(context.ec2, candidates)) if candidates else set()
    return {
        key: still
        for key, ids in unknown.items()
        if (still := [one for one in ids if one in existing])
    }
