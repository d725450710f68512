"""Security groups, and which interfaces and rules hold on to them."""

from typing import Any

from moto.ec2.models.security_groups import SecurityGroupRule

from tests.cloud.emulator.errors import refused


class Security:
    """What `StrictBackend` does with them."""

    def create_security_group(self: Any, *asked: Any, force: bool = False, **more: Any) -> Any:
        # moto forces the groups that come with a VPC.
        if not force:
            self.refuse_beyond("security_groups", sum(map(len, self.groups.values())))
        group = super().create_security_group(  # type: ignore[misc]
            *asked, force=force, **more
        )
        if group.name == "default":
            # moto leaves out the rule that lets its members reach each other.
            members = {"GroupId": group.id, "OwnerId": group.owner_id, "UserId": group.owner_id}
            group.ingress_rules.append(
                SecurityGroupRule(self, "-1", group.id, None, None, None, members)
            )
        return group

    def delete_security_group(
        self: Any, name: str | None = None, group_id: str | None = None
    ) -> None:
        group = self.get_security_group_by_name_or_id(group_id or name)
        if group and not self.__dict__.get("_main_table_and_default_group_go", False):
            if group.name == "default":
                told = (
                    f'the specified group: "{group.id}" name: "default" cannot be deleted by a user'
                )
                raise refused("CannotDelete", told)
            if self._holds_on_to(group):
                raise refused("DependencyViolation", f"resource {group.id} has a dependent object")
        super().delete_security_group(name, group_id)  # type: ignore[misc]

    def _holds_on_to(self: Any, group: Any) -> bool:
        """Whether an interface, an endpoint or another group's rule does."""
        by_interfaces = any(
            one is not None and one.id == group.id
            for eni in self.enis.values()
            for one in eni.group_set
        )
        by_endpoints = any(
            group.id in (endpoint.security_group_ids or [])
            for endpoint in self.vpc_end_points.values()
            if endpoint.state != "deleted"
        )
        by_rules = any(
            rule.source_group.get("GroupId") == group.id
            for groups in self.groups.values()
            for other in groups.values()
            if other.id != group.id
            for rule in (*other.ingress_rules, *other.egress_rules)
        )
        return by_interfaces or by_endpoints or by_rules


def _is_the_same(one: SecurityGroupRule, other: Any) -> bool:
    """A description is no part of a rule, as in "RevokeSecurityGroupIngress": moto compares it."""
    return _told(one) == _told(other)


def _told(rule: SecurityGroupRule) -> tuple[object, ...]:
    peers = (rule.ip_range, rule.source_group, rule.prefix_list_id)
    ports = () if rule.ip_protocol == "-1" else (rule.from_port, rule.to_port)
    return rule.ip_protocol, ports, *map(_without_description, peers)


def _without_description(peer: Any) -> Any:
    if not isinstance(peer, dict):
        return peer or {}
    return {name: value for name, value in peer.items() if name != "Description"}


def take_the_place_of_motos() -> None:
    SecurityGroupRule.__eq__ = _is_the_same
