"""moto's EC2, with what it lacks put over it, subject by subject."""

from types import ModuleType

import moto.ec2.urls
from moto.ec2.models import EC2Backend, ec2_backends

from tests.cloud.emulator import endpoints, flow_logs, instances, ipv6, routing
from tests.cloud.emulator.addresses import Addresses
from tests.cloud.emulator.clock import Clock
from tests.cloud.emulator.dhcp import Dhcp
from tests.cloud.emulator.endpoints import Endpoints
from tests.cloud.emulator.flow_logs import FlowLogs
from tests.cloud.emulator.instances import Instances
from tests.cloud.emulator.ipv6 import Ipv6
from tests.cloud.emulator.nat_gateways import NatGateways
from tests.cloud.emulator.network import Network
from tests.cloud.emulator.quotas import Limits
from tests.cloud.emulator.routing import Routing
from tests.cloud.emulator.security import Security
from tests.cloud.emulator.tags import Tags


class StrictBackend(  # type: ignore[misc]
    Clock,
    Limits,
    Tags,
    Dhcp,
    Ipv6,
    Network,
    FlowLogs,
    Routing,
    Endpoints,
    Security,
    NatGateways,
    Addresses,
    Instances,
    EC2Backend,
):
    """One account's EC2 in one region."""

    @property
    def _url_module(self) -> ModuleType:
        """moto looks for it beside the class."""
        return moto.ec2.urls


def take_the_place_of_motos() -> None:
    ec2_backends.backend = StrictBackend
    for subject in (endpoints, flow_logs, instances, ipv6, routing):
        subject.take_the_place_of_motos()
