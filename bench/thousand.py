"""A thousand environments at once: how near to what AWS's request limits allow, at which cost.

First by one worker, several times, then by two, then by what people would use instead.
"""

from collections.abc import Callable, Sequence
from statistics import median, median_low
from typing import Any, Final

from bench.aws_like import CALL
from bench.bulk import Bulk, build, settings
from bench.figures import Figure, Result
from bench.limit import limit, path, waits
from bench.many_rivals import Attempt, ManyAsyncio, ManyCelery, attempt
from bench.options import Options
from bench.shapes import SMALL

_COUNT: Final = 1000
_TIME_SCALE: Final = 0.25
_ROUNDS: Final = 3
"""Of one worker, whose figures are held to limits."""
_PREFORK_PART: Final = 10
"""Of how many one is built by Celery prefork, so that the benchmark keeps within its time."""
_POINTS: Final = 200


def measure(options: Options) -> Result:
    count = options.count or _COUNT
    scale = options.time_scale or _TIME_SCALE
    rounds = [build(count, scale, workers=1) for _ in range(_ROUNDS)]
    two = build(count, scale, workers=2)
    rivals = {
        side.name: attempt(side, asked, scale)
        for side, asked in (
            (ManyAsyncio(count), count),
            (ManyCelery(count // _PREFORK_PART), count // _PREFORK_PART),
        )
    }
    middle_wall = median_low(one.wall for one in rounds)
    one = next(one for one in rounds if one.wall == middle_wall)
    least = limit(one.environments)

    def middle(figure: Callable[[Bulk], float]) -> float:
        return median(map(figure, rounds))

    return Result(
        part="thousand",
        settings={
            "environments": count,
            "rounds of one worker": len(rounds),
            "time scale": scale,
            "shape": SMALL.name,
            "mean seconds of a call": CALL,
        }
        | settings(scale),
        figures=[
            Figure("wall time / limit", middle_wall / least, 1.05),
            Figure("throttled replies", middle(_percent_throttled), 0.1, "% of calls"),
            Figure("peak memory of the worker", middle(_peak), 250, "MiB"),
            Figure("single job in the middle / alone", middle(_slowed_down), 2),
            Figure("CPU of the worker", middle(_cpu_each), None, "ms each"),
            Figure("two workers: wall time / limit", two.wall / least),
            Figure("two workers: share of the one that did less", min(two.cpu) / sum(two.cpu)),
            Figure("how busy the fake AWS was", one.meter.busy("emulator"), None, "of a core"),
        ],
        tables={
            "limit": _limit_rows(one.environments),
            "sides": [
                _row("envwright, one worker", one),
                _row("envwright, two workers", two),
                *(_rival_row(name, rival, count) for name, rival in rivals.items()),
            ],
            "processes": [
                {"process": name, "of a core": one.meter.busy(name)}
                | {"peak MiB": one.meter[name].peak_mib}
                for name in one.meter.names
            ],
        },
        measured={
            "limit": least,
            "one": _measured(one, scale),
            "two": _measured(two, scale),
            "rounds": [
                {
                    "wall": one.wall,
                    "throttled": _percent_throttled(one),
                    "peak": _peak(one),
                    "single": _slowed_down(one),
                    "cpu": _cpu_each(one),
                }
                for one in rounds
            ],
            "rivals": {name: _attempted(rival) for name, rival in rivals.items()},
        },
    )


def _percent_throttled(bulk: Bulk) -> float:
    return 100 * bulk.calls.share_throttled


def _peak(bulk: Bulk) -> float:
    """MiB, of all its workers."""
    return sum(bulk.meter[f"worker{nth + 1}"].peak_mib for nth in range(bulk.workers))


def _slowed_down(bulk: Bulk) -> float:
    """How long the slowest single job took over the one that was alone."""
    return max(bulk.singles) / bulk.lone


def _cpu_each(bulk: Bulk) -> float:
    """Milliseconds on a processor, of all its workers."""
    return 1000 * sum(bulk.cpu) / bulk.environments


def _limit_rows(environments: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [
        {
            "action": one.action,
            "requests": one.needed,
            "bucket holds": one.size.capacity,
            "gets each second": one.size.refill,
            "seconds": one.seconds,
        }
        for one in waits(environments)
    ]
    empty = dict.fromkeys(rows[0], "")
    return [
        *rows,
        empty | {"action": "critical path of one environment", "seconds": path()},
        empty
        | {"action": "the limit: the path, and the longest of the others"}
        | {"seconds": limit(environments)},
    ]


def _row(side: str, bulk: Bulk) -> dict[str, Any]:
    return {
        "side": side,
        "asked for": bulk.environments,
        "ready": bulk.environments,
        "seconds": bulk.wall,
        "seconds for all": bulk.wall,
        "calls each": bulk.calls.total / bulk.environments,
        "throttled": sum(bulk.calls.throttled.values()),
        "CPU ms each": _cpu_each(bulk),
        "peak MiB": _peak(bulk),
    }


def _rival_row(name: str, rival: Attempt, count: int) -> dict[str, Any]:
    extrapolated = "" if rival.asked == count else ", extrapolated"
    return {
        "side": name,
        "asked for": rival.asked,
        "ready": rival.ready,
        "seconds": rival.seconds,
        "seconds for all": f"{rival.seconds_for(count, path()):,.0f}{extrapolated}",
        "calls each": rival.calls.total / rival.asked,
        "throttled": sum(rival.calls.throttled.values()),
        "CPU ms each": 1000 * rival.cost.cpu / rival.asked,
        "peak MiB": rival.cost.peak_mib,
    }


def _measured(bulk: Bulk, time_scale: float) -> dict[str, Any]:
    launches = bulk.calls.times["RunInstances"]
    return {
        "lone": bulk.lone,
        "singles": list(bulk.singles),
        "ready": _thinned(bulk.ready),
        "launches": _thinned([(at - bulk.begun) / time_scale for at in launches]),
        "calls": dict(bulk.calls.by_action),
        "throttled": dict(bulk.calls.throttled),
        "errors": dict(bulk.calls.errors),
        "existing": dict(bulk.existing),
        "cpu": bulk.cpu,
        "memory": [
            _thinned([(at / time_scale, mib) for at, _, mib in bulk.meter[f"worker{nth + 1}"].line])
            for nth in range(bulk.workers)
        ],
    }


def _attempted(rival: Attempt) -> dict[str, Any]:
    return {
        "asked": rival.asked,
        "ready": rival.ready,
        "errors": dict(rival.errors),
        "seconds": rival.seconds,
        "calls": dict(rival.calls.by_action),
        "throttled": dict(rival.calls.throttled),
    }


def _thinned(many: Sequence[Any]) -> list[Any]:
    """So many of them that a plot looks the same, the last one among them."""
    every = max(1, len(many) // _POINTS)
    return [*many[:-1:every], many[-1]]
