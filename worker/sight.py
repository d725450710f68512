"""The answers to how instances stand, and to what a console says."""

from typing import Any, cast

from envwright.sight import Console, LookAtInstances, ReadConsole, Sight
from envwright.survey import Place
from tasks.lease import Look
from tasks.sight import look_at_instances, read_console
from worker.runtime import Runtime


async def sight(now: Runtime, look: Look, question: LookAtInstances) -> Sight:
    """Raises `AwsError`, and `Halted` when the time is over."""
    return await look_at_instances(await _ec2(now, look, question.place), question.groups)


async def console(now: Runtime, look: Look, question: ReadConsole) -> Console:
    """Raises `AwsError`, and `Halted` when the time is over."""
    return await read_console(await _ec2(now, look, question.place), question.instance)


async def _ec2(now: Runtime, look: Look, place: Place) -> Any:
    return cast(Any, await now.clients.door("ec2", place.region, place.account, look))
