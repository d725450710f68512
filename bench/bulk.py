"""Builds many environments at once with envwright, and finds out when each was ready."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from bench.aws_like import AWS_LIKE
from bench.cloud import Calls
from bench.meter import Meter
from bench.specs import web
from bench.stack import Stack
from config.settings import WorkerSettings
from envwright.client import Client
from envwright.record import Record
from envwright.requests import Ticket
from envwright.states import State

SINGLES_AT: Final = (1 / 3, 1 / 2, 2 / 3)
"""When, by the share that is ready, a single job comes beside the bulk."""
_LOOK_EVERY: Final = 1.0
_BAD: Final = (State.FAILED, State.CLEANING, State.CLEANED, State.CLEANUP_FAILED)


class NotBuilt(RuntimeError):
    """Not all environments became ready."""


@dataclass(frozen=True)
class Bulk:
    """What building them came to. Times are seconds of AWS: the time scale is taken out."""

    ready: Sequence[float]
    """When each environment of the bulk was ready, from its acceptance on, the first one first."""
    lone: float
    """How long one took with nothing beside it."""
    singles: Sequence[float]
    """How long single jobs took that came in the middle."""
    calls: Calls
    begun: float
    """When the bulk was given, by `time.monotonic()`."""
    meter: Meter
    workers: int
    existing: Mapping[str, int]
    """What AWS holds at the end, by kind."""

    @property
    def wall(self) -> float:
        return self.ready[-1]

    @property
    def environments(self) -> int:
        return len(self.ready) + len(self.singles)

    @property
    def cpu(self) -> list[float]:
        """Seconds on a processor of each worker."""
        return [self.meter[f"worker{nth + 1}"].cpu for nth in range(self.workers)]


def settings(time_scale: float) -> dict[str, Any]:
    """What of a worker's settings hangs on the time scale; all others are the defaults."""
    rate_share = WorkerSettings.model_fields["aws_rate_share"].default
    return {"poll_every": 5.0 * time_scale, "aws_rate_share": rate_share / time_scale}


def build(count: int, time_scale: float, workers: int = 1, at_most: float = 3600) -> Bulk:
    """Build so many on a stack of their own. Raises `NotBuilt`, after `at_most` seconds of AWS."""
    with Stack(replace(AWS_LIKE, time_scale=time_scale)) as stack:
        running = [stack.worker(settings(time_scale)) for _ in range(workers)]
        client = stack.client()
        _one(client, "warm-up")
        lone = _one(client, "lone")
        stack.cloud.clear()
        jobs = Jobs(stack, client, client.now() + at_most * time_scale)
        with Meter(**stack.watched(*running)) as meter:
            begun = time.monotonic()
            jobs.add(client.enqueue_many([web(f"bulk-{nth}") for nth in range(count)]))
            for nth, share in enumerate(SINGLES_AT):
                jobs.wait_for(share * count)
                jobs.add([client.enqueue(web(f"single-{nth}"))])
            jobs.wait_for(count + len(SINGLES_AT))
        took = jobs.took()
        bulk, singles = took[:count], took[count:]
        return Bulk(
            ready=sorted(one / time_scale for one in bulk),
            lone=lone / time_scale,
            singles=[one / time_scale for one in singles],
            calls=stack.cloud.calls(),
            begun=begun,
            meter=meter,
            workers=workers,
            existing=stack.cloud.counts(),
        )


class Jobs:
    """What was asked for, and how far it is. Looking costs little: of each record, its state."""

    def __init__(self, stack: Stack, client: Client, deadline: float) -> None:
        self._stack = stack
        self._client = client
        self._deadline = deadline
        self._ids: list[str] = []

    def add(self, answers: Sequence[object]) -> None:
        """Follow these as well. Raises the first refusal."""
        for one in answers:
            if not isinstance(one, Ticket):
                raise NotBuilt(f"A job was not accepted: {one}")
            self._ids.append(one.environment_id)

    def wait_for(self, ready: float) -> None:
        """Wait until so many are ready."""
        while (states := self._states())[State.READY] < ready:
            if any(states[bad] for bad in _BAD) or self._client.now() > self._deadline:
                raise NotBuilt(f"Of {len(self._ids)}: {dict(states)}. {self._why()}")
            time.sleep(_LOOK_EVERY)

    def took(self) -> list[float]:
        """Seconds from acceptance to ready, in their order."""
        return [_took(self._client.status(one)) for one in self._ids]

    def _states(self) -> Counter[str]:
        keys = self._client.settings.keys
        with self._stack.redis.client() as redis, redis.pipeline(transaction=False) as pipe:
            for one in self._ids:
                pipe.hget(keys.record(one), "state")
            return Counter(pipe.execute())

    def _why(self) -> str:
        failures = [one.failure.message for one in self._client.environments() if one.failure]
        return failures[0] if failures else "The others are still under way."


def _one(client: Client, name: str) -> float:
    """Build one with nothing beside it; returns how long it took."""
    client.enqueue(web(name))
    record = client.wait(name, timeout=600)
    if record.state is not State.READY:
        raise NotBuilt(f"{record.environment_id} is {record.state}: {record.failure}")
    return _took(record)


def _took(record: Record) -> float:
    return record.updated_at - record.created_at
