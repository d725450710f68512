"""A thousand environments at once: how near to what AWS's request limits allow, at which cost."""

from collections.abc import Sequence
from typing import Any, Final

from bench.aws_like import AWS_LIKE
from bench.bulk import Bulk, build, settings
from bench.figures import Figure, Result
from bench.limit import LEAST_CALLS, critical_path, limit, waits
from bench.options import Options

_COUNT: Final = 1000
_TIME_SCALE: Final = 0.5
_POINTS: Final = 200


def measure(options: Options) -> Result:
    """One worker, then two; each on a stack of its own."""
    count = options.count or _COUNT
    scale = options.time_scale or _TIME_SCALE
    one, two = [build(count, scale, workers) for workers in (1, 2)]
    least = limit(one.environments, AWS_LIKE)
    return Result(
        part="thousand",
        settings={
            "environments": count,
            "time_scale": scale,
            "shape": "examples/web.yaml with one zone and one instance",
            "worker": settings(scale),
        },
        figures=[
            Figure("wall time / limit", one.wall / least, 1.05),
            Figure("throttled replies", 100 * one.calls.share_throttled, 0.1, "% of calls"),
            Figure("peak memory of the worker", one.meter["worker1"].peak_mib, 250, "MiB"),
            Figure("single job in the middle / alone", max(one.singles) / one.lone, 2),
            Figure("CPU of the worker", 1000 * sum(one.cpu) / one.environments, None, "ms each"),
            Figure("two workers: wall time / limit", two.wall / least),
            Figure("two workers: share of the one that did less", _lesser_share(two)),
        ],
        tables={
            "limit": _limit_rows(one.environments),
            "sides": [_row("one worker", one), _row("two workers", two)],
            "processes": _process_rows(one),
        },
        measured={"limit": least, "one": _measured(one, scale), "two": _measured(two, scale)},
    )


def _limit_rows(environments: int) -> list[dict[str, Any]]:
    rows = [
        {
            "action": one.action,
            "requests": one.needed,
            "bucket": one.size.capacity,
            "refill per second": one.size.refill,
            "seconds": one.seconds,
        }
        for one in waits(environments)
    ]
    path = {"action": "critical path of one environment", "seconds": critical_path(AWS_LIKE)}
    return [*rows, dict.fromkeys(rows[0], "") | path]


def _row(side: str, bulk: Bulk) -> dict[str, Any]:
    return {
        "side": side,
        "ready": len(bulk.ready),
        "seconds": bulk.wall,
        "calls each": bulk.calls.total / bulk.environments,
        "changing calls each": bulk.calls.mutating / bulk.environments,
        "throttled": sum(bulk.calls.throttled.values()),
        "CPU ms each": 1000 * sum(bulk.cpu) / bulk.environments,
        "peak MiB": sum(bulk.meter[f"worker{nth + 1}"].peak_mib for nth in range(bulk.workers)),
    }


def _process_rows(bulk: Bulk) -> list[dict[str, Any]]:
    return [
        {"process": name, "busy": bulk.meter.busy(name), "peak MiB": bulk.meter[name].peak_mib}
        for name in bulk.meter.names
    ]


def _lesser_share(bulk: Bulk) -> float:
    return min(bulk.cpu) / sum(bulk.cpu)


def _measured(bulk: Bulk, time_scale: float) -> dict[str, Any]:
    launches = bulk.calls.times["RunInstances"]
    return {
        "lone": bulk.lone,
        "singles": list(bulk.singles),
        "ready": _thinned(bulk.ready),
        "launches": _thinned([(at - bulk.begun) / time_scale for at in launches]),
        "calls": dict(bulk.calls.by_action),
        "least_calls": LEAST_CALLS,
        "throttled": dict(bulk.calls.throttled),
        "errors": dict(bulk.calls.errors),
        "existing": dict(bulk.existing),
        "cpu": bulk.cpu,
        "memory": [
            _thinned([(at / time_scale, mib) for at, _, mib in bulk.meter[f"worker{nth + 1}"].line])
            for nth in range(bulk.workers)
        ],
    }


def _thinned(many: Sequence[Any]) -> list[Any]:
    """So many of them that a plot looks the same, the last one among them."""
    every = max(1, len(many) // _POINTS)
    return [*many[:-1:every], many[-1]]
