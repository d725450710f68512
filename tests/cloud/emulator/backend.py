"""moto's EC2, with what it lacks put over it, subject by subject."""

from moto.ec2.models import ec2_backends

from tests.cloud.emulator import (
    endpoints,
    flow_logs,
    instances,
    ipv6,
    private_addresses,
    routing,
    security,
    surroundings,
)
from tests.cloud.emulator.addresses import Addresses
from tests.cloud.emulator.clock import Clock
from tests.cloud.emulator.dhcp import Dhcp
from tests.cloud.emulator.endpoints import Endpoints
from tests.cloud.emulator.flow_logs import FlowLogs
from tests.cloud.emulator.ipv6 import Ipv6
from tests.cloud.emulator.launches import Launches
from tests.cloud.emulator.life import Life
from tests.cloud.emulator.lookups import Lookups
from tests.cloud.emulator.nat_gateways import NatGateways
from tests.cloud.emulator.network import Network
from tests.cloud.emulator.private_addresses import PrivateAddresses
from tests.cloud.emulator.quotas import Limits
from tests.cloud.emulator.routing import Routing
from tests.cloud.emulator.security import Security
from tests.cloud.emulator.tags import Tags
from worker.fake_aws import MendedEc2, mend


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
    PrivateAddresses,
    Life,
    Launches,
    Lookups,
    MendedEc2,
):
    """One account's EC2 in one region."""

    __module__ = MendedEc2.__module__


_REPLACED = (
    endpoints,
    flow_logs,
    instances,
    ipv6,
    private_addresses,
    routing,
    security,
    surroundings,
)
"""The subjects that replace classes of moto's as well."""


def take_the_place_of_motos() -> None:
    mend()
    ec2_backends.backend = StrictBackend
    for one in _REPLACED:
        one.take_the_place_of_motos()
