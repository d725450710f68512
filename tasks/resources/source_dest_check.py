"""The check that instances get only packets to and from themselves, where it is switched off."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from tasks.checks import describe
from tasks.context import Context
from tasks.resources.base import Resource, all_ids
from tasks.together import together


@dataclass(frozen=True, kw_only=True)
class SourceDestCheck(Resource):
    """Switched off for the instances under one key. RunInstances cannot say it, so each takes a
    call of its own. Known to the record by the instances' ids."""

    kind: ClassVar[str] = "source_dest_check"

    instances: str

    @classmethod
    async def find(
        cls, context: Context, wanted: Sequence[Self], tagged: Mapping[str, Sequence[str]]
    ) -> dict[str, list[str]]:
        ids = {one.key: context.ids_of(one.instances) for one in wanted}
        off = {
            instance["InstanceId"]
            for instance in await describe(context, all_ids(ids))
            if not instance.get("SourceDestCheck", True)
        }
        return {key: [one for one in some if one in off] for key, some in ids.items()}

    async def create(self, context: Context, count: int) -> list[str]:
        ids = context.ids_of(self.instances)
        missing = ids
        if count < len(ids):
            off = (await self.find(context, [self], {}))[self.key]
            missing = tuple(one for one in ids if one not in off)
        await _switch(context, missing, on=False)
        return [*ids]

    def ids_foreseen(self, context: Context) -> tuple[str, ...]:
        return context.ids_of(self.instances)

    @classmethod
    async def delete(cls, context: Context, doomed: Mapping[str, Sequence[str]]) -> None:
        """Switch it on again."""
        await _switch(context, all_ids(doomed), on=True)

    @classmethod
    def goes_with_another(cls, context: Context, key: str) -> bool:
        return True


async def _switch(context: Context, ids: Sequence[str], *, on: bool) -> None:
    async def switch(one: str) -> None:
        await context.ec2.modify_instance_attribute(InstanceId=one, SourceDestCheck={"Value": on})

    await together(context.lease, *map(switch, ids))
