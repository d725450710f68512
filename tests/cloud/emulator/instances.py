"""Instances: what each of them has, and tells of itself."""

from typing import Any, Final

from moto.core.responses import ActionResult
from moto.ec2.models import instances
from moto.ec2.models.instances import InstanceState
from moto.ec2.responses.instances import InstanceResponse

from tests.cloud.emulator import forms

_CODES: Final = {
    "pending": 0,
    "running": 16,
    "shutting-down": 32,
    "terminated": 48,
    "stopping": 64,
    "stopped": 80,
}
BURSTING: Final = ("t2.", "t3.", "t3a.", "t4g.")
"""How the names of the types with CPU credits begin."""


class Instance(instances.Instance):
    """An instance whose interfaces go with it, as AWS has it where the launch says nothing.

    It has its name from moto's own class: moto finds `InstanceId` by it.
    """

    checks_are_passed = True
    starts = 0
    private_dns_name_options: dict[str, Any]
    cpu_credits: str | None
    spot_instance_request_id: str | None = None

    def prep_nics(self, nic_spec: list[dict[str, Any]], *rest: Any, **more: Any) -> None:
        super().prep_nics(nic_spec, *rest, **more)
        asked = {int(one["DeviceIndex"]): one for one in nic_spec}
        for index, nic in self.nics.items():
            told = asked.get(index, {})
            kept = "NetworkInterfaceId" in told or told.get("DeleteOnTermination") is False
            nic.delete_on_termination = not kept
            self._give_ipv6(nic, told.get("Ipv6AddressCount") or more.get("ipv6_address_count"))
            if "NetworkInterfaceId" not in told:
                nic.add_tags(forms.tags(self.ec2_backend.asked, "network-interface"))

    def _give_ipv6(self, nic: Any, asked: int | None) -> None:
        count = int(nic.subnet.assign_ipv6_address_on_creation) if asked is None else asked
        if lacking := count - len(nic.ipv6_addresses):
            self.ec2_backend.assign_ipv6_addresses(nic.id, ipv6_count=lacking)

    @property
    def ipv6_address(self) -> str | None:
        return next(iter(self.nics[0].ipv6_addresses), None)

    @property
    def private_dns_name(self) -> str:
        by_address = super().private_dns_name
        if self.private_dns_name_options["HostnameType"] == "ip-name":
            return by_address
        return f"{self.id}.{by_address.partition('.')[2]}"

    def note(self, asked: Any) -> None:
        """Keep what moto does not keep of the launch's form."""
        names = ("HostnameType", "EnableResourceNameDnsARecord", "EnableResourceNameDnsAAAARecord")
        told = {name: asked.get(f"PrivateDnsNameOptions.{name}") for name in names}
        on_launch = self.nics[0].subnet.private_dns_name_options_on_launch
        self.private_dns_name_options = on_launch | {
            name: value if name == "HostnameType" else value == "true"
            for name, value in told.items()
            if value is not None
        }
        self.disable_api_termination = asked.get("DisableApiTermination") == "true"
        self.placement.group_name = asked.get("Placement.GroupName", "")
        self.placement.tenancy = asked.get("Placement.Tenancy", "default")
        if self.lifecycle == "spot":
            self.spot_instance_request_id = self.id.replace("i-", "sir-", 1)
        usual = "standard" if self.instance_type.startswith("t2.") else "unlimited"
        credit = asked.get("CreditSpecification.CpuCredits", usual)
        self.cpu_credits = credit if self.instance_type.startswith(BURSTING) else None

    def become(self, state: str) -> None:
        self._state = InstanceState(state, _CODES[state])

    def note_start(self) -> int:
        """Which of its starts this is, from 1."""
        self.starts += 1
        self.checks_are_passed = False
        return self.starts

    def run(self) -> None:
        if self.state == "pending":
            self.become("running")

    def pass_checks(self, start: int) -> None:
        if start == self.starts:
            self.checks_are_passed = True

    def halt(self) -> None:
        if self.state == "stopping":
            self.stop()
            self._keep_addresses()

    def start(self) -> InstanceState:
        before = super().start()
        self._keep_addresses()
        return before

    def _keep_addresses(self) -> None:
        """moto forgets those that were associated."""
        for address in self.ec2_backend.addresses:
            if address.eni in self.nics.values():
                address.eni.public_ip = address.public_ip

    def terminate(self) -> InstanceState:
        for nic in self.nics.values():
            self.ec2_backend.let_go_of_address(nic)
            nic.instance, nic.status = None, "available"
        return super().terminate()

    def add_block_device(
        self,
        size: int,
        device_path: str,
        snapshot_id: str | None,
        encrypted: bool,
        delete_on_termination: bool,
        kms_key_id: str | None,
        volume_type: str | None,
    ) -> None:
        """With what moto leaves out, and the root volume gone with its instance by itself."""
        told: dict[str, str] = {}
        for one in forms.structures(self.ec2_backend.asked, "BlockDeviceMapping"):
            if one.get("DeviceName") == device_path:
                told = one
        volume = self.ec2_backend.create_volume(
            size=size,
            zone_name=self._placement.zone,
            snapshot_id=snapshot_id,
            encrypted=encrypted,
            kms_key_id=kms_key_id,
            volume_type=volume_type,
            iops=_number(told.get("Ebs.Iops")),
            throughput=_number(told.get("Ebs.Throughput")),
        )
        if "Ebs.DeleteOnTermination" not in told:
            delete_on_termination = device_path == self.root_device_name
        self.ec2_backend.attach_volume(volume.id, self.id, device_path, delete_on_termination)

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


def _number(told: str | None) -> int | None:
    return int(told) if told else None


def _describe_credit_specifications(response: Any) -> ActionResult:
    """As they are: moto tells of standard ones alone."""
    ids = response._get_param("InstanceIds", [])
    found = response.ec2_backend.describe_instance_credit_specifications(ids)
    told = [
        {"InstanceId": one.id, "CpuCredits": one.cpu_credits} for one in found if one.cpu_credits
    ]
    return ActionResult({"InstanceCreditSpecifications": told})


def take_the_place_of_motos() -> None:
    instances.Instance = Instance
    InstanceResponse.describe_instance_credit_specifications = _describe_credit_specifications
