"""VPC endpoints: what they hang on, what they hold on to, and which two cannot stand together."""

from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.models import vpcs
from moto.ec2.responses.vpcs import VPCs

from tests.cloud.emulator.errors import refused
from tests.cloud.emulator.network import come_up

_OF_GATEWAYS = ("s3", "dynamodb")
_SERVICES = frozenset({*vpcs.AWS_ENDPOINT_SERVICES, *vpcs.COVERED_ENDPOINT_SERVICES, *_OF_GATEWAYS})


class Endpoints:
    """What `StrictBackend` does with them."""

    def create_vpc_endpoint(
        self: Any,
        vpc_id: str,
        service_name: str,
        endpoint_type: str | None,
        policy_document: str | None,
        route_table_ids: list[str],
        subnet_ids: list[str] | None = None,
        security_group_ids: list[str] | None = None,
        private_dns_enabled: bool | None = None,
        **more: Any,
    ) -> Any:
        vpc, kind = self.get_vpc(vpc_id), endpoint_type or "Gateway"
        self._refuse_service(service_name, kind)
        if kind == "Gateway":
            self._refuse_gateway_endpoint(vpc_id, service_name, route_table_ids)
            private_dns_enabled = False
        else:
            self._refuse_interface_endpoint(vpc_id, subnet_ids or [], security_group_ids or [])
            if private_dns_enabled:
                self._refuse_private_dns(vpc, service_name)
            default = self.get_default_security_group(vpc_id)
            security_group_ids = security_group_ids or [default.id]
        endpoint = super().create_vpc_endpoint(  # type: ignore[misc]
            vpc_id,
            service_name,
            kind,
            policy_document,
            route_table_ids,
            subnet_ids,
            security_group_ids=security_group_ids,
            private_dns_enabled=private_dns_enabled,
            **more,
        )
        self._give_interfaces(endpoint)
        endpoint.state = "pending"
        self.later(self._lasts(endpoint, "pending"), lambda: come_up(endpoint))
        return endpoint

    def _lasts(self: Any, endpoint: Any, state: str) -> float:
        kind = endpoint.vpc_endpoint_type.lower()
        seconds: float = getattr(self.terms.durations, f"{kind}_endpoint_{state}")
        return seconds

    def _give_interfaces(self: Any, endpoint: Any) -> None:
        for one in endpoint.network_interface_ids:
            eni = self.enis[one]
            eni._group_set = [
                self.get_security_group_from_id(group) for group in endpoint.security_group_ids
            ]
            eni.status, eni.interface_type, eni.requester_managed = "in-use", "vpc_endpoint", True
            eni.description = f"VPC Endpoint Interface {endpoint.id}"

    def _refuse_service(self: Any, name: str, kind: str) -> None:
        service = name.removeprefix(f"com.amazonaws.{self.region_name}.")
        own = {one.service_name for one in self.configurations.values()}
        if name not in own and (service == name or service not in _SERVICES):
            told = f"The Vpc Endpoint Service '{name}' does not exist"
            raise refused("InvalidServiceName", told)
        if kind == "Gateway" and service not in _OF_GATEWAYS:
            told = "Endpoint type (Gateway) does not match available service types ([Interface])."
            raise refused("InvalidParameter", told)

    def _refuse_gateway_endpoint(
        self: Any, vpc_id: str, service_name: str, route_table_ids: list[str]
    ) -> None:
        there_are = [one for one in self._living_endpoints() if one.vpc_endpoint_type == "Gateway"]
        self.refuse_beyond("gateway_endpoints", len(there_are))
        for one in route_table_ids:
            if self.get_route_table(one).vpc_id != vpc_id:
                told = f"Route table {one} does not belong to VPC {vpc_id}"
                raise refused("InvalidParameter", told)
            for other in there_are:
                if other.service_name == service_name and one in other.route_table_ids:
                    told = (
                        f"route table {one} already has a route with destination-prefix-list-id "
                        f"{other.destination_prefix_list_id}"
                    )
                    raise refused("RouteAlreadyExists", told)

    def _refuse_interface_endpoint(
        self: Any, vpc_id: str, subnet_ids: list[str], group_ids: list[str]
    ) -> None:
        there_are = [
            one
            for one in self._living_endpoints()
            if one.vpc_id == vpc_id and one.vpc_endpoint_type == "Interface"
        ]
        self.refuse_beyond("interface_endpoints_per_vpc", len(there_are))
        subnets = [self.get_subnet(one) for one in subnet_ids]
        for subnet in subnets:
            if subnet.vpc_id != vpc_id:
                told = f"Subnet {subnet.id} does not belong to VPC {vpc_id}"
                raise refused("InvalidParameter", told)
        if len({subnet.availability_zone for subnet in subnets}) < len(subnets):
            told = (
                f"Found another VPC endpoint subnet in the availability zone of {subnet_ids[-1]}. "
                "VPC endpoint subnets should be in different availability zones."
            )
            raise refused("DuplicateSubnetsInSameZone", told)
        for one in group_ids:
            if one not in self.groups[vpc_id]:
                raise refused("InvalidGroup.NotFound", f"The security group '{one}' does not exist")

    def _refuse_private_dns(self: Any, vpc: Any, service_name: str) -> None:
        if not all(_is_on(one) for one in (vpc.enable_dns_support, vpc.enable_dns_hostnames)):
            told = (
                "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC "
                f"attributes set to true for {vpc.id}"
            )
            raise refused("InvalidParameter", told)
        for other in self._living_endpoints():
            same = (other.vpc_id, other.service_name) == (vpc.id, service_name)
            if same and other.private_dns_enabled:
                told = (
                    "private-dns-enabled cannot be set because there is already a conflicting DNS "
                    f"domain for {service_name} in the VPC {vpc.id}"
                )
                raise refused("InvalidParameter", told)

    def _living_endpoints(self: Any) -> list[Any]:
        return [one for one in self.vpc_end_points.values() if one.state != "deleted"]

    def delete_vpc_endpoints(self: Any, vpce_ids: list[str] | None = None) -> None:
        for one in vpce_ids or []:
            endpoint = self.vpc_end_points[one]
            if endpoint.state != "deleting":
                endpoint.state = "deleting"
                end = self._end_of_endpoint(endpoint)
                self.later(self._lasts(endpoint, "deleting"), end)

    def _end_of_endpoint(self: Any, endpoint: Any) -> Any:
        def end() -> None:
            endpoint.state = "deleted"
            for one in endpoint.network_interface_ids:
                self.enis.pop(one, None)
            for table in self.route_tables.values():
                for route in table.routes:
                    if route.gateway_id == endpoint.id:
                        del table._routes[route.id]

        return end

    def is_known_endpoint(self: Any, one: str) -> bool:
        return one in self.vpc_end_points and self.vpc_end_points[one].state != "deleted"


def _is_on(attribute: Any) -> bool:
    return str(attribute).lower() == "true"


def _delete_vpc_endpoints(response: Any) -> ActionResult:
    """Told item by item, as in "DeleteVpcEndpoints": moto knows no unknown ones."""
    asked, backend = response._get_param("VpcEndpointIds", []), response.ec2_backend
    known = [one for one in asked if backend.is_known_endpoint(one)]
    backend.delete_vpc_endpoints(vpce_ids=known)
    unknown = [
        {
            "ResourceId": one,
            "Error": {
                "Code": "InvalidVpcEndpoint.NotFound",
                "Message": f"The VpcEndPoint ID '{one}' does not exist",
            },
        }
        for one in asked
        if one not in known
    ]
    return ActionResult({"Unsuccessful": unknown})


def take_the_place_of_motos() -> None:
    VPCs.delete_vpc_endpoints = _delete_vpc_endpoints
