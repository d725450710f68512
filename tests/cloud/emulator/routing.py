"""Route tables: what they serve, where their routes lead, and what becomes of a dead end."""

from ipaddress import ip_network
from typing import Any

from moto.ec2.exceptions import RouteAlreadyExistsError
from moto.ec2.models import route_tables

from tests.cloud.emulator.errors import in_use, refused


class Route(route_tables.Route):
    """A route that is a blackhole when what it leads to is gone."""

    @property
    def state(self) -> str:
        return "blackhole" if any(self._dead_ends()) else "active"

    def _dead_ends(self) -> list[bool]:
        backend = self.route_table.ec2_backend
        gateway, nat_gateway, interface = self.gateway, self.nat_gateway, self.interface
        egress_only = self.egress_only_igw
        return [
            gateway is not None and gateway.id.startswith("igw-") and gateway.vpc is None,
            nat_gateway is not None and nat_gateway.state in ("failed", "deleted"),
            egress_only is not None and egress_only.state == "deleted",
            interface is not None and interface.id not in backend.enis,
            interface is not None and interface.instance is None,
            self.instance is not None and self.instance.state == "terminated",
        ]


class RouteTable(route_tables.RouteTable):
    """A route table that is found by its routes as well."""

    def get_filter_value(self, filter_name: str, method_name: str | None = None) -> Any:
        attribute = _OF_ROUTES.get(filter_name)
        if attribute is None:
            return super().get_filter_value(filter_name, method_name)
        return [value for route in self.routes if (value := getattr(route, attribute)) is not None]


_OF_ROUTES = {
    "route.destination-ipv6-cidr-block": "destination_ipv6_cidr_block",
    "route.egress-only-internet-gateway-id": "egress_only_internet_gateway_id",
    "route.state": "state",
}
"""The filters that moto lacks."""


