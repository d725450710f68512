"""Nothing that a worker does keeps its event loop from everything else."""

import asyncio
import gc
import resource
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import botocore.session
import pytest

from config.settings import WorkerSettings
from envwright.client import Client, Ticket
from envwright.messages import steps_of, task_name
from envwright.record import RunKind
from envwright.states import State
from tasks.aws.pacing import Pacer
from tasks.aws.preload import loaded_session
from tasks.aws.session import AwsClients
from tasks.store import WorkerStore
from tests.everything import IMAGE
from tests.harness import QUICK, Worker
from tests.specs import with_instances
from worker.app import app
from worker.connection import connect
from worker.garbage import look_less
from worker.lease import LeaseKeeper
from worker.servers import LocalAws
from worker.step import run_step

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts by the thread")

LONGEST: Final = 0.05
"""Seconds."""

MANY: Final = 40
OF_ANOTHER_ACCOUNT: Final = 10
ROLE: Final = "arn:aws:iam::222222222222:role/envwright"


@dataclass(frozen=True)
class Slow:
    """A callback that kept the loop for too long, and why."""

    what: str
    wall: float
    cpu: float
    waits: int


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> list[Slow]:
    """The callbacks of this thread's loops that took too long, as they come.

    asyncio's debug mode takes the time on the wall, so on a busy machine also that of the other
    processes; and it is slow itself. Here counts what the thread has worked, or that it stopped of
    its own accord: then it called something that blocks, such as a socket or a sleep. The worker's
    loop is uvloop's, which tells of no callback; what is called on it is the same.
    """
    found: list[Slow] = []
    run: Callable[[asyncio.Handle], None] = asyncio.Handle._run

    def timed(handle: asyncio.Handle) -> None:
        begun, worked, waited = time.perf_counter(), time.thread_time(), _waits()
        what = repr(handle)
        run(handle)
        wall, cpu = time.perf_counter() - begun, time.thread_time() - worked
        waits = _waits() - waited
        if cpu > LONGEST or (wall > LONGEST and waits):
            found.append(Slow(what, wall, cpu, waits))

    monkeypatch.setattr(asyncio.Handle, "_run", timed)
    return found


@pytest.fixture
def few_looks_for_garbage() -> Iterator[None]:
    """As a worker has them, and for this test alone."""
    before = gc.get_threshold()
    look_less()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


def _waits() -> int:
    """How often this thread has given up the processor to wait."""
    return resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw


async def build_all(settings: WorkerSettings, tickets: list[Ticket], session: Any) -> None:
    """What a worker's loop does with these, from its first client on."""
    redis = await connect(settings)
    store = WorkerStore(redis, settings.keys, settings.queue, "worker", settings.runs_per_account)
    clients = AwsClients(settings, Pacer(redis, settings), session)
    worker = Worker(settings, store, clients, LeaseKeeper(store, settings.lease))
    keeping = asyncio.create_task(worker.keeper.keep())

    async def build(ticket: Ticket) -> None:
        for step in steps_of(RunKind.PROVISION):
            work = app.tasks[task_name(RunKind.PROVISION, step)].run
            ids = ticket.environment_id, ticket.run_id
            outcome = await run_step(worker, work, RunKind.PROVISION, step, *ids)  # type: ignore[arg-type]
            assert outcome.is_done, (ticket, step, outcome)

    await asyncio.gather(*(build(ticket) for ticket in tickets))
    keeping.cancel()
    await clients.close()
    await redis.aclose()


@pytest.mark.usefixtures("few_looks_for_garbage")
def test_no_callback_keeps_the_loop_for_long(
    redis_url: str, key_prefix: str, aws: LocalAws, slow: list[Slow]
) -> None:
    """Many environments side by side, in two accounts, from the opening of the clients on: the
    leases of the others can be renewed meanwhile."""
    botocore.session.create_loader.cache_clear()  # type: ignore[attr-defined]  # see conftest.py
    settings = WorkerSettings(
        redis_url=redis_url,
        key_prefix=key_prefix,
        queue=key_prefix,
        aws_endpoint_url=aws.url,
        **QUICK | {"instance_timeout": 60.0},  # type: ignore[arg-type]
    )
    of_role = {"account": {"role_arn": ROLE}}
    specs = [
        with_instances(IMAGE, f"web-{number}", **of_role if number < OF_ANOTHER_ACCOUNT else {})
        for number in range(MANY)
    ]
    with Client(settings) as client:
        tickets = [client.enqueue(spec) for spec in specs]
        session = loaded_session()

        asyncio.run(build_all(settings, tickets, session))

        states = {client.status(one.environment_id).state for one in tickets}
    assert states == {State.READY}
    assert slow == []


def test_a_callback_that_blocks_is_seen(slow: list[Slow]) -> None:
    """One that waits, and one that works; so the test above can fail."""

    async def main() -> None:
        await asyncio.sleep(0)
        time.sleep(LONGEST * 2)  # noqa: ASYNC251 - as it must not be
        await asyncio.sleep(0)
        until = time.thread_time() + LONGEST * 2
        while time.thread_time() < until:
            pass

    asyncio.run(main())

    waited, worked = slow
    assert waited.waits
    assert waited.cpu < LONGEST
    assert worked.cpu > LONGEST
