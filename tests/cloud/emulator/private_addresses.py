"""The private addresses of a subnet: who has which, and that they run out."""

from ipaddress import ip_address
from itertools import islice
from typing import Any

from moto.ec2.models import subnets

from tests.cloud.emulator.errors import refused
from tests.cloud.emulator.launches import subnet_of

_RESERVED = 4
"""How many AWS keeps at the start of a subnet, as in "Subnet CIDR blocks"; and the last one."""


class Subnet(subnets.Subnet):
    """A subnet that gives out its lowest free address, and tells its IPv6 blocks as AWS does."""

    @property
    def ipv6_cidr_block_association_set(self) -> list[dict[str, Any]]:
        return [
            one
            for one in self.ipv6_cidr_block_associations.values()
            if one["ipv6CidrBlockState"]["State"] != "disassociated"
        ]

    @property
    def ipv6_blocks(self) -> list[str]:
        return [one["ipv6CidrBlock"] for one in self.ipv6_cidr_block_association_set]

    @property
    def taken(self) -> set[str]:
        return {
            address["PrivateIpAddress"]
            for eni in self.ec2_backend.interfaces_in(self.id)
            for address in eni.private_ip_addresses
        }

    @property
    def available_ip_address_count(self) -> int:
        enis = self.ec2_backend.interfaces_in(self.id)
        taken = sum(len(eni.private_ip_addresses) for eni in enis)
        return int(self._available_ip_addresses - taken)

    def get_available_subnet_ip(self, instance: Any) -> str:
        taken = self.taken
        usable = islice(self.cidr, _RESERVED, self.cidr.num_addresses - 1)
        free = next((str(one) for one in usable if str(one) not in taken), None)
        if free is None:
            raise _none_left(self)
        return free

    def request_ip(self, ip: str, instance: Any) -> None:
        """Refuse one that is not free."""
        address, cidr = ip_address(ip), self.cidr
        if address not in cidr:
            told = f"Address {ip} does not fall within the subnet's address range"
            raise refused("InvalidParameterValue", told)
        if address < cidr[_RESERVED] or address == cidr.broadcast_address:
            told = f"Address {ip} is in subnet's reserved address range"
            raise refused("InvalidParameterValue", told)
        if ip in self.taken:
            raise refused("InvalidIPAddress.InUse", f"Address {ip} is in use.")


class PrivateAddresses:
    """What `StrictBackend` does with them."""

    def refuse_addresses(self: Any, asked: dict[str, Any], count: int) -> None:
        """Refuse a launch that has none left, or wants one that is not free."""
        if not (subnet_id := subnet_of(asked)):
            return
        subnet = self.get_subnet(subnet_id)
        wanted = [asked.get("private_ip")]
        wanted.extend(nic.get("PrivateIpAddress") for nic in asked.get("nics") or [])
        for one in wanted:
            if one:
                subnet.request_ip(one, None)
        if subnet.available_ip_address_count < count:
            raise _none_left(subnet)

    def create_network_interface(
        self: Any, subnet: Any, private_ip_address: Any = None, *asked: Any, **more: Any
    ) -> Any:
        """With an address of its subnet: moto's gateways and endpoints have any."""
        of = self.get_subnet(subnet) if isinstance(subnet, str) else subnet
        inside = isinstance(private_ip_address, str) and ip_address(private_ip_address) in of.cidr
        if not inside:
            private_ip_address = of.get_available_subnet_ip(None)
        return super().create_network_interface(  # type: ignore[misc]
            of, private_ip_address, *asked, **more
        )

    def modify_network_interface_attribute(
        self: Any, eni_id: str, group_ids: list[str], *asked: Any, **more: Any
    ) -> None:
        super().modify_network_interface_attribute(  # type: ignore[misc]
            eni_id, group_ids, *asked, **more
        )
        eni = self.get_network_interface(eni_id)
        if eni.instance is not None and eni.instance.nics[0] is eni:
            eni.instance.source_dest_check = eni.source_dest_check
            if group_ids:
                eni.instance.security_groups = list(eni._group_set)


def _none_left(subnet: Any) -> Exception:
    told = f"There are not enough free addresses in subnet '{subnet.id}' to satisfy the request."
    return refused("InsufficientFreeAddressesInSubnet", told)


def take_the_place_of_motos() -> None:
    subnets.Subnet = Subnet
