"""What every side builds: a web server in each zone, in the open or behind one NAT gateway."""

from dataclasses import dataclass
from typing import Any, Final

REGION: Final = "eu-west-1"
ZONES: Final = ("eu-west-1a", "eu-west-1b")
VPC_BLOCK: Final = "10.20.0.0/16"
PUBLIC_BLOCKS: Final = ("10.20.0.0/20", "10.20.16.0/20")
PRIVATE_BLOCKS: Final = ("10.20.32.0/20", "10.20.48.0/20")
PORTS: Final = (80, 443)
IMAGE: Final = "ami-760aaa0f"
"""One that the cloud has; its root device is `ROOT_DEVICE`."""
ROOT_DEVICE: Final = "/dev/xvda"
ROOT_SIZE: Final = 16
"""GiB."""
INSTANCE_TYPE: Final = "t3.micro"


class NotBuilt(RuntimeError):
    """A side did not build what it was to build."""


@dataclass(frozen=True)
class Shape:
    """How large an environment is: one subnet of each tier and one instance in each zone."""

    name: str
    zones: tuple[str, ...]
    private: bool
    """Whether the instances stand behind a NAT gateway, in subnets of their own."""

    def spec(self, name: str) -> dict[str, Any]:
        """envwright's wish for one of this shape."""
        tiers = [{"name": "public", "access": "public"}]
        if self.private:
            tiers.append({"name": "app", "access": "private"})
        return {
            "name": name,
            "region": REGION,
            "network": {"cidr": VPC_BLOCK, "zones": list(self.zones), "tiers": tiers},
            "security": {
                "groups": {"web": {"ingress": [{"ports": list(PORTS), "cidrs": ["0.0.0.0/0"]}]}}
            },
            "instances": {
                "web": {
                    "tier": tiers[-1]["name"],
                    "count": len(self.zones),
                    "types": [INSTANCE_TYPE],
                    "image": IMAGE,
                    "security_groups": ["web"],
                    "root_volume": {"device_name": ROOT_DEVICE, "size": ROOT_SIZE},
                }
            },
        }


PUBLIC: Final = Shape("public", ZONES, private=False)
PRIVATE: Final = Shape("private", ZONES, private=True)
SMALL: Final = Shape("small", ZONES[:1], private=False)
"""The fewest calls for an environment that is of use: one launch, so that many can be built."""
SHAPES: Final = {shape.name: shape for shape in (PUBLIC, PRIVATE, SMALL)}
