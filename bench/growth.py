"""How the cost of an environment grows with how many there are.

AWS answers at once and limits nothing, and the pacing, which stays in the path, never waits. Each
size has a stack of its own. What a worker needs once (its first client, its first connections) is
no environment's cost: it builds one before it is measured.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bench.aws_like import UNLIMITED
from bench.bulk import give_bulk, small
from bench.figures import Figure, Result
from bench.jobs import Jobs
from bench.meter import Meter
from bench.options import Options
from bench.shapes import SMALL
from bench.stack import Stack

_COUNTS: Final = (10, 100, 1000, 5000)
_FLAT: Final = 1.2
_PATIENCE: Final = 600.0
SETTINGS: Final = {"aws_rate_share": 1e6, "aws_burst_share": 1e6}
"""The limits are asked for at each call, and never reached."""


@dataclass(frozen=True)
class Size:
    """What so many environments came to. Costs are those of one of them."""

    count: int
    seconds: float
    calls: float
    cpu: float
    """Milliseconds of the worker's on a processor."""
    peak_mib: float
    """Of the worker, all in all."""
    redis_bytes: float
    emulator_cpu: float
    """Milliseconds of the fake AWS's on a processor."""


def measure(options: Options) -> Result:
    largest = max(options.count or _COUNTS[-1], 1000)
    sizes = [_size(count) for count in _COUNTS if count <= largest]
    return Result(
        part="growth",
        settings={"environments": [one.count for one in sizes], "shape": SMALL.name} | SETTINGS,
        figures=[
            Figure(
                f"{cost.name}, from {cost.flat_from} on: most / least", cost.spread(sizes), _FLAT
            )
            for cost in COSTS
        ],
        tables={"sizes": [_row(one) for one in sizes]},
        measured={"sizes": [vars(one) for one in sizes]},
    )


@dataclass(frozen=True)
class Cost:
    """One of the costs that must not grow, and from how many environments on."""

    name: str
    of: Callable[[Size], float]
    flat_from: int = 100

    def spread(self, sizes: Sequence[Size]) -> float:
        costs = [self.of(one) for one in sizes if one.count >= self.flat_from]
        return max(costs) / min(costs)


COSTS: Final = (
    Cost("calls each", lambda one: one.calls),
    Cost("CPU each", lambda one: one.cpu),
    Cost("bytes in Redis each", lambda one: one.redis_bytes),
    # With more than are let in at once: fewer do not fill the worker.
    Cost("memory of the worker", lambda one: one.peak_mib, flat_from=1000),
)


def _size(count: int) -> Size:
    with Stack(UNLIMITED) as stack:
        worker = stack.worker(SETTINGS)
        client = stack.client()
        jobs = Jobs(stack, client, client.now() + _PATIENCE)
        jobs.add([client.enqueue(small("warm-up"))])
        jobs.wait_for(1)
        stack.cloud.clear()
        before = _bytes(stack)
        with Meter(**stack.watched(worker)) as meter:
            begun = client.now()
            give_bulk(client, jobs, count)
            jobs.wait_for(count + 1)
        return Size(
            count=count,
            seconds=max(jobs.ready_at()) - begun,
            calls=stack.cloud.calls().total / count,
            cpu=1000 * meter["worker1"].cpu / count,
            peak_mib=meter["worker1"].peak_mib,
            redis_bytes=(_bytes(stack) - before) / count,
            emulator_cpu=1000 * meter["emulator"].cpu / count,
        )


def _bytes(stack: Stack) -> float:
    """What Redis holds, without what it needs for itself and for its connections."""
    with stack.redis.client() as redis:
        return float(redis.info("memory")["used_memory_dataset"])


def _row(one: Size) -> dict[str, Any]:
    return {
        "environments": one.count,
        "calls each": one.calls,
        "CPU ms each": one.cpu,
        "peak MiB of the worker": one.peak_mib,
        "bytes in Redis each": one.redis_bytes,
        "a second": one.count / one.seconds,
        "CPU ms of the fake AWS each": one.emulator_cpu,
    }
