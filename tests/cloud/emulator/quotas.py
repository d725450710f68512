"""How much an account may have."""

from typing import Any, Final

from moto.ec2.exceptions import RulesPerSecurityGroupLimitExceededError
from moto.ec2.models.instance_types import INSTANCE_TYPES

from tests.cloud.emulator.errors import refused

_CODES: Final = {
    "vpcs": "VpcLimitExceeded",
    "subnets_per_vpc": "SubnetLimitExceeded",
    "internet_gateways": "InternetGatewayLimitExceeded",
    "security_groups": "SecurityGroupLimitExceeded",
    "addresses": "AddressLimitExceeded",
    "nat_gateways_per_zone": "NatGatewayLimitExceeded",
    "route_tables_per_vpc": "RouteTableLimitExceeded",
    "routes_per_route_table": "RouteLimitExceeded",
    "gateway_endpoints": "VpcEndpointLimitExceeded",
    "interface_endpoints_per_vpc": "VpcEndpointLimitExceeded",
    "egress_only_internet_gateways": "EgressOnlyInternetGatewayLimitExceeded",
    "flow_logs_per_resource": "FlowLogsLimitExceeded",
}


class Limits:
    """What `StrictBackend` refuses on that account."""

    def refuse_beyond(self: Any, quota: str, there_are: int) -> None:
        """Refuse one more than the quota."""
        limit = getattr(self.terms.quotas, quota)
        if limit is not None and there_are >= limit and self.is_opened:
            told = f"The maximum number of {quota.replace('_', ' ')} has been reached."
            raise refused(_CODES[quota], told)

    def refuse_beyond_vcpus(self: Any, instance_type: str, count: int, spot: bool = False) -> None:
        """Of those that are paid by demand, or of spot instances: they have a quota each."""
        limit = self.terms.quotas.spot_vcpus if spot else self.terms.quotas.vcpus
        if limit is None:
            return
        running = [
            one.instance_type
            for one in self.all_instances()
            if one.state != "terminated" and (one.lifecycle == "spot") is spot
        ]
        if sum(map(_vcpus, running)) + count * _vcpus(instance_type) <= limit:
            return
        if spot:
            raise refused("MaxSpotInstanceCountExceeded", "Max spot instance count exceeded")
        told = f"You have requested more vCPU capacity than your current vCPU limit of {limit}."
        raise refused("VcpuLimitExceeded", told)

    def refuse_beyond_gib(self: Any, more: int) -> None:
        limit = self.terms.quotas.volume_gib
        if limit is not None and sum(one.size for one in self.volumes.values()) + more > limit:
            told = "You have exceeded your maximum storage limit in this region."
            raise refused("VolumeLimitExceeded", told)

    def _verify_group_will_respect_rule_count_limit(
        self: Any,
        group: Any,
        there_are: int,
        ip_ranges: list[str],
        source_groups: list[Any] | None = None,
        egress: bool = False,
    ) -> None:
        limit = self.terms.quotas.rules_per_security_group
        if limit is None:
            super()._verify_group_will_respect_rule_count_limit(  # type: ignore[misc]
                group, there_are, ip_ranges, source_groups, egress
            )
        elif there_are + len(ip_ranges or []) + len(source_groups or []) > limit:
            raise RulesPerSecurityGroupLimitExceededError


def _vcpus(instance_type: str) -> int:
    return int(INSTANCE_TYPES[instance_type]["VCpuInfo"]["DefaultVCpus"])
