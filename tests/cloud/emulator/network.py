"""VPCs, subnets and gateways: their states, and what stands in the way of their end."""

from typing import Any

from moto.ec2.exceptions import DependencyViolationError

from tests.cloud.emulator.contents import subnets_of
from tests.cloud.emulator.errors import in_use


def available(one: Any) -> None:
    one.state = "available"


def come_up(one: Any) -> None:
    """Be available, unless it was deleted meanwhile."""
    if one.state == "pending":
        available(one)


class Network:
    """What `StrictBackend` does with them."""

    def create_vpc(self: Any, *asked: Any, **more: Any) -> Any:
        self.refuse_beyond("vpcs", len(self.vpcs))
        vpc = super().create_vpc(*asked, **more)  # type: ignore[misc]
        if self.is_opened:
            vpc.state = "pending"
            self.later(self.terms.durations.vpc_pending, lambda: available(vpc))
        return vpc

    def create_subnet(self: Any, vpc_id: str, *asked: Any, **more: Any) -> Any:
        there_are = self.describe_subnets(filters={"vpc-id": [vpc_id]})
        self.refuse_beyond("subnets_per_vpc", len(there_are))
        subnet = super().create_subnet(vpc_id, *asked, **more)  # type: ignore[misc]
        if self.is_opened:
            subnet.state = "pending"
            self.later(self.terms.durations.subnet_pending, lambda: available(subnet))
        return subnet

    def create_internet_gateway(self: Any, *asked: Any, **more: Any) -> Any:
        self.refuse_beyond("internet_gateways", len(self.internet_gateways))
        return super().create_internet_gateway(*asked, **more)  # type: ignore[misc]

    def delete_vpc(self: Any, vpc_id: str) -> Any:
        if vpc_id in self.vpcs and self._what_is_in(vpc_id):
            raise in_use("vpc", vpc_id)
        self._main_table_and_default_group_go = True
        try:
            vpc = super().delete_vpc(vpc_id)  # type: ignore[misc]
        finally:
            self._main_table_and_default_group_go = False
        for one in [acl.id for acl in self.network_acls.values() if acl.vpc_id == vpc_id]:
            del self.network_acls[one]
        self.groups.pop(vpc_id, None)
        return vpc

    def _what_is_in(self: Any, vpc_id: str) -> list[str]:
        """What its owner must take out of a VPC before it can be deleted."""
        return [
            *(one.id for one in subnets_of(self) if one.vpc_id == vpc_id),
            *(
                one.id
                for one in self.internet_gateways.values()
                if one.vpc and one.vpc.id == vpc_id
            ),
            *(
                one.id
                for one in self.egress_only_internet_gateways.values()
                if one.vpc_id == vpc_id
            ),
            *(one.id for one in self.groups[vpc_id].values() if one.name != "default"),
            *(one.id for one in self.enis.values() if one.subnet.vpc_id == vpc_id),
            *(
                one.id
                for one in self.nat_gateways.values()
                if one.vpc_id == vpc_id and one.state not in ("failed", "deleted")
            ),
            *(
                one.id
                for one in self.network_acls.values()
                if one.vpc_id == vpc_id and not one.default
            ),
            *(
                one.id
                for one in self.vpc_end_points.values()
                if one.vpc_id == vpc_id and one.state != "deleted"
            ),
        ]

    def delete_subnet(self: Any, subnet_id: str) -> Any:
        if any(eni.subnet.id == subnet_id for eni in self.enis.values()):
            raise in_use("subnet", subnet_id)
        return super().delete_subnet(subnet_id)  # type: ignore[misc]

    def detach_internet_gateway(self: Any, internet_gateway_id: str, vpc_id: str) -> None:
        gateway = self.get_internet_gateway(internet_gateway_id)
        attached = gateway.vpc is not None and gateway.vpc.id == vpc_id
        if attached and self._public_addresses_in(vpc_id):
            raise DependencyViolationError(
                f"Network {vpc_id} has some mapped public address(es). Please unmap those public "
                "address(es) before detaching the gateway."
            )
        super().detach_internet_gateway(internet_gateway_id, vpc_id)  # type: ignore[misc]

    def leads_out(self: Any, vpc_id: str) -> bool:
        """Whether an internet gateway is attached; AWS's default VPC has one, moto's lacks it."""
        attached = {one.vpc.id for one in self.internet_gateways.values() if one.vpc}
        return vpc_id in attached or vpc_id == self.default_vpc.id

    def _public_addresses_in(self: Any, vpc_id: str) -> bool:
        held = {address.eni.id for address in self.addresses if address.eni}
        return any(
            eni.subnet.vpc_id == vpc_id and (eni.public_ip or eni.id in held)
            for eni in self.enis.values()
        )
