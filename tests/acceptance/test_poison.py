"""A run whose step kills its worker, each time: it is set aside, and the others come through."""

import os
import signal
from typing import Final

from envwright.client import Client
from envwright.failure import FailureCategory
from envwright.states import State
from tests.acceptance.conftest import how_much_exists
from tests.cloud import ALWAYS, Call, Cloud, Reply, throttled
from tests.cloud.faults import Forward, ReplyLost
from tests.conftest import WorkerFactory
from tests.specs import spec
from worker.processes import wait_until
from worker.servers import LocalAws

INNOCENT: Final = ["one", "two", "three"]
ENOUGH: Final = 150.0
"""Seconds: three leases, as many starts of a worker, and each suspect alone."""


class Supervisor:
    """Keeps one worker running, as a service manager does, and kills it when it is told to."""

    def __init__(self, start: WorkerFactory) -> None:
        self._start = start
        self._worker = start()
        self.killed = 0

    def kill(self) -> None:
        self.killed += 1
        os.kill(self._worker.child.pid, signal.SIGKILL)

    def look(self) -> None:
        if not self._worker.child.alive:
            self._worker = self._start()


def test_who_kills_its_worker_is_set_aside_and_the_others_are_built(
    worker: WorkerFactory, client: Client, cloud: Cloud, aws: LocalAws
) -> None:
    """The others are in the middle of a step, in the same process, both times that it dies. Then
    each of them is tried alone: the third death is that of the guilty one, and the last."""
    supervisor = Supervisor(worker)
    jam = throttled()

    async def poison(call: Call, forward: Forward) -> Reply:
        supervisor.kill()
        raise ReplyLost

    async def slow(call: Call, forward: Forward) -> Reply:
        return await (forward() if supervisor.killed >= 2 else jam(call, forward))

    cloud.inject("CreateSubnet", poison, times=ALWAYS, where=lambda one: _is_of(one, "guilty"))
    cloud.inject("CreateSubnet", slow, times=ALWAYS, where=lambda one: not _is_of(one, "guilty"))
    client.enqueue_many([spec(name) for name in (*INNOCENT, "guilty")])

    def at_rest() -> bool:
        supervisor.look()
        return all(record.at_rest for record in client.environments())

    wait_until(at_rest, ENOUGH, "all come to rest")

    assert {client.status(name).state for name in INNOCENT} == {State.READY}
    guilty = client.status("guilty")
    assert guilty.state is State.CLEANED
    assert guilty.failure is not None
    assert guilty.failure.category is FailureCategory.INTERNAL
    assert "The worker died each of the 3 times" in guilty.failure.message
    assert supervisor.killed == 3
    told = {name: _deaths_told(client, name) for name in (*INNOCENT, "guilty")}
    assert told == dict.fromkeys(INNOCENT, 2) | {"guilty": 3}
    assert how_much_exists(aws) == {"vpc": 3, "subnet": 3, "internet_gateway": 3}


def _is_of(call: Call, name: str) -> bool:
    return any(str(value).startswith(f"{name}.") for value in call.parameters.values())


def _deaths_told(client: Client, name: str) -> int:
    return sum("worker died (" in (one.message or "") for one in client.events(name))
