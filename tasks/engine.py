"""Bring a step's resources about: find what there is of them, and make what is missing.

An intent is on record before each create. Where the record shows that one was begun before,
the resource is looked for first; and since AWS may show late what an unanswered create made,
it is looked for until `settle_time` has passed, unless a client token makes a repeat harmless.
A group's members are made side by side, but for one that needs another: it waits for that alone.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from structlog.contextvars import bound_contextvars

from envwright.errors import EnvwrightError
from envwright.placement import Placement
from envwright.record import ResourceState
from tasks.aws.errors import AwsError, ErrorClass, Halted, UnansweredCreate
from tasks.context import Context
from tasks.failures import ResourceError
from tasks.journal import Intent
from tasks.lease import clock
from tasks.resources.base import Groups, Need, Resource, Tagged
from tasks.together import together


async def apply(context: Context, groups: Groups, wanted: Sequence[Resource]) -> None:
    """Make what is missing of these resources. Raises `ResourceError`, or `Halted`."""
    begun_before = any(resource.key in context.beliefs for resource in wanted)
    if begun_before:
        await context.check_account()
    tagged = (await context.inventory()).own if begun_before else {}
    for kinds in groups:
        members = [resource for resource in wanted if type(resource) in kinds]
        if not members:
            continue
        found = await _look(context, members, tagged) if begun_before else {}
        await _adopt(context, members, found)
        missing = [one for one in members if len(found.get(one.key, ())) < one.count]
        await _intend(context, [one for one in missing if not one.needs], found)
        waits = _Waits({one.key: asyncio.Event() for one in missing})
        await together(
            context.lease,
            *(_make(context, one, found, waits) for one in missing),
        )


@dataclass
class _Waits:
    """What the members of a group wait for: each other, and what they need."""

    made: Mapping[str, asyncio.Event]
    usable: set[Need] = field(default_factory=set)
    locks: defaultdict[Need, asyncio.Lock] = field(
        default_factory=lambda: defaultdict(asyncio.Lock)
    )


async def _intend(
    context: Context, members: Sequence[Resource], found: Mapping[str, Sequence[str]]
) -> None:
    await context.intend(
        {
            one.key: Intent(one.count - len(found.get(one.key, ())), one.ids_foreseen(context))
            for one in members
        }
    )


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
        await context.settle_a_little()
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


async def _make(
    context: Context,
    resource: Resource,
    found: Mapping[str, Sequence[str]],
    waits: _Waits,
) -> None:
    with bound_contextvars(resource=resource.key):
        try:
            if resource.needs:
                await _until_usable(context, resource.needs, waits)
                await _intend(context, [resource], found)
            ids = await _create(context, resource, found.get(resource.key, ()))
        except Halted:
            raise
        except EnvwrightError as error:
            raise ResourceError(resource.key, error) from error
        await context.believe({resource.key: ids}, ResourceState.CREATED)
        waits.made[resource.key].set()


async def _until_usable(context: Context, needs: Sequence[Need], waits: _Waits) -> None:
    """Wait for all of these; AWS is asked about each by one of those who need it."""
    for need in needs:
        if need.key in waits.made:
            await context.lease.wait_for(waits.made[need.key])
        async with waits.locks[need]:
            if need not in waits.usable:
                await need.kind.until_usable(context, context.ids_of(need.key))
                waits.usable.add(need)


async def _create(context: Context, resource: Resource, have: Sequence[str]) -> Sequence[str]:
    """Create what is missing; where it may have been created before, look and then repeat."""
    while True:
        place = None
        count = context.beliefs[resource.key].count
        try:
            made = await resource.create(context, count)
        except UnansweredCreate:
            context.unanswered.add(resource.key)
            have = await _found_after(context, resource)
        except (AwsError, Halted) as error:
            place = resource.elsewhere(context, error) if isinstance(error, AwsError) else None
            have = await _found_instead(context, resource, have, error, place)
        else:
            # A launch that is repeated under its token names what was found before, too.
            return [*dict.fromkeys((*have, *made))]
        if len(have) >= resource.count:
            return have
        await context.intend({resource.key: Intent(resource.count - len(have), placement=place)})


async def _found_instead(
    context: Context,
    resource: Resource,
    have: Sequence[str],
    error: AwsError | Halted,
    place: Placement | None,
) -> Sequence[str]:
    """What there is of a resource whose create was not done, where it can go on after the error.

    It can where the error speaks of something that is there, or where there is another place to
    make it. Every other error is raised again. The intent is closed where the error says for
    certain that nothing has come, or can come, of it.
    """
    error_class = error.error_class if isinstance(error, AwsError) else None
    if error_class is ErrorClass.EXISTS:
        if found := await _found_after(context, resource):
            return found
    elif error_class is ErrorClass.TOKEN:
        found = await _found_after(context, resource)
        await context.renounce(resource.key, found)
        return found
    elif _had_no_effect(context, resource, error):
        if place is not None and _may_have_been_made(context, resource, error):
            have = await _found_after(context, resource) or have
        await context.renounce(resource.key, have)
        if place is not None:
            return have
    raise error


def _may_have_been_made(context: Context, resource: Resource, error: AwsError | Halted) -> bool:
    """Whether the create that was refused had been sent before, and not been answered."""
    before = context.record.resources.get(resource.key)
    is_of_another_worker = (
        before is not None
        and before.state is ResourceState.INTENDED
        and before.incarnation == context.beliefs[resource.key].incarnation
    )
    return is_of_another_worker or (isinstance(error, AwsError) and error.after_silence)


def _had_no_effect(context: Context, resource: Resource, error: AwsError | Halted) -> bool:
    """Whether it is certain that no create of this resource, in this step, has made anything."""
    if not isinstance(resource, Tagged) or resource.key in context.unanswered:
        return False
    return isinstance(error, AwsError) or not resource.by_token


async def _found_after(context: Context, resource: Resource) -> list[str]:
    """What of this resource shows up within the settle time from now."""
    begun = clock()
    while True:
        found = await _find(context, [resource], (await context.inventory()).own)
        ids = found.get(resource.key, [])
        if len(ids) >= resource.count or clock() - begun > context.settings.settle_time:
            return ids
        await context.settle_a_little()
