"""The key pair, imported from the caller's public key: no private key ever exists here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from tasks.aws.errors import ErrorClass, tolerating
from tasks.context import Context
from tasks.resources.base import Tagged, all_ids

if TYPE_CHECKING:
    from types_aiobotocore_ec2.client import EC2Client
    from types_aiobotocore_ec2.type_defs import KeyPairInfoTypeDef


@dataclass(frozen=True, kw_only=True)
class KeyPair(Tagged):
    kind: ClassVar[str] = "key_pair"
    aws_type: ClassVar[str] = "key-pair"

    name: str
    public_key: str = field(repr=False)

    @classmethod
    async def existing(cls, ec2: "EC2Client", ids: Sequence[str]) -> list[str]:
        return [pair["KeyPairId"] for pair in await _describe(ec2, ids)]

    async def create(self, context: Context, count: int) -> list[str]:
        answer = await context.ec2.import_key_pair(
            KeyName=self.name,
            PublicKeyMaterial=self.public_key.encode(),
            TagSpecifications=[
                {"ResourceType": "key-pair", "Tags": context.tags(self.key, context.spec.name)}
            ],
        )
        return [answer["KeyPairId"]]

    @classmethod
    async def delete(cls, context: Context, doomed: Mapping[str, Sequence[str]]) -> None:
        """By name, read from the pair with this id: so never another's pair of the same name."""
        ids = all_ids(doomed)
        while not (pairs := await _describe(context.ec2, ids)) and not context.is_settled():
            await context.lease.pause(context.settings.poll_every)
        for pair in pairs:
            with tolerating(ErrorClass.NOT_FOUND):
                await context.ec2.delete_key_pair(KeyName=pair["KeyName"])


async def _describe(ec2: "EC2Client", ids: Sequence[str]) -> "list[KeyPairInfoTypeDef]":
    answer = await ec2.describe_key_pairs(Filters=[{"Name": "key-pair-id", "Values": [*ids]}])
    return answer["KeyPairs"]
