"""What the spec uses and is not the environment's: looked up before anything is made.

It is kept among the record's lookups, so that each attempt uses the same, and never among its
resources: so nothing that deletes can see it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from envwright.failure import FailureCategory
from envwright.spec import EnvironmentSpec
from envwright.spec import KeyPair as SpecKeyPair
from envwright.spec.existing import ExistingSubnets, ExistingVpc
from tasks import known
from tasks.context import ACCOUNT, Context
from tasks.failures import StepError
from tasks.keys import GATEWAY, KEY_PAIR, VPC, security_group, subnet
from tasks.known import existing
from tasks.resources.internet_gateway import InternetGateway
from tasks.resources.key_pair import KeyPair
from tasks.resources.security_group import SecurityGroup
from tasks.resources.subnet import Subnet
from tasks.resources.vpc import Vpc

Shown = Mapping[str, Any]
"""One thing as AWS shows it."""


async def look_up_existing(context: Context) -> None:
    """Find all that exists already, once.

    Raises `StepError` for what is not there, is not the only one, or lies elsewhere.
    """
    spec = context.spec
    if all(existing(key) in context.lookups for key in _keys(spec)):
        return
    lookups: dict[str, Any] = {}
    if (vpc := spec.network.existing_vpc) is not None:
        vpc_id = await _find_vpc(context, vpc)
        lookups[existing(VPC)] = [vpc_id]
        lookups |= await _find_subnets(context, vpc_id)
        lookups |= await _find_gateway(context, vpc_id)
        lookups |= await _find_groups(context, vpc_id)
        if context.record.identity.account is None:
            lookups[ACCOUNT] = await context.own_account()
    if (key_pair := _existing_key_pair(spec)) is not None:
        lookups |= await _find_key_pair(context, key_pair)
    await context.remember_all(lookups)


def _keys(spec: EnvironmentSpec) -> list[str]:
    """The keys in whose place something stands that is not ours; subnets come with their VPC."""
    return [
        *([VPC] if spec.network.existing_vpc is not None else ()),
        *([KEY_PAIR] if _existing_key_pair(spec) is not None else ()),
        *map(security_group, spec.security.existing_groups),
    ]


def _existing_key_pair(spec: EnvironmentSpec) -> SpecKeyPair | None:
    key_pair = spec.security.key_pair
    return key_pair if key_pair is not None and key_pair.public_key is None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sought:
    """One thing that the spec names, by what tells it from others or by tags."""

    place: str
    """Where in the spec."""
    called: str
    field: str
    """Where AWS's answer has what tells it from others."""
    filter: str
    name: str | None
    tags: Mapping[str, str] | None

    @property
    def filters(self) -> Any:
        if self.tags is None:
            return [{"Name": self.filter, "Values": [self.name]}]
        return [{"Name": f"tag:{tag}", "Values": [value]} for tag, value in self.tags.items()]

    def only_one(self, listed: Sequence[Shown], where: str) -> Shown:
        found = [one for one in listed if self._is(one)]
        if not found:
            asked = self.name or f"with the tags {_written(self.tags)}"
            raise _fault(f"{self.place}: {where} has no {self.called} {asked}.")
        if len(found) > 1:
            names = ", ".join(sorted(one[self.field] for one in found))
            raise _fault(
                f"{self.place}: {where} has {len(found)} {self.called}s with the tags "
                f"{_written(self.tags)} ({names}): name one of them instead."
            )
        return found[0]

    def _is(self, one: Shown) -> bool:
        return one[self.field] == self.name if self.tags is None else _carries(one, self.tags)


async def _find_vpc(context: Context, wanted: ExistingVpc) -> str:
    sought = _Sought(
        place="network.existing_vpc",
        called="VPC",
        field="VpcId",
        filter="vpc-id",
        name=wanted.id,
        tags=wanted.tags,
    )
    listed = await Vpc.listing.matching(context.ec2, sought.filters)
    return str(sought.only_one(listed, context.spec.region)["VpcId"])


async def _find_groups(context: Context, vpc_id: str) -> dict[str, Any]:
    wanted = context.spec.security.existing_groups
    if not wanted:
        return {}
    listed = await SecurityGroup.listing.matching(context.ec2, _in_vpc(vpc_id))
    found: dict[str, Any] = {}
    for name, group in wanted.items():
        sought = _Sought(
            place=f"security.existing_groups.{name}",
            called="security group",
            field="GroupId",
            filter="group-id",
            name=group.id,
            tags=group.tags,
        )
        found[existing(security_group(name))] = [sought.only_one(listed, vpc_id)["GroupId"]]
    return found


