"""Any valid spec, drawn at random, and what AWS must hold once it is built."""

from typing import Any, Final

from hypothesis import strategies as st

from envwright.spec import EnvironmentSpec
from envwright.spec.network import Access, Network
from tests.everything import FLOW_LOG_ROLE, IMAGE, PUBLIC_KEY, REGION

Data = dict[str, Any]

ZONES: Final = [f"{REGION}{letter}" for letter in "abc"]
TYPES: Final = ["t3.micro", "t3.small", "m5.large"]
NAMES: Final = ["a", "app", "db-1", "web"]


@st.composite
def specs(draw: st.DrawFn) -> Data:
    """The plain data of a spec that is valid and differs from the next one in what it can."""
    zones = draw(st.lists(st.sampled_from(ZONES), min_size=1, max_size=3, unique=True))
    groups = draw(_groups())
    tiers = draw(_tiers())
    names = [tier["name"] for tier in tiers]
    instances = draw(
        st.dictionaries(st.sampled_from(NAMES), _instances(zones, names, list(groups)), max_size=2)
    )
    return {
        "name": "any",
        "region": REGION,
        "tags": draw(st.dictionaries(st.sampled_from(["team", "cost"]), st.just("blue"))),
        "network": draw(_network(zones, tiers, list(groups))),
        "security": {"groups": groups}
        | draw(_options(key_pair={"public_key": PUBLIC_KEY}, default_group="stripped")),
        "instances": instances,
    }


def _options(**fields: Any) -> st.SearchStrategy[Data]:
    """Some of these fields and not the others; a value may be a strategy."""
    values = {
        name: value if isinstance(value, st.SearchStrategy) else st.just(value)
        for name, value in fields.items()
    }
    return st.fixed_dictionaries({}, optional=values)


@st.composite
def _network(draw: st.DrawFn, zones: list[str], tiers: list[Data], groups: list[str]) -> Data:
    ipv6 = draw(st.booleans())
    has_private = any(tier["access"] == "private" for tier in tiers)
    ways_out = [*(["one", "one_per_zone"] if has_private else []), *(["none"] if ipv6 else [])]
    counted = zones == ZONES[: len(zones)] and draw(st.booleans())
    endpoints = draw(
        _options(
            s3={},
            ssm={"security_groups": groups[:1]},
            logs={"security_groups": groups, "private_dns": False, "tiers": [tiers[0]["name"]]},
        )
    )
    options = _options(
        nat_gateways=st.sampled_from(ways_out or ["none"]),
        reserved_zones=st.integers(0, 1),
        route_tables=st.sampled_from(["shared", "per_zone", "per_subnet"]),
        dhcp={"domain_name": "example.com"},
        flow_logs=[{"log_group": "traffic", "role_arn": FLOW_LOG_ROLE}],
    )
    return {
        "cidr": "10.60.0.0/16",
        "zones": len(zones) if counted else zones,
        "tiers": tiers,
        "ipv6": ipv6,
        # Private DNS names of an endpoint need both.
        "dns": {"hostnames": "ssm" in endpoints or draw(st.booleans())},
        "endpoints": endpoints,
    } | draw(options)


def _tiers() -> st.SearchStrategy[list[Data]]:
    tier = st.fixed_dictionaries(
        {
            "name": st.sampled_from(NAMES),
            "access": st.sampled_from(["public", "private", "isolated"]),
        },
        optional={"prefix": st.integers(22, 26)},
    )
    tiers = st.lists(tier, min_size=1, max_size=3, unique_by=lambda one: one["name"])
    return tiers.map(lambda some: some if _lead_out(some) else [_PUBLIC, *some])


_PUBLIC: Final = {"name": "public", "access": "public"}


def _lead_out(tiers: list[Data]) -> bool:
    """A NAT gateway, and with it a private tier, needs a public one."""
    access = {tier["access"] for tier in tiers}
    return "private" not in access or "public" in access


def _groups() -> st.SearchStrategy[dict[str, Data]]:
    rules = st.lists(
        st.fixed_dictionaries(
            {"ports": st.sampled_from([80, 443, "8000-8100", [53, "90-95"]])},
            optional={"description": st.just("Some traffic"), "self": st.just(True)},
        ).flatmap(
            lambda rule: st.sampled_from([["10.0.0.0/8"], ["0.0.0.0/0", "::/0"]]).map(
                lambda cidrs: rule | {"cidrs": cidrs}
            )
        ),
        max_size=2,
        unique_by=lambda rule: str(rule["ports"]),
    )
    group = _options(ingress=rules, egress=rules)
    return st.dictionaries(st.sampled_from(NAMES), group, min_size=1, max_size=3)


def _instances(zones: list[str], tiers: list[str], groups: list[str]) -> st.SearchStrategy[Data]:
    return st.fixed_dictionaries(
        {
            "count": st.integers(1, 3),
            "types": st.lists(st.sampled_from(TYPES), min_size=1, max_size=2, unique=True),
            "image": st.just(IMAGE),
            "tier": st.sampled_from(tiers),
            "security_groups": st.lists(
                st.sampled_from(groups), min_size=1, max_size=3, unique=True
            ),
            "root_volume": st.sampled_from([{"size": 8, "device_name": "/dev/xvda"}, {}]),
        },
        optional={
            "user_data": st.just("#!/bin/sh\n"),
            "tags": st.just({"role": "any"}),
            "volumes": st.sampled_from([[], [{"device_name": "/dev/sdf", "size": 10}]]),
            "spot": st.just({"max_price": "0.05"}),
            "source_dest_check": st.just(False),
            "detailed_monitoring": st.just(True),
            "metadata": st.just({"hop_limit": 2, "tags": True}),
        },
    )


def expected(spec: EnvironmentSpec) -> dict[str, int]:
    """How many of each kind `Cloud.inventory` must find of it, counted from the spec alone."""
    network = spec.network
    access = [tier.access for tier in network.tiers]
    gateways = network.nat_gateway_count
    groups = spec.instances.values()
    counts = {
        "vpc": 1,
        "subnet": len(access) * network.zone_count,
        "internet_gateway": int("public" in access),
        "nat_gateway": gateways,
        "address": gateways,
        "egress_only_internet_gateway": int(network.ipv6 and "private" in access),
        "route_table": _tables(network, "private", gateways) + _tables(network, "isolated", 0),
        "vpc_endpoint": len(network.endpoints),
        "dhcp_options": int(network.dhcp is not None),
        "flow_log": len(network.flow_logs),
        "security_group": len(spec.security.groups),
        "key_pair": int(spec.security.key_pair is not None),
        "instance": sum(one.count for one in groups),
        "volume": sum(one.count * (1 + len(one.volumes)) for one in groups),
    }
    return {kind: count for kind, count in counts.items() if count}


def _tables(network: Network, access: Access, gateways: int) -> int:
    """How many route tables its subnets of this access have of their own."""
    tiers = len(network.tiers_of(access))
    # Where nothing leads out, the VPC's main table will do for what shall lead nowhere.
    has_way = access == "private" or bool(network.tiers_of("public"))
    ways = {
        "shared": max(gateways, int(has_way)),
        "per_zone": network.zone_count,
        "per_subnet": tiers * network.zone_count,
    }
    return ways[network.route_tables] if tiers else 0
