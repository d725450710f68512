"""The rules of a security group in one direction, as the spec wants them."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, Self

from envwright.record import RunKind
from tasks.aws.errors import AwsError, ErrorClass, tolerating
from tasks.context import Context
from tasks.resources.base import Resource, all_ids, key_beside

if TYPE_CHECKING:
    from types_aiobotocore_ec2.type_defs import SecurityGroupTypeDef

Direction = Literal["ingress", "egress"]
PeerKind = Literal["cidr", "cidr6", "prefix_list", "group"]

_DIRECTIONS: Final[tuple[Direction, ...]] = ("ingress", "egress")


@dataclass(frozen=True)
class Permission:
    """One protocol, one range of ports, one peer: what AWS counts as one rule."""

    protocol: str
    from_port: int
    to_port: int
    peer_kind: PeerKind
    peer: str
    """A CIDR block or an id; for a wanted group, its resource key."""
    description: str = field(default="", compare=False)


ALL_OUT: Final = Permission("-1", -1, -1, "cidr", "0.0.0.0/0")
"""The rule that AWS gives every new group: all traffic out, to anywhere."""

ALL_OUT_IPV6: Final = Permission("-1", -1, -1, "cidr6", "::/0")
"""The same for IPv6, where the VPC has a block of it (Amazon VPC User Guide: security groups)."""

_PEER_FIELDS: Final[dict[PeerKind, tuple[str, str]]] = {
    "cidr": ("IpRanges", "CidrIp"),
    "cidr6": ("Ipv6Ranges", "CidrIpv6"),
    "prefix_list": ("PrefixListIds", "PrefixListId"),
    "group": ("UserIdGroupPairs", "GroupId"),
}


@dataclass(frozen=True, kw_only=True)
class SecurityGroupRules(Resource):
    """All rules of one group in one direction, which one call authorizes together.

    Known to the record by the group's id. Rules that somebody added beside the wanted ones are
    left alone.
    """

    kind: ClassVar[str] = "security_group_rules"
    stands_on: ClassVar[str | None] = "security_group"

    group: str
    direction: Direction
    permissions: tuple[Permission, ...]

    @classmethod
    async def find(
        cls, context: Context, wanted: Sequence[Self], tagged: Mapping[str, Sequence[str]]
    ) -> dict[str, list[str]]:
        ids = {rules.key: context.ids_of(rules.group) for rules in wanted}
        groups = await _describe(context, all_ids(ids))
        return {
            rules.key: [group_id]
            for rules in wanted
            for group_id in ids[rules.key]
            if group_id in groups and rules._are_on(context, groups[group_id])
        }

    async def create(self, context: Context, count: int) -> list[str]:
        group_id = context.id_of(self.group)
        wanted = self._with_ids(context)
        if self.direction == "egress":
            given = _given_by_aws(context)
            await _revoke(context, "egress", group_id, given - wanted)
            wanted -= given
        try:
            await _authorize(context, self.direction, group_id, wanted)
        except AwsError as error:
            if error.error_class is not ErrorClass.EXISTS:
                raise
            # AWS adds none of them when one is there already, so only the rest is sent again.
            groups = await _describe(context, [group_id])
            present = set(_present(groups[group_id], self.direction))
            await _authorize(context, self.direction, group_id, wanted - present)
        return [group_id]

    def ids_foreseen(self, context: Context) -> tuple[str, ...]:
        return (context.id_of(self.group),)

    @classmethod
    async def delete(cls, context: Context, doomed: Mapping[str, Sequence[str]]) -> None:
        """Take every rule away, and give the group back what AWS gave it, all traffic out: but
        not in a cleanup, which takes the group as well."""
        keeps_group = context.record.run.kind is not RunKind.CLEANUP
        groups = await _describe(context, all_ids(doomed))
        for key, ids in doomed.items():
            _, direction = _parts(key)
            for group_id in groups.keys() & set(ids):
                present = set(_present(groups[group_id], direction))
                given = _given_by_aws(context) if direction == "egress" else set()
                await _revoke(context, direction, group_id, present - given)
                if keeps_group:
                    await _authorize(context, direction, group_id, given - present)

    @classmethod
    def goes_with_another(cls, context: Context, key: str) -> bool:
        """Rules go with their group; but no group goes while another one's rules name it."""
        if context.is_thorough:
            return False
        name, direction = _parts(key)
        group = context.spec.security.groups.get(name)
        rules = (group.ingress if direction == "ingress" else group.egress) if group else ()
        return not any(
            named in context.spec.security.groups for rule in rules or () for named in rule.groups
        )

    @classmethod
    async def find_on(
        cls, context: Context, carriers: Mapping[str, Sequence[str]]
    ) -> dict[str, list[str]]:
        """Only the rules that name another group: the others go with their own."""
        groups = await _describe(context, all_ids(carriers))
        return {
            key_beside(key, cls.kind, f"-{direction}"): named
            for key, ids in carriers.items()
            for direction in _DIRECTIONS
            if (named := [one for one in ids if _names_another(groups.get(one), direction)])
        }

    def _with_ids(self, context: Context) -> set[Permission]:
        return {
            replace(one, peer=context.id_of(one.peer)) if one.peer_kind == "group" else one
            for one in self.permissions
        }

    def _are_on(self, context: Context, group: "SecurityGroupTypeDef") -> bool:
        wanted = self._with_ids(context)
        present = set(_present(group, self.direction))
        too_many = _given_by_aws(context) - wanted if self.direction == "egress" else set()
        return wanted <= present and not too_many & present


