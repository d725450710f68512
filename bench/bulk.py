"""Builds many environments at once with envwright, and finds out when each was ready."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from bench.aws_like import AWS_LIKE
from bench.cloud import Calls
from bench.jobs import Jobs
from bench.meter import Meter
from bench.shapes import SMALL
from bench.stack import Stack
from config.settings import WorkerSettings
from envwright.client import Client
from envwright.spec import EnvironmentSpec, parse_spec

SINGLES_AT: Final = (1 / 3, 1 / 2, 2 / 3)
"""When, by the share that is ready, a single job comes beside the bulk."""


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
    defaults = {name: field.default for name, field in WorkerSettings.model_fields.items()}
    return {
        "poll_every": defaults["poll_every"] * time_scale,
        "aws_rate_share": defaults["aws_rate_share"] / time_scale,
    }


def build(count: int, time_scale: float, workers: int, at_most: float = 3600) -> Bulk:
    """Build so many on a stack of their own. Raises `NotBuilt`, after `at_most` seconds of AWS."""
    with Stack(replace(AWS_LIKE, time_scale=time_scale)) as stack:
        running = [stack.worker(settings(time_scale)) for _ in range(workers)]
        client = stack.client()
        deadline = client.now() + at_most * time_scale
        lone = Jobs(stack, client, deadline)
        lone.add([client.enqueue(small("lone"))])
        lone.wait_for(1)
        stack.cloud.clear()
        jobs = Jobs(stack, client, deadline)
        with Meter(**stack.watched(*running)) as meter:
            begun, accepted = time.monotonic(), client.now()
            give_bulk(client, jobs, count)
            for nth, share in enumerate(SINGLES_AT):
                jobs.wait_for(share * count)
                jobs.add([client.enqueue(small(f"single-{nth}"))])
            jobs.wait_for(count + len(SINGLES_AT))
        return Bulk(
            ready=sorted((at - accepted) / time_scale for at in jobs.ready_at()[:count]),
            lone=lone.took()[0] / time_scale,
            singles=[took / time_scale for took in jobs.took()[count:]],
            calls=stack.cloud.calls(),
            begun=begun,
            meter=meter,
            workers=workers,
            existing=stack.cloud.counts(),
        )


def small(name: str) -> EnvironmentSpec:
    """One that costs a single launch."""
    return parse_spec(SMALL.spec(name))


def give_bulk(client: Client, jobs: Jobs, count: int) -> None:
    """Ask for so many small ones as one bulk."""
    specs = (small(f"bulk-{nth}") for nth in range(count))
    client.enqueue_bulk(specs, name="bench", told=jobs.add)