async def _find_key_pair(context: Context, wanted: SpecKeyPair) -> dict[str, Any]:
    """The key pair, and its name, by which a launch takes it."""
    sought = _Sought(
        place="security.key_pair",
        called="key pair",
        field="KeyName",
        filter="key-name",
        name=wanted.name,
        tags=wanted.tags,
    )
    listed = await KeyPair.listing.matching(context.ec2, sought.filters)
    pair = sought.only_one(listed, context.spec.region)
    return {existing(KEY_PAIR): [pair["KeyPairId"]], known.KEY_PAIR_NAME: pair["KeyName"]}


async def _find_subnets(context: Context, vpc_id: str) -> dict[str, Any]:
    """The subnets of the tiers that exist, and the zones, which are theirs."""
    wanted = {tier.name: tier.existing for tier in context.spec.network.tiers if tier.existing}
    if not wanted:
        return {}
    listed = await Subnet.listing.matching(context.ec2, _in_vpc(vpc_id))
    by_tier = {tier: _subnets(tier, some, listed, vpc_id) for tier, some in wanted.items()}
    zones = _zones(context.spec.network.zones, by_tier)
    return {known.ZONES: zones} | {
        existing(subnet(tier, zone)): [_in_zone(tier, zone, subnets)]
        for tier, subnets in by_tier.items()
        for zone in zones
    }


async def _find_gateway(context: Context, vpc_id: str) -> dict[str, Any]:
    """The VPC's internet gateway, where subnets of ours are to lead there."""
    public = [tier for tier in context.spec.network.tiers_of("public") if tier.existing is None]
    if not public:
        return {}
    attached = [{"Name": "attachment.vpc-id", "Values": [vpc_id]}]
    found = await InternetGateway.listing.matching(context.ec2, attached)
    if not found:
        raise _fault(
            f"{_tier(public[0].name)} is public, and {vpc_id} has no internet gateway: make the "
            "tier isolated, or ask the VPC's owner for one."
        )
    return {existing(GATEWAY): [found[0]["InternetGatewayId"]]}


def _subnets(
    tier: str, wanted: ExistingSubnets, listed: Sequence[Shown], vpc_id: str
) -> list[Shown]:
    if wanted.ids is None:
        return [one for one in listed if _carries(one, wanted.tags or {})]
    by_id = {one["SubnetId"]: one for one in listed}
    if unknown := [one for one in wanted.ids if one not in by_id]:
        raise _fault(f"{_tier(tier)}: {vpc_id} has no subnet {', '.join(unknown)}.")
    return [by_id[one] for one in wanted.ids]


def _zones(
    asked: int | tuple[str, ...] | None, by_tier: Mapping[str, Sequence[Shown]]
) -> list[str]:
    """The zones that the spec names, or as many of the subnets' as it counts, or all of these."""
    if isinstance(asked, tuple):
        return [*asked]
    of_tiers = [{one["AvailabilityZone"] for one in subnets} for subnets in by_tier.values()]
    wanted = set.intersection(*of_tiers) if asked else set.union(*of_tiers)
    if not wanted or len(wanted) < (asked or 0):
        raise _fault(
            f"network.zones: the tiers that exist all have subnets in {len(wanted)} zones "
            f"({', '.join(sorted(wanted))}) alone."
        )
    return sorted(wanted)[:asked]


def _in_zone(tier: str, zone: str, subnets: Sequence[Shown]) -> str:
    there = sorted(one["SubnetId"] for one in subnets if one["AvailabilityZone"] == zone)
    if not there:
        raise _fault(f"{_tier(tier)} has no subnet in {zone}: name the zones in network.zones.")
    if len(there) > 1:
        raise _fault(
            f"{_tier(tier)} has {len(there)} subnets in {zone} ({', '.join(there)}), and uses one "
            "in each zone: name them by `ids`."
        )
    return str(there[0])


def _tier(name: str) -> str:
    return f"network.tiers: The tier {name}"


def _in_vpc(vpc_id: str) -> Any:
    return [{"Name": "vpc-id", "Values": [vpc_id]}]


def _carries(one: Shown, tags: Mapping[str, str]) -> bool:
    own = {tag["Key"]: tag["Value"] for tag in one.get("Tags", ())}
    return tags.items() <= own.items()


def _written(tags: Mapping[str, str] | None) -> str:
    return ", ".join(f"{name}={value}" for name, value in (tags or {}).items())


def _fault(sentence: str) -> StepError:
    return StepError(FailureCategory.SPEC, sentence)
