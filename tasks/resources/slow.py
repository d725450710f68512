"""What AWS takes minutes to delete, and shows for a while after its end."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from tasks.context import Context
from tasks.resources.base import Tagged, all_ids


class Slow(Tagged):
    """Until it has ended it holds on to its subnets, and to what else it was given."""

    goes_slowly: ClassVar[bool] = True

    ended: ClassVar[frozenset[str]]
    """The states in which it holds nothing any more; the listing's `gone` has those of its way
    there too."""

    @classmethod
    async def ask_to_go(cls, context: Context, ids: Sequence[str]) -> None:
        """Ask AWS to delete these, and do not wait."""
        await cls.delete_each(context, ids)

    @classmethod
    async def begin_delete(cls, context: Context, doomed: Mapping[str, Sequence[str]]) -> None:
        await cls.ask_to_go(context, all_ids(doomed))

    @classmethod
    async def delete(cls, context: Context, doomed: Mapping[str, Sequence[str]]) -> None:
        ids = all_ids(doomed)
        states = await cls.listing.states(context.ec2, ids)
        await cls.ask_to_go(
            context, [one for one in ids if states.get(one) not in cls.listing.gone]
        )
        while await cls._may_hold(context, ids):
            await context.lease.pause(context.settings.poll_every)

    @classmethod
    async def _may_hold(cls, context: Context, ids: Sequence[str]) -> bool:
        """Whether one has not ended, or is too new for its absence to mean anything."""
        states = await cls.listing.states(context.ec2, ids)
        return any(
            states[one] not in cls.ended if one in states else not context.is_settled()
            for one in ids
        )
