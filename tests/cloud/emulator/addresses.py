"""Addresses, interfaces and NAT gateways, and how they hold on to each other."""

from typing import Any

from tests.cloud.emulator.errors import refused
from tests.cloud.emulator.network import available


class Addresses:
    """What `StrictBackend` does with them."""

    def allocate_address(self: Any, *asked: Any, **more: Any) -> Any:
        self.refuse_beyond("addresses", len(self.addresses))
        return super().allocate_address(*asked, **more)  # type: ignore[misc]

    def associate_address(self: Any, instance: Any = None, eni: Any = None, **more: Any) -> Any:
        holder = instance or (eni.instance if eni else None)
        if holder is not None and holder.state not in ("running", "stopped"):
            told = f"The {holder.state} instance '{holder.id}' is not in a valid state for this."
            raise refused("IncorrectInstanceState", told)
        return super().associate_address(instance=instance, eni=eni, **more)  # type: ignore[misc]

    def release_address(
        self: Any, address: str | None = None, allocation_id: str | None = None
    ) -> None:
        for one in self.addresses:
            if (one.allocation_id == allocation_id or one.public_ip == address) and one.eni:
                told = f"Address {one.public_ip} is in use."
                raise refused("InvalidIPAddress.InUse", told)
        super().release_address(address, allocation_id)  # type: ignore[misc]

    def disassociate_address(
        self: Any, address: str | None = None, association_id: str | None = None
    ) -> None:
        of_gateways = {one._eni.id for one in self.nat_gateways.values() if one.state != "deleted"}
        for one in self.addresses:
            asked = one.association_id == association_id or one.public_ip == address
            if asked and one.eni and one.eni.id in of_gateways:
                told = "You do not have permission to access the specified resource."
                raise refused("AuthFailure", told)
        super().disassociate_address(address, association_id)  # type: ignore[misc]

    def let_go_of_address(self: Any, eni: Any) -> None:
        """Free the address that this interface holds, as its end does."""
        for one in self.addresses:
            if one.eni is not None and one.eni.id == eni.id:
                super().disassociate_address(address=one.public_ip)  # type: ignore[misc]

    def delete_network_interface(self: Any, eni_id: str) -> None:
        eni = self.enis.get(eni_id)
        of_gateways = {one._eni.id for one in self.nat_gateways.values() if one.state != "deleted"}
        if eni is not None and (eni.instance is not None or eni_id in of_gateways):
            told = f"Network interface '{eni_id}' is currently in use."
            raise refused("InvalidNetworkInterface.InUse", told)
        super().delete_network_interface(eni_id)  # type: ignore[misc]

    def create_nat_gateway(self: Any, subnet_id: str, *asked: Any, **more: Any) -> Any:
        gateway = super().create_nat_gateway(subnet_id, *asked, **more)  # type: ignore[misc]
        gateway.state = "pending"
        self.later(self.terms.durations.nat_gateway_pending, lambda: _come_up(gateway))
        return gateway

    def delete_nat_gateway(self: Any, nat_gateway_id: str) -> Any:
        gateway = self.nat_gateways.get(nat_gateway_id)
        if gateway is None:
            told = f"The Nat Gateway {nat_gateway_id} was not found"
            raise refused("NatGatewayNotFound", told)
        if gateway.state not in ("deleting", "deleted"):
            gateway.state = "deleting"
            lasts = self.terms.durations.nat_gateway_deleting
            self.later(lasts, lambda: self._end_nat_gateway(gateway))
        return gateway

    def _end_nat_gateway(self: Any, gateway: Any) -> None:
        gateway.state = "deleted"
        self.let_go_of_address(gateway._eni)
        self.enis.pop(gateway._eni.id, None)


def _come_up(gateway: Any) -> None:
    if gateway.state == "pending":
        available(gateway)
