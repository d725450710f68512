"""Instances: they come and go slowly, and hold on to all that is theirs until they are gone."""

import copy
from typing import Any, Final

from moto.ec2.models import instances
from moto.ec2.models.instances import InstanceState

from tests.cloud.emulator.errors import refused

_CODES: Final = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48}
_ENDING: Final = ("shutting-down", "terminated")


class Instance(instances.Instance):
    """An instance whose interfaces go with it, as AWS has it where the launch says nothing.

    It has its name from moto's own class: moto finds `InstanceId` by it.
    """

    checks_are_passed = True

    def prep_nics(self, nic_spec: list[dict[str, Any]], *rest: Any, **more: Any) -> None:
        super().prep_nics(nic_spec, *rest, **more)
        asked = {int(one["DeviceIndex"]): one for one in nic_spec}
        for index, nic in self.nics.items():
            told = asked.get(index, {})
            kept = "NetworkInterfaceId" in told or told.get("DeleteOnTermination") is False
            nic.delete_on_termination = not kept
            self._give_ipv6(nic, told.get("Ipv6AddressCount") or more.get("ipv6_address_count"))

    def _give_ipv6(self, nic: Any, asked: int | None) -> None:
        count = int(nic.subnet.assign_ipv6_address_on_creation) if asked is None else asked
        if lacking := count - len(nic.ipv6_addresses):
            self.ec2_backend.assign_ipv6_addresses(nic.id, ipv6_count=lacking)

    @property
    def ipv6_address(self) -> str | None:
        return next(iter(self.nics[0].ipv6_addresses), None)

    def become(self, state: str) -> None:
        self._state = InstanceState(state, _CODES[state])

    def run(self) -> None:
        if self.state == "pending":
            self.become("running")

    def pass_checks(self) -> None:
        self.checks_are_passed = True

    def terminate(self) -> InstanceState:
        for nic in self.nics.values():
            self.ec2_backend.let_go_of_address(nic)
            nic.instance, nic.status = None, "available"
        return super().terminate()

    @property
    def network_interfaces(self) -> list[Any]:
        return [] if self.state == "terminated" else super().network_interfaces

    @property
    def instance_status(self) -> dict[str, Any]:
        return self._checked(super().instance_status)

    @property
    def system_status(self) -> dict[str, Any]:
        return self._checked(super().system_status)

    def _checked(self, status: dict[str, Any]) -> dict[str, Any]:
        if self.checks_are_passed or status["Status"] != "ok":
            return status
        return {
            "Status": "initializing",
            "Details": [{"Name": "reachability", "Status": "initializing"}],
        }


class Instances:
    """What `StrictBackend` does with them."""

    def run_instances(self: Any, image_id: str, count: int, *rest: Any, **more: Any) -> Any:
        zone = self._zone_of_launch(more)
        self._refuse_ipv6(more)
        self.refuse_beyond_vcpus(more["instance_type"], count)
        if self.terms.lack(zone, more["instance_type"]):
            told = (
                f"We currently do not have sufficient {more['instance_type']} capacity in {zone}."
            )
            raise refused("InsufficientInstanceCapacity", told)
        launched = super().run_instances(image_id, count, *rest, **more)  # type: ignore[misc]
        lasts = self.terms.durations
        for one in launched.instances:
            one.become("pending")
            one.checks_are_passed = False
            self.later(lasts.instance_pending, one.run)
            self.later(lasts.instance_pending + lasts.status_checks, one.pass_checks)
        return launched

    def _refuse_ipv6(self: Any, asked: dict[str, Any]) -> None:
        """Refuse addresses that the subnet does not have; moto stumbles over them."""
        wanted = [
            (asked.get("subnet_id"), asked.get("ipv6_address_count")),
            *(
                (nic.get("SubnetId"), nic.get("Ipv6AddressCount"))
                for nic in asked.get("nics") or []
            ),
        ]
        for subnet_id, count in wanted:
            if count and not (subnet_id and self.get_subnet(subnet_id).ipv6_blocks):
                told = f"The subnet '{subnet_id}' has no IPv6 CIDR block"
                raise refused("InvalidParameterValue", told)

    def _zone_of_launch(self: Any, asked: dict[str, Any]) -> str:
        subnet_id = asked.get("subnet_id") or next(
            (nic["SubnetId"] for nic in asked.get("nics") or [] if "SubnetId" in nic), None
        )
        if subnet_id:
            return str(self.get_subnet(subnet_id).availability_zone)
        return asked.get("placement") or f"{self.region_name}a"

    def terminate_instances(self: Any, instance_ids: list[str]) -> list[Any]:
        ended = []
        for one in self.get_multi_instances_by_id(instance_ids):
            before = copy.copy(one._state)
            if one.disable_api_termination:
                return super().terminate_instances(instance_ids)  # type: ignore[misc]
            ended.append((one, before))
        for one, before in ended:
            if before.name not in _ENDING:
                one.become("shutting-down")
                self.later(self.terms.durations.shutting_down, one.terminate)
        return ended

    def start_instances(self: Any, instance_ids: list[str]) -> Any:
        self._must_be(instance_ids, "stopped", "running")
        return super().start_instances(instance_ids)  # type: ignore[misc]

    def stop_instances(self: Any, instance_ids: list[str]) -> Any:
        self._must_be(instance_ids, "running", "stopped")
        return super().stop_instances(instance_ids)  # type: ignore[misc]

    def reboot_instances(self: Any, instance_ids: list[str]) -> Any:
        self._must_be(instance_ids, "running")
        return super().reboot_instances(instance_ids)  # type: ignore[misc]

    def modify_instance_security_groups(self: Any, instance_id: str, groups: list[str]) -> Any:
        self._must_be([instance_id], "pending", "running", "stopped")
        return super().modify_instance_security_groups(  # type: ignore[misc]
            instance_id, groups
        )

    def attach_network_interface(self: Any, eni_id: str, instance_id: str, index: int) -> Any:
        self._must_be([instance_id], "running", "stopped")
        return super().attach_network_interface(  # type: ignore[misc]
            eni_id, instance_id, index
        )

    def _must_be(self: Any, instance_ids: list[str], *states: str) -> None:
        for one in self.get_multi_instances_by_id(instance_ids):
            if one.state not in states:
                told = f"The instance '{one.id}' is not in a state from which it can do this."
                raise refused("IncorrectInstanceState", told)


def take_the_place_of_motos() -> None:
    instances.Instance = Instance
