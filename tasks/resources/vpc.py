"""The VPC: the network that all else stands in."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from envwright.failure import FailureCategory
from tasks import known
from tasks.aws.listing import Listing
from tasks.context import ACCOUNT, Context
from tasks.failures import StepError
from tasks.lease import clock
from tasks.resources.base import Tagged


@dataclass(frozen=True, kw_only=True)
class Vpc(Tagged):
    kind: ClassVar[str] = "vpc"
    aws_type: ClassVar[str] = "vpc"
    listing: ClassVar[Listing] = Listing(
        operation="describe_vpcs", items="Vpcs", id_field="VpcId", id_filter="vpc-id"
    )
    delete_operation: ClassVar[str] = "delete_vpc"

    cidr: str
    ipv6: bool = False

    async def create(self, context: Context, count: int) -> list[str]:
        with_ipv6: Any = {"AmazonProvidedIpv6CidrBlock": True} if self.ipv6 else {}
        answer = await context.ec2.create_vpc(
            CidrBlock=self.cidr, TagSpecifications=self.tags(context), **with_ipv6
        )
        await context.remember(ACCOUNT, answer["Vpc"]["OwnerId"])
        return [answer["Vpc"]["VpcId"]]

    @classmethod
    async def until_usable(cls, context: Context, ids: Sequence[str]) -> None:
        """Wait for the IPv6 block of each, which AWS tells only once it is associated."""
        for vpc_id in ids:
            if known.ipv6_block(vpc_id) not in context.lookups:
                block = await _ipv6_block(context, vpc_id)
                await context.remember(known.ipv6_block(vpc_id), block)


async def _ipv6_block(context: Context, vpc_id: str) -> str:
    begun = clock()
    while clock() - begun <= context.settings.consistency_timeout:
        answer = await context.ec2.describe_vpcs(Filters=[{"Name": "vpc-id", "Values": [vpc_id]}])
        for vpc in answer["Vpcs"]:
            for association in vpc.get("Ipv6CidrBlockAssociationSet", ()):
                if association["Ipv6CidrBlockState"]["State"] == "associated":
                    return association["Ipv6CidrBlock"]
        await context.lease.pause(context.settings.poll_every)
    raise StepError(
        FailureCategory.AWS,
        f"AWS has not given {vpc_id} an IPv6 block in {context.settings.consistency_timeout:g} s: "
        f"look at its CIDR blocks; `retry` waits again.",
    )
