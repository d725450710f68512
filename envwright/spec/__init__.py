"""The spec: a caller's wish for one environment, complete, consistent and unchangeable.

    spec = load_spec("web.yaml")
    spec = parse_spec({"name": "web", "region": "eu-west-1", "network": {...}})

Everything that can be known to be wrong without asking AWS is refused, all at once, in sentences
with the place of each fault (`envwright.errors.SpecError`).
"""

from envwright.spec.dhcp import Dhcp
from envwright.spec.endpoints import Endpoint
from envwright.spec.environment import EnvironmentSpec, json_schema, parse_spec
from envwright.spec.flow_logs import FlowLog
from envwright.spec.instance_options import Hostname, Metadata, PlacementGroup, Spot
from envwright.spec.instances import InstanceGroup
from envwright.spec.load import load_spec, read_spec
from envwright.spec.network import Dns, Network, Tier
from envwright.spec.part import Account
from envwright.spec.security import KeyPair, Rule, Security, SecurityGroup
from envwright.spec.volumes import RootVolume, Volume

__all__ = [
    "Account",
    "Dhcp",
    "Dns",
    "Endpoint",
    "EnvironmentSpec",
    "FlowLog",
    "Hostname",
    "InstanceGroup",
    "KeyPair",
    "Metadata",
    "Network",
    "PlacementGroup",
    "RootVolume",
    "Rule",
    "Security",
    "SecurityGroup",
    "Spot",
    "Tier",
    "Volume",
    "json_schema",
    "load_spec",
    "parse_spec",
    "read_spec",
]
