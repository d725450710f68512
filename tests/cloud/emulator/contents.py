"""What truly exists, read from the emulator's own memory: no tag and no API call is believed.

Left out is what AWS gives every account, VPC and instance by itself, and takes away again: the
default VPC with its parts, each VPC's default group, network ACL and main route table, the
interfaces of instances, NAT gateways and endpoints; and what is only a memory: terminated
instances, deleted NAT gateways and endpoints.
"""

from collections.abc import Iterator
from typing import Any

from moto.ec2.models import ec2_backends

_GONE = frozenset({"deleted", "terminated"})


def of(account: str, region: str | None = None) -> list[dict[str, Any]]:
    """One entry a resource, of one region of the account, or of all that were ever asked for."""
    if account not in ec2_backends.keys():  # noqa: SIM118 - `in` alone creates nothing here
        return []
    regions = [region] if region else list(ec2_backends[account].keys())
    return [
        {
            "kind": kind,
            "id": one.id,
            "region": name,
            "state": state,
            "within": [part for part in within if part],
            "tags": dict(backend.tags.get(one.id, {})),
        }
        for name in regions
        for backend in [ec2_backends[account][name]]
        for kind, one, state, within in _found(backend)
        if state not in _GONE
    ]


Found = Iterator[tuple[str, Any, str, list[str | None]]]
"""Kind, object, state, and the ids of what it hangs on."""


def _found(backend: Any) -> Found:
    yield from _networks(backend)
    yield from _settings(backend)
    yield from _ways_out(backend)
    yield from _interfaces(backend)
    yield from _security(backend)
    yield from _compute(backend)


def _networks(backend: Any) -> Found:
    for vpc in backend.vpcs.values():
        if not vpc.is_default:
            yield "vpc", vpc, vpc.state, []
    for subnet in subnets_of(backend):
        if not (subnet.default_for_az and subnet.vpc_id == backend.default_vpc.id):
            yield "subnet", subnet, subnet.state, [subnet.vpc_id]
    for table in backend.route_tables.values():
        if table.main_association_id is None:
            subnets = list(table._associations.values())
            yield "route_table", table, "available", [table.vpc_id, *subnets]
    for acl in backend.network_acls.values():
        if not acl.default:
            yield "network_acl", acl, "available", [acl.vpc_id]


def _settings(backend: Any) -> Found:
    for options in backend.dhcp_options_sets.values():
        yield "dhcp_options", options, "available", []
    for log in backend.flow_logs.values():
        yield "flow_log", log, log.flow_log_status, [log.resource_id]


def subnets_of(backend: Any) -> Iterator[Any]:
    return (subnet for subnets in backend.subnets.values() for subnet in subnets.values())


def _ways_out(backend: Any) -> Found:
    for gateway in backend.internet_gateways.values():
        state = "attached" if gateway.vpc else "detached"
        yield "internet_gateway", gateway, state, [gateway.vpc.id if gateway.vpc else None]
    for gateway in backend.nat_gateways.values():
        yield "nat_gateway", gateway, gateway.state, [gateway.vpc_id, gateway.subnet_id]
    for gateway in backend.egress_only_internet_gateways.values():
        yield "egress_only_internet_gateway", gateway, gateway.state, [gateway.vpc_id]
    for address in backend.addresses:
        state = "associated" if address.eni else "free"
        yield "address", address, state, [address.eni.id if address.eni else None]


def _interfaces(backend: Any) -> Found:
    for endpoint in backend.vpc_end_points.values():
        parts = (endpoint.subnet_ids, endpoint.security_group_ids, endpoint.route_table_ids)
        within = [endpoint.vpc_id, *(one for part in parts for one in part or [])]
        yield "vpc_endpoint", endpoint, endpoint.state, within
    for eni in backend.enis.values():
        if eni.instance is None and not eni.requester_managed:
            yield "network_interface", eni, eni.status, [eni.subnet.vpc_id, eni.subnet.id]


def _security(backend: Any) -> Found:
    for vpc_id, groups in backend.groups.items():
        for group in groups.values():
            if group.name != "default":
                yield "security_group", group, "available", [vpc_id]
    for key_pair in backend.key_pairs.values():
        yield "key_pair", key_pair, "available", []


def _compute(backend: Any) -> Found:
    for reservation in backend.reservations.values():
        for one in reservation.instances:
            yield "instance", one, one.state, [one.vpc_id, one.subnet_id]
    for volume in backend.volumes.values():
        attached = volume.attachment
        within = [attached.instance.id] if attached else []
        yield "volume", volume, volume.status, within
    for template in backend.launch_templates.values():
        yield "launch_template", template, "available", []
