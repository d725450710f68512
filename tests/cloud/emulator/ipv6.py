"""IPv6: the blocks of VPCs and subnets, and the gateways that lead out alone."""

from ipaddress import IPv6Network, ip_network
from typing import Any, Final

from moto.core.responses import ActionResult
from moto.ec2.models import vpcs
from moto.ec2.responses.egress_only_internet_gateways import EgressOnlyInternetGateway
from moto.ec2.utils import generic_filter

from tests.cloud.emulator.contents import subnets_of
from tests.cloud.emulator.errors import refused

_PREFIX: Final = 64
"""Of a subnet's block."""


class VPC(vpcs.VPC):
    """A VPC that says which block it was given only when it has it."""

    @property
    def ipv6_cidr_block_association_set(self) -> list[dict[str, Any]]:
        return [
            one | {"ipv6CidrBlock": ""} if _is_to_come(one) else one
            for one in super().ipv6_cidr_block_association_set
        ]


class Ipv6:
    """What `StrictBackend` does with it."""

    def create_vpc(self: Any, *asked: Any, **more: Any) -> Any:
        vpc = super().create_vpc(*asked, **more)  # type: ignore[misc]
        for association in vpc.get_cidr_block_association_set(ipv6=True):
            self._associate_late(association["cidr_block_state"], "state")
        return vpc

    def associate_vpc_cidr_block(self: Any, *asked: Any, **more: Any) -> Any:
        association = super().associate_vpc_cidr_block(*asked, **more)  # type: ignore[misc]
        self._associate_late(association["cidr_block_state"], "state")
        return association

    def _associate_late(self: Any, state: dict[str, Any], key: str) -> None:
        state[key] = "associating"

        def associate() -> None:
            if state[key] == "associating":
                state[key] = "associated"

        self.later(self.terms.durations.ipv6_associating, associate)

    def create_subnet(
        self: Any,
        vpc_id: str,
        cidr_block: str,
        ipv6_cidr_block: str | None = None,
        *asked: Any,
        **more: Any,
    ) -> Any:
        if ipv6_cidr_block:
            self._refuse_ipv6_block(vpc_id, ipv6_cidr_block)
        subnet = super().create_subnet(  # type: ignore[misc]
            vpc_id, cidr_block, ipv6_cidr_block, *asked, **more
        )
        for association in subnet.ipv6_cidr_block_associations.values():
            self._associate_late(association["ipv6CidrBlockState"], "State")
        return subnet

    def associate_subnet_cidr_block(self: Any, subnet_id: str, ipv6_cidr_block: str) -> Any:
        self._refuse_ipv6_block(self.get_subnet(subnet_id).vpc_id, ipv6_cidr_block)
        association = super().associate_subnet_cidr_block(  # type: ignore[misc]
            subnet_id, ipv6_cidr_block
        )
        self._associate_late(association["ipv6CidrBlockState"], "State")
        return association

    def _refuse_ipv6_block(self: Any, vpc_id: str, block: str) -> None:
        """Unless it is a free /64 of a block that the VPC has."""
        try:
            wanted = IPv6Network(block)
        except ValueError as error:
            told = f"Value ({block}) for parameter ipv6CidrBlock is invalid."
            raise refused("InvalidParameterValue", told) from error
        there_are = [
            ip_network(one["cidr_block"])
            for one in self.get_vpc(vpc_id).get_cidr_block_association_set(ipv6=True)
            if one["cidr_block_state"]["state"] == "associated"
        ]
        if wanted.prefixlen != _PREFIX or not any(wanted.subnet_of(one) for one in there_are):
            raise refused("InvalidSubnet.Range", f"The CIDR '{block}' is invalid.")
        for subnet in subnets_of(self):
            if subnet.vpc_id == vpc_id and any(
                wanted.overlaps(IPv6Network(other)) for other in subnet.ipv6_blocks
            ):
                told = f"The CIDR '{block}' conflicts with another subnet"
                raise refused("InvalidSubnet.Conflict", told)

    def modify_subnet_attribute(self: Any, subnet_id: str, attr_name: str, attr_value: Any) -> None:
        of_ipv6 = attr_name == "assign_ipv6_address_on_creation" and attr_value
        if of_ipv6 and not self.get_subnet(subnet_id).ipv6_blocks:
            told = f"The subnet '{subnet_id}' has no IPv6 CIDR block"
            raise refused("InvalidParameterValue", told)
        super().modify_subnet_attribute(subnet_id, attr_name, attr_value)  # type: ignore[misc]

    def create_egress_only_internet_gateway(self: Any, *asked: Any, **more: Any) -> Any:
        there_are = len(self.egress_only_internet_gateways)
        self.refuse_beyond("egress_only_internet_gateways", there_are)
        return super().create_egress_only_internet_gateway(  # type: ignore[misc]
            *asked, **more
        )

    def describe_egress_only_internet_gateways(self: Any, ids: list[str] | None = None) -> Any:
        for one in ids or []:
            self.get_egress_only_igw(one)
        return super().describe_egress_only_internet_gateways(ids)  # type: ignore[misc]

    def delete_egress_only_internet_gateway(self: Any, gateway_id: str) -> None:
        """Allowed with routes that lead there: they are blackholes then."""
        gateway = self.get_egress_only_igw(gateway_id)
        super().delete_egress_only_internet_gateway(gateway_id)  # type: ignore[misc]
        gateway.state = "deleted"


def _is_to_come(association: dict[str, Any]) -> bool:
    return bool(association["cidr_block_state"]["state"] == "associating")


def _describe_egress_only_internet_gateways(response: Any) -> ActionResult:
    """With filters, which moto ignores."""
    ids = response._get_param("EgressOnlyInternetGatewayIds", [])
    found = response.ec2_backend.describe_egress_only_internet_gateways(ids)
    filters = response._filters_from_querystring()
    return ActionResult({"EgressOnlyInternetGateways": generic_filter(filters, found)})


def take_the_place_of_motos() -> None:
    vpcs.VPC = VPC
    EgressOnlyInternetGateway.describe_egress_only_internet_gateways = (
        _describe_egress_only_internet_gateways
    )
