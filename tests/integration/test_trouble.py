"""A step that does not get on says why: in the record and in the history, while it lasts."""

import asyncio
import contextlib

from envwright.names import Step
from tasks.aws.errors import ErrorClass, Trouble
from tasks.lease import End, Lease, clock
from tests.everything import EVERYTHING
from tests.harness import until
from tests.integration.conftest import Begin
from worker.lease import LeaseKeeper

WHY = "AWS refused DeleteVpc with DependencyViolation: it is in use."


async def test_what_a_step_waits_for_is_told_once_and_then_forgotten(begin: Begin) -> None:
    """Whoever looks at the environment is told, and not only the worker's log."""
    async with begin(EVERYTHING) as env, env.context() as context:
        keeper = LeaseKeeper(env.worker.store, 0.06)
        lease = Lease(context.lease.hold, clock() + 60, 1.0, Step.NETWORK)
        keeping = asyncio.create_task(keeper.keep())
        with keeper.holding(lease, 60):
            lease.troubles["call"] = Trouble(WHY, ErrorClass.DEPENDENCY)
            await until(lambda: env.record.trouble == WHY)
            renewed = lease.until
            await until(lambda: lease.until > renewed)
            lease.troubles.clear()
            await until(lambda: not env.record.trouble)
        keeping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keeping

        told = [event for event in env.client.events(env.id) if event.state == "retrying"]

    assert [(event.step, event.message) for event in told] == [(Step.NETWORK, WHY)]


async def test_what_a_halted_step_waited_for_is_not_told(begin: Begin) -> None:
    """Another run has the record by then, and that one does not wait for it."""
    async with begin(EVERYTHING) as env, env.context() as context:
        keeper = LeaseKeeper(env.worker.store, 0.06)
        lease = Lease(context.lease.hold, clock() + 60, 1.0, Step.NETWORK)
        env.client.cancel(env.id)
        keeping = asyncio.create_task(keeper.keep())
        with keeper.holding(lease, 60):
            lease.troubles["call"] = Trouble(WHY, ErrorClass.DEPENDENCY)
            await until(lambda: lease.end is End.REPLACED)
        keeping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keeping

        assert not env.record.trouble
