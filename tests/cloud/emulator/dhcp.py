"""DHCP options: tagged in their create, shared by VPCs, and held by them."""

from typing import Any

from tests.cloud.emulator import forms
from tests.cloud.emulator.errors import in_use


class Dhcp:
    """What `StrictBackend` does with them."""

    def create_dhcp_options(self: Any, *asked: Any, **more: Any) -> Any:
        options = super().create_dhcp_options(*asked, **more)  # type: ignore[misc]
        options.add_tags(forms.tags(self.asked, "dhcp-options"))
        return options

    def delete_dhcp_options_set(self: Any, options_id: str | None) -> None:
        """moto remembers of all the VPCs of a set the last one alone."""
        for vpc in self.vpcs.values():
            if vpc.dhcp_options is not None and vpc.dhcp_options.id == options_id:
                raise in_use("dhcpOptions", options_id)
        if options_id in self.dhcp_options_sets:
            self.dhcp_options_sets[options_id].vpc = None
        super().delete_dhcp_options_set(options_id)  # type: ignore[misc]

    def delete_vpc(self: Any, vpc_id: str) -> Any:
        """The options stay: moto deletes them with their VPC."""
        kept = self.vpcs[vpc_id].dhcp_options if vpc_id in self.vpcs else None
        vpc = super().delete_vpc(vpc_id)  # type: ignore[misc]
        if kept is not None:
            self.dhcp_options_sets[kept.id] = kept
        return vpc
