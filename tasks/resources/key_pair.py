"""The key pair, imported from the caller's public key: no private key ever exists here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from tasks.aws.errors import ErrorClass, tolerating
from tasks.aws.listing import Listing
from tasks.context import Context
from tasks.resources.base import Tagged, all_ids


@dataclass(frozen=True, kw_only=True)
class KeyPair(Tagged):
    kind: ClassVar[str] = "key_pair"
    aws_type: ClassVar[str] = "key-pair"
    listing: ClassVar[Listing] = Listing(
        operation="describe_key_pairs",
        items="KeyPairs",
        id_field="KeyPairId",
        id_filter="key-pair-id",
    )

    name: str
    public_key: str = field(repr=False)

    async def create(self, context: Context, count: int) -> list[str]:
        answer = await context.ec2.import_key_pair(
            KeyName=self.name,
            PublicKeyMaterial=self.public_key.encode(),
            TagSpecifications=self.tags(context),
        )
        return [answer["KeyPairId"]]

    @classmethod
    async def delete(cls, context: Context, doomed: Mapping[str, Sequence[str]]) -> None:
        """By name, read from the pair with this id: so never another's pair of the same name."""
        ids = all_ids(doomed)
        while not (pairs := await cls.listing.of_ids(context.ec2, ids)):
            if context.is_settled():
                return
            await context.lease.pause(context.settings.poll_every)
        for pair in pairs:
            with tolerating(ErrorClass.NOT_FOUND):
                await context.ec2.delete_key_pair(KeyName=pair["KeyName"])
