"""Many small environments at once, against an AWS that keeps to its request limits.

The strict cloud's seconds are short here, and the workers' rates are told so: what is counted does
not hang on it.
"""

from collections import Counter
from typing import Final

from envwright.spec import EnvironmentSpec, load_spec
from tests.cloud import Behaviour, Cloud
from tests.repository import ROOT

LEAST_CALLS: Final = {
    "CreateVpc": 1,
    "CreateInternetGateway": 1,
    "AttachInternetGateway": 1,
    "CreateRoute": 1,
    "CreateSubnet": 1,
    "CreateSecurityGroup": 1,
    "AuthorizeSecurityGroupIngress": 1,
    "RunInstances": 1,
}
"""The least that changes something, for a public environment of one zone and one instance."""

TIME_SCALE: Final = 0.3
"""What a second of AWS takes; all times here are AWS's."""
AWS: Final = Behaviour(limited=True, time_scale=TIME_SCALE, latency=(0.1, 0.3))
RATE_SHARE: Final = 0.98 / TIME_SCALE
BURST_SHARE: Final = 0.35
"""A machine that is busy with tests is late by more of AWS's time than a worker is."""

_WEB: Final = load_spec(ROOT / "examples" / "web.yaml")


def small(name: str) -> EnvironmentSpec:
    """examples/web.yaml in one zone and with one instance."""
    network = _WEB.network.model_copy(update={"zones": _WEB.network.zones[:1]})
    group = _WEB.instances["web"].model_copy(update={"count": 1})
    return _WEB.model_copy(update={"name": name, "network": network, "instances": {"web": group}})


def check_least_calls(cloud: Cloud, environments: int) -> None:
    """Nothing was throttled, and so many cost the fewest calls that change something."""
    throttled = [call.action for call in cloud.journal if call.code == "RequestLimitExceeded"]
    assert Counter(throttled) == {}
    expected = {action: times * environments for action, times in LEAST_CALLS.items()}
    assert Counter(cloud.mutating) == expected, cloud.counted()