class Routing:
    """What `StrictBackend` does with route tables."""

    def create_route_table(self: Any, vpc_id: str, *asked: Any, **more: Any) -> Any:
        there_are = self.describe_route_tables(filters={"vpc-id": [vpc_id]})
        self.refuse_beyond("route_tables_per_vpc", len(there_are))
        return super().create_route_table(vpc_id, *asked, **more)  # type: ignore[misc]

    def delete_route_table(self: Any, route_table_id: str) -> None:
        table = self.get_route_table(route_table_id)
        going = self.__dict__.get("_main_table_and_default_group_go", False)
        if table.main_association_id is not None and not going:
            raise in_use("routeTable", route_table_id)
        super().delete_route_table(route_table_id)  # type: ignore[misc]

    def associate_route_table(
        self: Any, route_table_id: str, gateway_id: str | None = None, subnet_id: str | None = None
    ) -> Any:
        """Refuse it for a subnet that has a table already, be it the same: moto returns that."""
        table = self.get_route_table(route_table_id)
        if subnet_id is not None:
            if self.get_subnet(subnet_id).vpc_id != table.vpc_id:
                raise _of_different_networks(table.id, f"subnet {subnet_id}")
            if any(subnet_id in one._associations.values() for one in self.route_tables.values()):
                told = (
                    f"the specified association for route table {route_table_id} conflicts with "
                    "an existing association"
                )
                raise refused("Resource.AlreadyAssociated", told)
        return super().associate_route_table(  # type: ignore[misc]
            route_table_id, gateway_id, subnet_id
        )

    def disassociate_route_table(self: Any, association_id: str) -> Any:
        mains = {table.main_association_id for table in self.route_tables.values()}
        if association_id in mains:
            told = f"cannot disassociate the main route table association {association_id}"
            raise refused("InvalidParameterValue", told)
        return super().disassociate_route_table(association_id)  # type: ignore[misc]

    def create_route(
        self: Any,
        route_table_id: str,
        destination_cidr_block: str | None,
        destination_ipv6_cidr_block: str | None = None,
        *asked: Any,
        local: bool = False,
        **targets: Any,
    ) -> Any:
        table = self.get_route_table(route_table_id)
        if not local:
            self._refuse_route(table, destination_ipv6_cidr_block)
            self._refuse_targets(table, destination_ipv6_cidr_block, **targets)
        return super().create_route(  # type: ignore[misc]
            route_table_id,
            destination_cidr_block,
            destination_ipv6_cidr_block,
            *asked,
            local=local,
            **targets,
        )

    def _refuse_route(self: Any, table: Any, ipv6: str | None) -> None:
        """moto knows routes that there are already by their IPv4 destination alone."""
        there_are = [route for route in table.routes if not route.local]
        if ipv6 and any(
            route.destination_ipv6_cidr_block
            and ip_network(route.destination_ipv6_cidr_block) == ip_network(ipv6)
            for route in there_are
        ):
            raise RouteAlreadyExistsError(ipv6)
        of_family = sum(
            bool(route.destination_ipv6_cidr_block) is bool(ipv6) for route in there_are
        )
        self.refuse_beyond("routes_per_route_table", of_family)

    def replace_route(
        self: Any,
        route_table_id: str,
        destination_cidr_block: str | None,
        destination_ipv6_cidr_block: str | None = None,
        destination_prefix_list_id: str | None = None,
        nat_gateway_id: str | None = None,
        egress_only_igw_id: str | None = None,
        *asked: Any,
        **targets: Any,
    ) -> Any:
        self._refuse_targets(
            self.get_route_table(route_table_id),
            destination_ipv6_cidr_block,
            nat_gateway_id=nat_gateway_id,
            egress_only_igw_id=egress_only_igw_id,
            gateway_id=targets.get("gateway_id"),
        )
        return super().replace_route(  # type: ignore[misc]
            route_table_id,
            destination_cidr_block,
            destination_ipv6_cidr_block,
            destination_prefix_list_id,
            nat_gateway_id,
            egress_only_igw_id,
            *asked,
            **targets,
        )

    def _refuse_targets(
        self: Any,
        table: Any,
        ipv6: str | None,
        gateway_id: str | None = None,
        nat_gateway_id: str | None = None,
        egress_only_igw_id: str | None = None,
        **_: Any,
    ) -> None:
        gateway = self.internet_gateways.get(gateway_id)
        if gateway and (gateway.vpc is None or gateway.vpc.id != table.vpc_id):
            raise _of_different_networks(table.id, f"network gateway {gateway.id}")
        if nat_gateway_id:
            self._refuse_nat_gateway(table, nat_gateway_id)
        if egress_only_igw_id:
            egress_only = self.get_egress_only_igw(egress_only_igw_id)
            if egress_only.vpc_id != table.vpc_id:
                raise _of_different_networks(table.id, f"network gateway {egress_only.id}")
            if not ipv6:
                told = "An egress-only internet gateway serves IPv6 destinations alone."
                raise refused("InvalidParameterValue", told)

    def _refuse_nat_gateway(self: Any, table: Any, one: str) -> None:
        gateway = self.nat_gateways.get(one)
        if gateway is None or gateway.state in ("failed", "deleting", "deleted"):
            raise refused("InvalidNatGatewayID.NotFound", f"The NatGateway '{one}' does not exist")
        if gateway.state != "available":
            raise refused("IncorrectState", f"The NatGateway '{one}' is {gateway.state}.")
        if gateway.vpc_id != table.vpc_id:
            raise _of_different_networks(table.id, f"nat gateway {one}")

    def delete_route(
        self: Any,
        route_table_id: str,
        destination_cidr_block: str | None,
        destination_ipv6_cidr_block: str | None = None,
        *asked: Any,
    ) -> Any:
        wanted = destination_ipv6_cidr_block or destination_cidr_block
        for route in self.get_route_table(route_table_id).routes:
            its = route.destination_ipv6_cidr_block or route.destination_cidr_block
            if route.local and its == wanted and self.asked.get("Action") == "DeleteRoute":
                told = f"cannot remove local route {wanted} in route table {route_table_id}"
                raise refused("InvalidParameterValue", told)
        return super().delete_route(  # type: ignore[misc]
            route_table_id, destination_cidr_block, destination_ipv6_cidr_block, *asked
        )


def _of_different_networks(table_id: str, other: str) -> Exception:
    told = f"route table {table_id} and {other} belong to different networks"
    return refused("InvalidParameterValue", told)


def take_the_place_of_motos() -> None:
    route_tables.Route, route_tables.RouteTable = Route, RouteTable
