"""The answer to what AWS holds in a place."""

from typing import Any, cast

from envwright.survey import Place, Survey
from tasks.lease import Look
from tasks.survey import look_around
from worker.runtime import Runtime


async def survey(now: Runtime, look: Look, place: Place) -> Survey:
    """What exists under our tags there. Raises `AwsError`, and `Halted` when the time is over."""
    ec2: Any = await now.clients.door("ec2", place.region, place.account, look)
    own = None if place.account else await now.clients.own_account(place.region, look)
    return await look_around(cast(Any, ec2), own)
