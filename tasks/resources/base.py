"""What every kind of resource can do: be found, be created, be waited for, be deleted.

A kind is one class in one file, and knows no other kind: where it needs another resource, it
is given that one's key and asks the context for its id.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

from envwright.placement import Placement
from tasks.aws.errors import AwsError, ErrorClass, tolerating
from tasks.aws.listing import Listing
from tasks.context import Context
from tasks.together import together

if TYPE_CHECKING:
    from types_aiobotocore_ec2.client import EC2Client


class Need(NamedTuple):
    """A resource that must be usable, and not only made, before another one is created."""

    kind: "Kind"
    key: str


@dataclass(frozen=True, kw_only=True)
class Resource(ABC):
    """One wanted resource, under a key that is stable within its environment."""

    kind: ClassVar[str]
    by_token: ClassVar[bool] = False
    """Whether its create may be repeated, since AWS honours a client token for it."""

    deleted_together: ClassVar[bool] = False
    """Whether one call deletes all of this kind, however many keys it has."""

    goes_slowly: ClassVar[bool] = False
    """Whether AWS takes minutes to delete it, so that a cleanup begins with it."""

    stands_on: ClassVar[str | None] = None
    """The kind of what it is found on, where it has no tag and keeps its carrier from going."""

    key: str
    count: int = 1
    """How many of it one key stands for: more than one only for instances launched together."""

    needs: tuple[Need, ...] = ()
    """What its create waits for. Of earlier groups, all is made; of its own, only these are."""

    @classmethod
    @abstractmethod
    async def find(
        cls, context: Context, wanted: Sequence[Self], tagged: Mapping[str, Sequence[str]]
    ) -> dict[str, list[str]]:
        """What exists of these now: ids by key. `tagged` is the inventory, as a hint."""

    @abstractmethod
    async def create(self, context: Context, count: int) -> list[str]:
        """Make `count` of it and return the ids. An intent is on record before this is called."""

    def ids_foreseen(self, context: Context) -> tuple[str, ...]:
        """Its ids, where they are made of ids that are known before it is created.

        What has no tag is found by them after a crash between its create and its record.
        """
        return ()

    def elsewhere(self, context: Context, refusal: AwsError) -> Placement | None:
        """Where to make it instead, since AWS refused it where it was to be; None: nowhere."""
        return None

    @classmethod
    async def until_usable(cls, context: Context, ids: Sequence[str]) -> None:
        """Wait until others can use these. Raises `StepError` where that will never be."""
        return

    @classmethod
    async def begin_delete(cls, context: Context, doomed: Mapping[str, Sequence[str]]) -> None:
        """Ask AWS to delete these (ids by key) and do not wait: of what `goes_slowly`.

        `delete` follows later, and finds them on their way.
        """
        return

    @classmethod
    @abstractmethod
    async def delete(cls, context: Context, doomed: Mapping[str, Sequence[str]]) -> None:
        """Delete these (ids by key) and return when nothing stands in others' way any more.

        What is gone already is no error.
        """

    @classmethod
    def goes_with_another(cls, context: Context, key: str) -> bool:
        """Whether cleanup may leave it to AWS, which deletes it together with its owner."""
        return False

    @classmethod
    async def find_on(
        cls, context: Context, carriers: Mapping[str, Sequence[str]]
    ) -> dict[str, list[str]]:
        """What of it stands on these (ids by key), whether the record knows of it or not."""
        return {}


def all_ids(doomed: Mapping[str, Sequence[str]]) -> list[str]:
    """The ids of all keys in one list."""
    return [one for ids in doomed.values() for one in ids]


class Tagged(Resource):
    """A resource that carries its key in a tag, given to it by the create call itself."""

    aws_type: ClassVar[str]
    """What AWS calls this kind where it names the type of a tagged resource."""

    listing: ClassVar[Listing]
    """How AWS lists this kind."""

    delete_operation: ClassVar[str]
    """The call that deletes one of it by its id."""

    @classmethod
    async def existing(cls, ec2: "EC2Client", ids: Sequence[str]) -> list[str]:
        """Those of these ids that exist: a tag may outlive what it was on."""
        return cls.listing.ids(await cls.listing.of_ids(ec2, ids))

    @classmethod
    async def find(
        cls, context: Context, wanted: Sequence[Self], tagged: Mapping[str, Sequence[str]]
    ) -> dict[str, list[str]]:
        candidates = {
            resource.key: [
                *dict.fromkeys((*context.ids_of(resource.key), *tagged.get(resource.key, ())))
            ]
            for resource in wanted
        }
        ids = all_ids(candidates)
        found = set(await cls.existing(context.ec2, ids)) if ids else set()
        return {key: [one for one in ids if one in found] for key, ids in candidates.items()}

    @classmethod
    async def delete(cls, context: Context, doomed: Mapping[str, Sequence[str]]) -> None:
        await cls.delete_each(context, all_ids(doomed))

    @classmethod
    async def delete_each(cls, context: Context, ids: Sequence[str]) -> None:
        """Send the call that deletes one of it for each of these."""

        async def delete_one(one: str) -> None:
            with tolerating(ErrorClass.NOT_FOUND):
                await getattr(context.ec2, cls.delete_operation)(**{cls.listing.id_field: one})

        await together(context.lease, *map(delete_one, ids))

    def tags(
        self, context: Context, name: str | None = None, own: Mapping[str, str] | None = None
    ) -> Any:
        """The create call's `TagSpecifications`.

        `name` is added to the environment's own to make the tag `Name`; `own` are tags of the
        caller's for this resource alone.
        """
        called = f"{context.spec.name}-{name}" if name else context.spec.name
        return [{"ResourceType": self.aws_type, "Tags": context.tags(self.key, called, own)}]


Kind = type[Resource]
Groups = Sequence[Sequence[Kind]]
"""The kinds of a step in the order of their making; the kinds of one group are independent."""


def key_beside(key: str, kind: str, suffix: str = "") -> str:
    """The key of what stands on a resource: of the same step and name, and of this kind."""
    step, _, name = key.split("/")
    return f"{step}/{kind}/{name}{suffix}"


def kind_name(key: str) -> str:
    """The kind in a resource key: `subnet` in `network/subnet/public-a`."""
    return key.split("/")[1]
