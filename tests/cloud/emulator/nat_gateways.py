"""NAT gateways: what they need, what they hold, and how they tell that they have failed."""

from typing import Any

from moto.ec2.utils import generic_filter

from tests.cloud.emulator.errors import refused
from tests.cloud.emulator.network import come_up

_USELESS = ("failed", "deleted")
"""States in which a gateway holds nothing any more."""


class NatGateways:
    """What `StrictBackend` does with them."""

    def create_nat_gateway(
        self: Any, subnet_id: str, allocation_id: str | None, *asked: Any, **more: Any
    ) -> Any:
        if allocation_id is None:
            raise refused("MissingParameter", "The request must contain the parameter AllocationId")
        subnet = self.get_subnet(subnet_id)
        (address,) = self.address_by_allocation([allocation_id])
        self.refuse_beyond("nat_gateways_per_zone", self._how_many_in(subnet.availability_zone))
        trouble = self._what_is_wrong(subnet.vpc_id, address)
        gateway = super().create_nat_gateway(  # type: ignore[misc]
            subnet_id, "" if trouble else allocation_id, *asked, **more
        )
        gateway.address_set[0]["allocationId"] = allocation_id
        gateway._eni.status, gateway._eni.interface_type = "in-use", "nat_gateway"
        gateway._eni.requester_managed = True
        gateway._eni.description = f"Interface for NAT Gateway {gateway.id}"
        gateway.state = "pending"
        comes = (lambda: self._fail(gateway, *trouble)) if trouble else (lambda: come_up(gateway))
        self.later(self.terms.durations.nat_gateway_pending, comes)
        return gateway

    def _how_many_in(self: Any, zone: str) -> int:
        return sum(
            gateway.state not in _USELESS
            and self.get_subnet(gateway.subnet_id).availability_zone == zone
            for gateway in self.nat_gateways.values()
        )

    def _what_is_wrong(self: Any, vpc_id: str, address: Any) -> tuple[str, str] | None:
        """The code and the message of the failure, as in "Troubleshoot NAT gateways"."""
        if not self.leads_out(vpc_id):
            return "Gateway.NotAttached", f"Network {vpc_id} has no Internet gateway attached"
        if address.eni is not None:
            one = address.allocation_id
            return (
                "Resource.AlreadyAssociated",
                f"Elastic IP address {one} is already associated",
            )
        return None

    def _fail(self: Any, gateway: Any, code: str, message: str) -> None:
        if gateway.state == "pending":
            gateway.failure_code, gateway.failure_message = code, message
            self._end_nat_gateway(gateway, "failed")

    def describe_nat_gateways(
        self: Any, filters: dict[str, list[str]] | None, nat_gateway_ids: list[str] | None
    ) -> list[Any]:
        """With tags as filters, and with an error for an unknown id: moto lacks both."""
        for one in nat_gateway_ids or []:
            self._known_nat_gateway(one)
        others = dict(filters or {})
        ids = others.pop("nat-gateway-id", None)
        return [
            one
            for one in generic_filter(others, list(self.nat_gateways.values()))
            if (not ids or one.id in ids) and (not nat_gateway_ids or one.id in nat_gateway_ids)
        ]

    def delete_nat_gateway(self: Any, nat_gateway_id: str) -> Any:
        gateway = self._known_nat_gateway(nat_gateway_id)
        if gateway.state not in ("deleting", "deleted"):
            gateway.state = "deleting"
            lasts = self.terms.durations.nat_gateway_deleting
            self.later(lasts, lambda: self._end_nat_gateway(gateway, "deleted"))
        return gateway

    def _known_nat_gateway(self: Any, one: str) -> Any:
        if one not in self.nat_gateways:
            raise refused("NatGatewayNotFound", f"The Nat Gateway {one} was not found")
        return self.nat_gateways[one]

    def _end_nat_gateway(self: Any, gateway: Any, state: str) -> None:
        gateway.state = state
        self.let_go_of_address(gateway._eni)
        self.enis.pop(gateway._eni.id, None)

    def interfaces_of_gateways(self: Any) -> set[str]:
        return {one._eni.id for one in self.nat_gateways.values() if one.state not in _USELESS}

    def is_held_by_gateway(self: Any, address: Any) -> bool:
        return address.eni is not None and address.eni.id in self.interfaces_of_gateways()
