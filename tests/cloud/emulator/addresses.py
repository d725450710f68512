"""Addresses and interfaces, and how they hold on to each other."""

from typing import Any, Final

from tests.cloud.emulator.errors import refused

_NOT_YOURS: Final = "You do not have permission to access the specified resource."


class Addresses:
    """What `StrictBackend` does with them."""

    def allocate_address(self: Any, *asked: Any, **more: Any) -> Any:
        self.refuse_beyond("addresses", len(self.addresses))
        return super().allocate_address(*asked, **more)  # type: ignore[misc]

    def associate_address(self: Any, instance: Any = None, eni: Any = None, **more: Any) -> Any:
        """Reassociate unless the caller forbids it, as AWS does outside of EC2-Classic."""
        holder = instance or (eni.instance if eni else None)
        if holder is not None and holder.state not in ("running", "stopped"):
            told = f"The {holder.state} instance '{holder.id}' is not in a valid state for this."
            raise refused("IncorrectInstanceState", told)
        interface = eni or instance.nics[0]
        (address,) = (
            self.address_by_ip([more["address"]])
            if more.get("address")
            else self.address_by_allocation([more["allocation_id"]])
        )
        if address.eni is not None and address.eni.id == interface.id:
            return address
        self._refuse_association(address, interface.subnet.vpc_id)
        if address.eni is not None:
            super().disassociate_address(address=address.public_ip)  # type: ignore[misc]
        self.let_go_of_address(interface)
        return super().associate_address(  # type: ignore[misc]
            instance=interface.instance, eni=interface, **more
        )

    def _refuse_association(self: Any, address: Any, vpc_id: str) -> None:
        if self.is_held_by_gateway(address):
            raise refused("AuthFailure", _NOT_YOURS)
        if address.eni is not None and self.asked.get("AllowReassociation") == "false":
            told = f"resource {address.allocation_id} is already associated"
            raise refused("Resource.AlreadyAssociated", told)
        if not self.leads_out(vpc_id):
            told = f"Network {vpc_id} is not attached to any internet gateway"
            raise refused("Gateway.NotAttached", told)

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
        for one in self.addresses:
            asked = one.association_id == association_id or one.public_ip == address
            if asked and self.is_held_by_gateway(one):
                raise refused("AuthFailure", _NOT_YOURS)
        super().disassociate_address(address, association_id)  # type: ignore[misc]

    def let_go_of_address(self: Any, eni: Any) -> None:
        """Free the address that this interface holds, as its end does."""
        for one in self.addresses:
            if one.eni is not None and one.eni.id == eni.id:
                super().disassociate_address(address=one.public_ip)  # type: ignore[misc]

    def delete_network_interface(self: Any, eni_id: str) -> None:
        eni = self.enis.get(eni_id)
        if eni is not None and (
            eni.instance is not None or eni_id in self.interfaces_of_gateways()
        ):
            told = f"Network interface '{eni_id}' is currently in use."
            raise refused("InvalidNetworkInterface.InUse", told)
        super().delete_network_interface(eni_id)  # type: ignore[misc]