def _given_by_aws(context: Context) -> set[Permission]:
    """The rules for what is let out that AWS gives a new group."""
    spec = context.record.spec
    return {ALL_OUT, ALL_OUT_IPV6} if spec and spec.network.ipv6 else {ALL_OUT}


def _parts(key: str) -> tuple[str, Direction]:
    """The group's name and the direction, out of `security/security_group_rules/web-ingress`."""
    name, direction = key.rsplit("/", 1)[-1].rsplit("-", 1)
    return name, "egress" if direction == "egress" else "ingress"


async def _describe(context: Context, ids: Sequence[str]) -> "dict[str, SecurityGroupTypeDef]":
    if not ids:
        return {}
    answer = await context.ec2.describe_security_groups(
        Filters=[{"Name": "group-id", "Values": sorted(set(ids))}]
    )
    return {group["GroupId"]: group for group in answer["SecurityGroups"]}


def _present(group: "SecurityGroupTypeDef", direction: Direction) -> Iterator[Permission]:
    rules: Any = group["IpPermissions" if direction == "ingress" else "IpPermissionsEgress"]
    for rule in rules:
        for peer_kind, (list_field, peer_field) in _PEER_FIELDS.items():
            for peer in rule.get(list_field, ()):
                yield Permission(
                    rule["IpProtocol"],
                    rule.get("FromPort", -1),
                    rule.get("ToPort", -1),
                    peer_kind,
                    peer[peer_field],
                )


def _names_another(group: "SecurityGroupTypeDef | None", direction: Direction) -> bool:
    return group is not None and any(
        one.peer_kind == "group" and one.peer != group["GroupId"]
        for one in _present(group, direction)
    )


def _as_aws_wants_them(permissions: Collection[Permission]) -> Any:
    """One entry for each protocol and range of ports, with all its peers in it."""
    entries: defaultdict[tuple[str, int, int], dict[str, Any]] = defaultdict(dict)
    for one in permissions:
        entry = entries[one.protocol, one.from_port, one.to_port]
        entry["IpProtocol"] = one.protocol
        if one.protocol != "-1":
            entry["FromPort"], entry["ToPort"] = one.from_port, one.to_port
        list_field, peer_field = _PEER_FIELDS[one.peer_kind]
        peer = {peer_field: one.peer}
        if one.description:
            peer["Description"] = one.description
        entry.setdefault(list_field, []).append(peer)
    return list(entries.values())


async def _authorize(
    context: Context, direction: Direction, group_id: str, permissions: Collection[Permission]
) -> None:
    if permissions:
        call: Any = getattr(context.ec2, f"authorize_security_group_{direction}")
        await call(GroupId=group_id, IpPermissions=_as_aws_wants_them(permissions))


async def _revoke(
    context: Context, direction: Direction, group_id: str, permissions: Collection[Permission]
) -> None:
    if permissions:
        call: Any = getattr(context.ec2, f"revoke_security_group_{direction}")
        with tolerating(ErrorClass.ABSENT):
            await call(GroupId=group_id, IpPermissions=_as_aws_wants_them(permissions))
