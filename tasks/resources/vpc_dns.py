"""The VPC's DNS settings, where they are to differ from what AWS gives a new VPC."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from tasks.context import Context
from tasks.resources.base import Resource


@dataclass(frozen=True, kw_only=True)
class VpcDns(Resource):
    """Support and host names: EC2 changes one attribute a call, and not both at once."""

    kind: ClassVar[str] = "vpc_dns"

    vpc: str
    support: bool
    hostnames: bool

    @classmethod
    async def find(
        cls, context: Context, wanted: Sequence[Self], tagged: Mapping[str, Sequence[str]]
    ) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for dns in wanted:
            for vpc_id in context.ids_of(dns.vpc):
                support = await context.ec2.describe_vpc_attribute(
                    VpcId=vpc_id, Attribute="enableDnsSupport"
                )
                hostnames = await context.ec2.describe_vpc_attribute(
                    VpcId=vpc_id, Attribute="enableDnsHostnames"
                )
                is_so = (
                    support["EnableDnsSupport"].get("Value"),
                    hostnames["EnableDnsHostnames"].get("Value"),
                )
                if is_so == (dns.support, dns.hostnames):
                    found[dns.key] = [vpc_id]
        return found

    async def create(self, context: Context, count: int) -> list[str]:
        vpc_id = context.id_of(self.vpc)
        if not self.support:
            await context.ec2.modify_vpc_attribute(VpcId=vpc_id, EnableDnsSupport={"Value": False})
        if self.hostnames:
            await context.ec2.modify_vpc_attribute(VpcId=vpc_id, EnableDnsHostnames={"Value": True})
        return [vpc_id]

    @classmethod
    async def delete(cls, context: Context, doomed: Mapping[str, Sequence[str]]) -> None:
        """Give the VPC AWS's own settings back."""
        for vpc_id in {one for ids in doomed.values() for one in ids}:
            await context.ec2.modify_vpc_attribute(VpcId=vpc_id, EnableDnsSupport={"Value": True})
            await context.ec2.modify_vpc_attribute(
                VpcId=vpc_id, EnableDnsHostnames={"Value": False}
            )

    @classmethod
    def goes_with_another(cls, context: Context, key: str) -> bool:
        return True
