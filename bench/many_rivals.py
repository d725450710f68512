"""Many environments at once, built by what people would use instead."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final

from bench.aws_like import AWS_LIKE
from bench.cloud import Calls
from bench.shapes import SMALL
from bench.side_by_side import Cost, Memory, run
from bench.sides import Asyncio, Celery, CeleryWorker, Job, Side
from bench.stack import Stack

PROCESSES: Final = 8


@dataclass(frozen=True)
class Attempt:
    """What a rival came to with so many environments."""

    asked: int
    ready: int
    errors: Mapping[str, int]
    """By AWS's code, how many environments it gave up."""
    seconds: float
    """Of AWS, until the last one was ready or given up."""
    cost: Cost
    calls: Calls

    def seconds_for(self, count: int, path: float) -> float:
        """How long so many would take: what comes beside the path of one grows with them."""
        return path + (self.seconds - path) * count / self.asked


class ManyAsyncio(Asyncio):
    """All at once, over as many connections, with botocore's adaptive retries."""

    name = "asyncio with adaptive retries"

    def __init__(self, count: int) -> None:
        self._count = str(count)

    def command(self, job: Job) -> Sequence[str]:
        sizes = ("--count", self._count, "--at-once", self._count, "--connections", self._count)
        return (*super().command(job), *sizes, "--retry-mode", "adaptive")


class ManyCelery(Celery):
    """With more processes than cores, since they wait for AWS most of the time."""

    name = f"Celery prefork, {PROCESSES} processes"

    def __init__(self, count: int) -> None:
        self._count = str(count)

    def command(self, job: Job) -> Sequence[str]:
        return (*super().command(job), "--count", self._count)

    def worker(self, job: Job) -> CeleryWorker:
        return _Processes(job.directory, dict(self.variables(job)))


class _Processes(CeleryWorker):
    options: ClassVar = ("--concurrency", str(PROCESSES))


def attempt(side: Side, count: int, time_scale: float) -> Attempt:
    """Have it build so many, on a stack of its own."""
    with Stack(replace(AWS_LIKE, time_scale=time_scale)) as stack, Memory() as memory:
        job = Job(SMALL, 1, stack.cloud.url, stack.redis.url, stack.directory, time_scale)
        worker = side.worker(job)
        try:
            if worker:
                worker.start()
            pid = worker.child.pid if worker else None
            cost = run(side.command(job), side.variables(job), job.file("log"), memory, pid)
        finally:
            if worker:
                worker.stop()
        cost.must_be_done(side.name)
        told: Mapping[str, Any] = json.loads(cost.output.splitlines()[-1])
        return Attempt(
            asked=count,
            ready=told["ready"],
            errors=told["errors"],
            seconds=told["seconds"] / time_scale,
            cost=cost,
            calls=stack.cloud.calls(),
        )
