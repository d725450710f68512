"""All kinds of resources together: what is made by which step stands in the step's own module."""

from collections.abc import Mapping
from itertools import chain
from typing import Final

from tasks import instance, network, security
from tasks.aws.listing import Listing
from tasks.resources.base import Groups, Tagged

KINDS: Final[Groups] = (*network.KINDS, *security.KINDS, *instance.KINDS)
"""In the order of their making."""

TAGGED: Final[Mapping[str, type[Tagged]]] = {
    kind.kind: kind for kind in chain.from_iterable(KINDS) if issubclass(kind, Tagged)
}
"""By name, those that are found by their tags."""

_PARTS_OF_INSTANCES: Final = {
    "volume": Listing(
        operation="describe_volumes", items="Volumes", id_field="VolumeId", id_filter="volume-id"
    ),
    "network_interface": Listing(
        operation="describe_network_interfaces",
        items="NetworkInterfaces",
        id_field="NetworkInterfaceId",
        id_filter="network-interface-id",
    ),
}

LISTINGS: Final[Mapping[str, Listing]] = {
    name: kind.listing for name, kind in reversed([*TAGGED.items()])
} | _PARTS_OF_INSTANCES
"""How AWS lists all that carries an environment's tag, instances first."""
