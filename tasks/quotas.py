"""What an environment would take of the account's quotas, and what is left of them.

The quotas are those of a region; their codes are Service Quotas' own, which
`aws service-quotas list-service-quotas` lists.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from envwright.plan import QuotaUse
from tasks.aws.errors import AwsError, Halted
from tasks.aws.rehearsal import Rehearsed
from tasks.kinds import TAGGED
from tasks.vcpus import Quota, vcpus_in_use, vcpus_of_launches

if TYPE_CHECKING:
    from types_aiobotocore_ec2.client import EC2Client
    from types_aiobotocore_service_quotas.client import ServiceQuotasClient


_OF_KINDS: Final = {
    "vpc": ("CreateVpc", Quota("VPCs per Region", "vpc", "L-F678F1CE")),
    "internet_gateway": (
        "CreateInternetGateway",
        Quota("Internet gateways per Region", "vpc", "L-A4707A72"),
    ),
    "egress_only_internet_gateway": (
        "CreateEgressOnlyInternetGateway",
        Quota("Egress-only internet gateways per Region", "vpc", "L-45FE3B85"),
    ),
    "security_group": (
        "CreateSecurityGroup",
        Quota("VPC security groups per Region", "vpc", "L-E79EC296"),
    ),
    "address": ("AllocateAddress", Quota("EC2-VPC Elastic IPs", "ec2", "L-0263D0A3")),
}
"""By kind: the call that takes one of it, and the quota."""

_NAT_GATEWAYS: Final = Quota("NAT gateways per Availability Zone", "vpc", "L-FE5A380F")


class Quotas:
    """Compares what a rehearsal would take with what the account has."""

    def __init__(self, ec2: "EC2Client", quotas: "ServiceQuotasClient") -> None:
        self._ec2 = ec2
        self._quotas = quotas

    async def uses(self, changes: Sequence[Rehearsed], zones: Sequence[str]) -> list[QuotaUse]:
        """What these calls would take of each quota that they take of."""
        wanted = Counter(one.action for one in changes)
        uses = [
            self._use(quota, wanted[action], self._count(kind))
            for kind, (action, quota) in _OF_KINDS.items()
            if wanted[action]
        ]
        if gateways := wanted["CreateNatGateway"]:
            in_one_zone = -(-gateways // len(zones))
            uses.append(self._use(_NAT_GATEWAYS, in_one_zone, self._nat_gateways_in(zones)))
        uses += [
            self._use(quota, vcpus, vcpus_in_use(self._ec2, quota))
            for quota, vcpus in (await vcpus_of_launches(self._ec2, changes)).items()
        ]
        return [*await asyncio.gather(*uses)]

    async def _use(self, quota: Quota, needed: int, counting: Any) -> QuotaUse:
        unknown: list[str] = []
        used = limit = None
        try:
            used = await counting
        except AwsError as error:
            unknown.append(str(error))
        try:
            limit = await self._limit(quota)
        except AwsError as error:
            unknown.append(str(error))
        except Halted:
            unknown.append("Service Quotas did not answer in time.")
        return QuotaUse(
            name=quota.name,
            service=quota.service,
            code=quota.code,
            needed=needed,
            used=used,
            limit=limit,
            unknown=" ".join(unknown) or None,
        )

    async def _limit(self, quota: Quota) -> int:
        """As it is for the account; AWS's default, where it was never changed."""
        asked = {"ServiceCode": quota.service, "QuotaCode": quota.code}
        try:
            answer: Any = await self._quotas.get_service_quota(**asked)
        except AwsError as error:
            if error.code != "NoSuchResourceException":
                raise
            answer = await self._quotas.get_aws_default_service_quota(**asked)
        return int(answer["Quota"]["Value"])

    async def _count(self, kind: str) -> int:
        return len(await TAGGED[kind].listing.of_account(self._ec2))

    async def _nat_gateways_in(self, zones: Sequence[str]) -> int:
        """How many there are in that of these zones which has the most."""
        gateways = await TAGGED["nat_gateway"].listing.of_account(self._ec2)
        subnets = await TAGGED["subnet"].listing.of_account(self._ec2)
        zone_of = {one["SubnetId"]: one["AvailabilityZone"] for one in subnets}
        by_zone = Counter(zone_of.get(one["SubnetId"]) for one in gateways)
        return max(by_zone[zone] for zone in zones)
