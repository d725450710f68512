"""What version 0.1.0 wrote into a spec, read as it is said today.

It knew public subnets alone, under `network.public_subnets`: that is a tier named `public`. Records
and producers of that version still hold it.
"""

from collections.abc import Mapping
from typing import Any, Final

from envwright.spec.forms import Flaw

_EARLIER: Final = "public_subnets"
_TIER: Final = {"name": "public", "access": "public"}


def renewed(data: Any) -> Any:
    """A spec's data, with the earlier field turned into the tier that it means."""
    if not _is_earlier(data):
        return data
    network = dict(data["network"])
    asked = network.pop(_EARLIER)
    network["tiers"] = [{**asked, **_TIER} if isinstance(asked, Mapping) else asked]
    return {**data, "network": network}


def as_written(flaw: Flaw, data: Any) -> Flaw:
    """A flaw of renewed data, at the place where it stands in the data that was given."""
    loc, sentence = flaw
    if _is_earlier(data) and loc[:3] == ("network", "tiers", 0):
        return ("network", _EARLIER, *loc[3:]), sentence
    return flaw


def _is_earlier(data: Any) -> bool:
    network = data.get("network") if isinstance(data, Mapping) else None
    if not isinstance(network, Mapping) or _EARLIER not in network or "tiers" in network:
        return False
    asked = network[_EARLIER]
    return not isinstance(asked, Mapping) or not asked.keys() & _TIER.keys()
