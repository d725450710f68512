"""What of an account's behaviour the emulator itself must know: it goes along with each call."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property, lru_cache
from typing import Any, Final

HEADER: Final = "X-Cloud-Terms"
ANYTHING: Final = "*"


@dataclass(frozen=True)
class Durations:
    """How many seconds a state lasts, until the next one comes by itself."""

    vpc_pending: float = 0.0
    subnet_pending: float = 0.0
    ipv6_associating: float = 0.0
    """Of a VPC's block, and of a subnet's."""
    nat_gateway_pending: float = 0.0
    nat_gateway_deleting: float = 0.0
    gateway_endpoint_pending: float = 0.0
    gateway_endpoint_deleting: float = 0.0
    interface_endpoint_pending: float = 0.0
    interface_endpoint_deleting: float = 0.0
    instance_pending: float = 0.0
    status_checks: float = 0.0
    """From running to the first status checks that are passed."""
    shutting_down: float = 0.0
    stopping: float = 0.0
    instance_profile_unknown: float = 0.0
    """How long a launch refuses an instance profile that was made just now."""
    tags_outlive: float = 0.0
    """How long DescribeTags shows the tags of what was deleted."""

    def scaled(self, scale: float) -> "Durations":
        return Durations(**{name: seconds * scale for name, seconds in asdict(self).items()})


AWS_DURATIONS: Final = Durations(
    vpc_pending=1.0,
    subnet_pending=1.0,
    ipv6_associating=2.0,
    nat_gateway_pending=90.0,
    nat_gateway_deleting=60.0,
    gateway_endpoint_pending=5.0,
    gateway_endpoint_deleting=5.0,
    interface_endpoint_pending=60.0,
    interface_endpoint_deleting=40.0,
    instance_pending=30.0,
    status_checks=120.0,
    shutting_down=40.0,
    stopping=30.0,
    instance_profile_unknown=10.0,
    tags_outlive=10.0,
)


@dataclass(frozen=True)
class Quotas:
    """How many of each there may be; None: as many as one likes. Defaults count, as in AWS."""

    vpcs: int | None = None
    subnets_per_vpc: int | None = None
    internet_gateways: int | None = None
    security_groups: int | None = None
    rules_per_security_group: int | None = None
    """In one direction."""
    vcpus: int | None = None
    spot_vcpus: int | None = None
    volume_gib: int | None = None
    """Of volumes of all types together."""
    addresses: int | None = None
    nat_gateways_per_zone: int | None = None
    route_tables_per_vpc: int | None = None
    routes_per_route_table: int | None = None
    """Of IPv4, and as many of IPv6; local ones do not count."""
    gateway_endpoints: int | None = None
    interface_endpoints_per_vpc: int | None = None
    egress_only_internet_gateways: int | None = None
    flow_logs_per_resource: int | None = None


AWS_QUOTAS: Final = Quotas(
    vpcs=5,
    subnets_per_vpc=200,
    internet_gateways=5,
    security_groups=2500,
    rules_per_security_group=60,
    vcpus=64,
    spot_vcpus=64,
    volume_gib=51200,
    addresses=5,
    nat_gateways_per_zone=5,
    route_tables_per_vpc=200,
    routes_per_route_table=500,
    gateway_endpoints=20,
    interface_endpoints_per_vpc=50,
    egress_only_internet_gateways=5,
    flow_logs_per_resource=2,
)


@dataclass(frozen=True)
class Terms:
    """Durations are real seconds here: the time scale is in them."""

    durations: Durations = field(default_factory=Durations)
    quotas: Quotas = field(default_factory=Quotas)
    no_capacity: frozenset[tuple[str, str]] = frozenset()
    """Zones and instance types that cannot be had together; `ANYTHING` stands for all."""
    spot_price: float = 0.0
    """Dollars an hour; a launch that gives less at most is refused."""

    @cached_property
    def header(self) -> Mapping[str, str]:
        """How they go along with a call."""
        if self == Terms():
            return {}
        return {HEADER: json.dumps(asdict(self) | {"no_capacity": sorted(self.no_capacity)})}

    def lack(self, zone: str, instance_type: str) -> bool:
        return any(
            zone_lacking in (zone, ANYTHING) and type_lacking in (instance_type, ANYTHING)
            for zone_lacking, type_lacking in self.no_capacity
        )


@lru_cache
def read(header: str) -> Terms:
    told: Mapping[str, Any] = json.loads(header)
    return Terms(
        Durations(**told["durations"]),
        Quotas(**told["quotas"]),
        frozenset((zone, one) for zone, one in told["no_capacity"]),
        told["spot_price"],
    )
