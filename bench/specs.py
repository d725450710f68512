"""The environments that are measured."""

from typing import Final

from envwright.spec import EnvironmentSpec, load_spec
from worker.processes import ROOT

WEB: Final = load_spec(ROOT / "examples" / "web.yaml")
_ZONES: Final = ("eu-west-1a", "eu-west-1b", "eu-west-1c")


def web(name: str, zones: int = 1, count: int = 1) -> EnvironmentSpec:
    """examples/web.yaml under this name, with so many zones and instances.

    A launch is one call a zone, so one zone costs the fewest of the calls that AWS limits most.
    """
    network = WEB.network.model_copy(update={"zones": _ZONES[:zones]})
    group = WEB.instances["web"].model_copy(update={"count": count})
    return WEB.model_copy(update={"name": name, "network": network, "instances": {"web": group}})
