"""Order and time: an environment takes as long as its critical path, and little more.

The path is computed from what needs what and from the times that the cloud is given.
"""

from dataclasses import replace

import pytest

from envwright.record import State
from tasks.lease import Look, clock
from tests.cloud import AWS_DURATIONS, Behaviour, Cloud
from tests.critical_path import and_compared, building, critical_path, ending
from tests.everything import IMAGE, REGION
from tests.integration.conftest import Begin
from tests.specs import with_instances

CALL = 0.15
"""Seconds that a call to AWS takes."""
DURATIONS = replace(AWS_DURATIONS, status_checks=10.0)
"""AWS's, but for the checks of instances: they would hide what else is waited for."""
MOST = 1.1
"""How much longer than its critical path an environment may take."""
UNHURRIED = {"instance_timeout": 60.0, "nat_gateway_timeout": 60.0, "conflict_timeout": 60.0}


TIERS = [
    {"name": "public", "access": "public"},
    {"name": "app", "access": "private"},
]


@pytest.mark.parametrize(
    ("tier", "scale"), [("public", 0.5), ("app", 0.3)], ids=["public", "private"]
)
async def test_an_environment_takes_as_long_as_its_critical_path(
    begin: Begin, cloud: Cloud, tier: str, scale: float
) -> None:
    """A wait stands where something needs it, in building and in taking down.

    `scale` is what a second of AWS takes here: enough for the tests' own work to count for little.
    """
    spec = with_instances(IMAGE)
    spec["instances"]["web"] |= {
        "tier": tier,
        "root_volume": {"device_name": "/dev/xvda", "size": 8},
    }
    spec["network"]["tiers"] = TIERS[: 1 + (tier == "app")]
    cloud.behave(Behaviour(time_scale=scale, latency=CALL, durations=DURATIONS))

    async with begin(spec, lease=300.0, poll_every=0.1, **UNHURRIED) as env:
        for service in ("ec2", "ssm"):  # Loading the SDK is no part of it.
            await env.worker.clients.door(service, REGION, None, Look(60))
        begun = clock()
        assert (await env.to_rest()).state is State.READY
        built = clock()
        assert (await env.take_down()).state is State.DESTROYED
        ended = clock()

    took = {"building": (built - begun) / scale, "ending": (ended - built) / scale}
    path = {
        "building": critical_path(and_compared(building(DURATIONS, private=tier == "app")), CALL),
        "ending": critical_path(ending(DURATIONS, private=tier == "app"), CALL),
    }
    assert all(took[one] <= MOST * path[one] for one in path), f"{took} against {path}"
