"""DHCP options: shared by VPCs, and held by them."""

from typing import Any

from tests.cloud.emulator.errors import in_use


class Dhcp:
    """What `StrictBackend` does with them."""

    def delete_dhcp_options_set(self: Any, options_id: str | None) -> None:
        """moto remembers of all the VPCs of a set the last one alone."""
        for vpc in self.vpcs.values():
            if vpc.dhcp_options is not None and vpc.dhcp_options.id == options_id:
                raise in_use("dhcpOptions", options_id)
        if options_id in self.dhcp_options_sets:
            self.dhcp_options_sets[options_id].vpc = None
        super().delete_dhcp_options_set(options_id)  # type: ignore[misc]
