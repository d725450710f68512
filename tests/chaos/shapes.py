"""The sorts of environment that the seeds build: a small one, one with all kinds, the examples."""

from dataclasses import dataclass
from typing import Final

from envwright.spec import EnvironmentSpec, load_spec, parse_spec
from tests.everything import EVERYTHING, ZONES
from tests.repository import ROOT
from tests.specs import spec_data


@dataclass(frozen=True)
class Shape:
    """A spec, how often it is drawn, and about how many calls it takes."""

    spec: EnvironmentSpec
    weight: int
    calls_building: int
    calls_taking_down: int
    is_guest: bool = False
    """Whether it stands in what is another's (`tests.estate`)."""

    @property
    def can_rest(self) -> bool:
        """Whether its instances can be stopped: AWS refuses that of spot instances."""
        return all(group.spot is None for group in self.spec.instances.values())


def _example(name: str) -> EnvironmentSpec:
    return load_spec(ROOT / "examples" / f"{name}.yaml")


SMALL: Final = parse_spec(
    spec_data(
        network={"cidr": "10.20.0.0/16", "zones": ZONES},
        security={"groups": {"web": {"ingress": [{"ports": 443, "cidrs": ["0.0.0.0/0"]}]}}},
        instances={"web": EVERYTHING["instances"]["web"] | {"count": 1}},
    )
)
"""A spec with few resources."""

_DATA: Final = {"device_name": "/dev/sdf", "size": 8, "delete_on_termination": False}

KEEPING: Final = parse_spec(
    spec_data(
        security={"groups": {"store": {}}},
        instances={
            "store": EVERYTHING["instances"]["web"]
            | {"count": 1, "security_groups": ["store"], "volumes": [_DATA]}
        },
    )
)
"""A spec whose instance leaves a volume behind."""

SHAPES: Final = {
    "small": Shape(SMALL, 8, 22, 12),
    "everything": Shape(parse_spec(EVERYTHING), 4, 60, 30),
    "web": Shape(_example("web"), 2, 24, 14),
    "guest": Shape(_example("existing-vpc"), 3, 20, 12, is_guest=True),
    "spot": Shape(_example("spot-workers"), 2, 24, 14),
    "three-tiers": Shape(_example("three-tiers"), 3, 50, 30),
    "isolated": Shape(_example("isolated"), 3, 36, 20),
    "dual-stack": Shape(_example("dual-stack"), 2, 36, 20),
    "keeping": Shape(KEEPING, 2, 28, 16),
}
