"""An instance's life: it starts, stops and ends slowly, and only from where it can."""

import copy
from typing import Any

from moto.ec2.exceptions import OperationNotPermitted4

from tests.cloud.emulator.errors import refused

_ENDING = ("shutting-down", "terminated")
_WHEN_STOPPED = ("instance_type", "user_data", "kernel", "ramdisk", "ebs_optimized")
"""The attributes that a running instance cannot change."""


class Life:
    """What `StrictBackend` does with it."""

    def begin(self: Any, instance: Any) -> None:
        """From pending to running, and then to status checks that are passed."""
        instance.become("pending")
        start = instance.note_start()
        lasts = self.terms.durations
        self.later(lasts.instance_pending, instance.run)
        checked = lasts.instance_pending + lasts.status_checks
        self.later(checked, lambda: instance.pass_checks(start))

    def terminate_instances(self: Any, instance_ids: list[str]) -> list[Any]:
        """Refuse them all, where one of them is protected."""
        ended = self._with_their_states(instance_ids)
        for one, _ in ended:
            if one.disable_api_termination:
                raise OperationNotPermitted4(one.id)
        for one, before in ended:
            if before.name not in _ENDING:
                one.become("shutting-down")
                self.later(self.terms.durations.shutting_down, one.terminate)
        return ended

    def start_instances(self: Any, instance_ids: list[str]) -> list[Any]:
        self._must_be(instance_ids, "stopped", "running")
        started = self._with_their_states(instance_ids)
        for one, before in started:
            if before.name == "stopped":
                one.start()
                self.begin(one)
        return started

    def stop_instances(self: Any, instance_ids: list[str]) -> list[Any]:
        self._must_be(instance_ids, "running", "stopping", "stopped")
        stopped = self._with_their_states(instance_ids)
        for one, _ in stopped:
            if one.lifecycle == "spot":
                told = f"You can't stop the Spot Instance '{one.id}': its request is a one-time one"
                raise refused("UnsupportedOperation", told)
            if one.disable_api_stop:
                told = f"The instance '{one.id}' may not be stopped. Modify its 'disableApiStop'."
                raise refused("OperationNotPermitted", told)
        for one, before in stopped:
            if before.name == "running":
                one.become("stopping")
                self.later(self.terms.durations.stopping, one.halt)
        return stopped

    def _with_their_states(self: Any, instance_ids: list[str]) -> list[Any]:
        return [
            (one, copy.copy(one._state)) for one in self.get_multi_instances_by_id(instance_ids)
        ]

    def reboot_instances(self: Any, instance_ids: list[str]) -> Any:
        self._must_be(instance_ids, "running")
        return super().reboot_instances(instance_ids)  # type: ignore[misc]

    def modify_instance_attribute(self: Any, instance_id: str, key: str, value: Any) -> Any:
        if key in _WHEN_STOPPED:
            self._must_be([instance_id], "stopped")
        instance = super().modify_instance_attribute(instance_id, key, value)  # type: ignore[misc]
        if key == "source_dest_check":
            instance.nics[0].source_dest_check = value
        return instance

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
