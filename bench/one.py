"""One environment: how near to its critical path, and at which cost, against what others use.

The sides take turns; each job has an account, and where there is one a worker, of its own. Jobs
overlap, since each of them waits for AWS nearly all of its time.
"""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from bench import cdk
from bench.aws_like import CALL
from bench.cloud import Calls
from bench.figures import Figure, Result
from bench.installed import NotHere, mib_of_packages
from bench.limit import path
from bench.options import Options
from bench.shapes import PRIVATE, PUBLIC, NotBuilt, Shape
from bench.side_by_side import Cost, Memory, run
from bench.sides import POLL_EVERY, SIDES, Asyncio, Boto3, Envwright, Job, Side
from bench.stack import Stack
from tests.cloud import AWS_DURATIONS, Behaviour
from worker.services import wait_for
from worker.stack import LocalWorker

_ROUNDS: Final = 3
_APART: Final = 4.0
"""Seconds between the beginnings of two jobs: most of the first one's own work is done by then."""
_SHAPES: Final = (PRIVATE, PUBLIC)
_LOOKS: Final = ("DescribeInstanceStatus", "DescribeNatGateways")
"""The calls by which all sides wait."""
_MOST: Final = 1.1
"""How much longer than its critical path an environment may take."""
_AT_ONCE: Final = 4
"""Workers that are started together."""


@dataclass(frozen=True)
class Built:
    """A job that is done."""

    side: Side
    job: Job
    cost: Cost
    calls: Calls

    @property
    def seconds(self) -> float:
        """Of AWS."""
        return self.cost.seconds / self.job.time_scale

    @property
    def looks(self) -> int:
        return sum(self.calls.by_action.get(action, 0) for action in _LOOKS)

    @property
    def reading(self) -> int:
        return self.calls.total - self.calls.mutating - self.looks


def measure(options: Options) -> Result:
    """All sides in the strict cloud, then `cdk deploy`, which cannot be there."""
    scale = options.time_scale or 1.0
    sizes, absent = _sizes()
    here = [side for side in SIDES if side.name in sizes]
    built = _build_all(here, scale)
    paths = {shape.name: _path(shape) for shape in _SHAPES}
    return Result(
        part="one",
        settings={
            "time scale": scale,
            "seconds of a call": CALL,
            "seconds between two looks": POLL_EVERY,
            "rounds": _ROUNDS,
            "seconds between two jobs": _APART,
        },
        figures=_figures(built, paths),
        tables={
            "path": [{"shape": name, "seconds": path} for name, path in paths.items()],
            "sides": [
                _row(shape, side, _of(built, shape, side), paths[shape.name])
                for shape in _SHAPES
                for side in here
            ],
            "cdk": cdk.deploy(CALL, _SHAPES) if cdk.SIDE.name in sizes else [],
            "installed": _installed(sizes, absent),
        },
        measured={"runs": [_measured(one) for one in built]},
    )


def _sizes() -> tuple[dict[str, float], dict[str, str]]:
    """How large what each side needs is in MiB, and why some of them cannot be here."""
    sizes, absent = {}, {}
    for side in [*SIDES, cdk.SIDE]:
        try:
            sizes[side.name] = side.mib()
        except NotHere as reason:
            absent[side.name] = f"not run: {reason}"
    return sizes, absent


def _installed(sizes: Mapping[str, float], absent: Mapping[str, str]) -> list[dict[str, Any]]:
    rows = [(side.name, side.needs) for side in [*SIDES, cdk.SIDE]]
    told = [
        {"side": name, "needs": needs, "MiB": sizes.get(name, absent.get(name))}
        for name, needs in rows
    ]
    client = {"side": "envwright's client alone", "needs": "envwright"}
    return [*told, client | {"MiB": mib_of_packages("envwright")}]


def _build_all(sides: Sequence[Side], time_scale: float) -> list[Built]:
    """Begin one job after the other, and wait until all are done."""
    behaviour = Behaviour(
        limited=True, latency=CALL, durations=AWS_DURATIONS, time_scale=time_scale
    )
    with Stack(behaviour) as stack, ExitStack() as running:
        jobs = _jobs(sides, stack, time_scale)
        workers = _workers(jobs, running)
        memory = running.enter_context(Memory())
        begun = time.monotonic()

        def do(nth: int) -> Built:
            side, job = jobs[nth]
            time.sleep(max(0.0, begun + nth * _APART - time.monotonic()))
            worker = workers.get(job.number)
            pid = worker.child.pid if worker else None
            cost = run(side.command(job), side.variables(job), job.file("log"), memory, pid)
            cost.must_be_done(f"{side.name}, {job.shape.name},")
            return Built(side, job, cost, stack.cloud.calls(job.account))

        with ThreadPoolExecutor(len(jobs)) as pool:
            built = list(pool.map(do, range(len(jobs))))
        for one in built:
            _must_be_right(one, stack.cloud.counts(one.job.account))
        return built


def _jobs(sides: Sequence[Side], stack: Stack, time_scale: float) -> list[tuple[Side, Job]]:
    """In their order: the sides take turns."""
    turns = [
        (side, shape)
        for nth in range(_ROUNDS)
        for side in sides
        for shape in _SHAPES
        if side.runs_in(nth, shape)
    ]
    place = (stack.cloud.url, stack.redis.url, stack.directory, time_scale)
    return [(side, Job(shape, nth, *place)) for nth, (side, shape) in enumerate(turns, start=1)]


def _workers(jobs: Sequence[tuple[Side, Job]], running: ExitStack) -> dict[int, LocalWorker]:
    """Those of all jobs that have one, ready for work; by the job's number."""
    found = {job.number: worker for side, job in jobs if (worker := side.worker(job))}
    waiting = list(found.values())
    while waiting:
        some, waiting = waiting[:_AT_ONCE], waiting[_AT_ONCE:]
        for worker in some:
            worker.launch()
            # What they have is thrown away: nothing has to be given back.
            running.callback(worker.child.kill)
        wait_for(*some)
    return found


def _must_be_right(one: Built, counts: Mapping[str, int]) -> None:
    """Nothing is missing, there twice or refused, and what had to be waited for was waited for."""
    if one.seconds < _path(one.job.shape):
        raise NotBuilt(f"{one.side.name} took {one.seconds:.1f} s: it cannot be ready by then.")
    zones = len(one.job.shape.zones)
    wanted = {"vpc": 1, "subnet": zones * (1 + one.job.shape.private), "instance": zones}
    found = {kind: counts.get(kind, 0) for kind in wanted}
    if found != wanted or one.calls.throttled:
        raise NotBuilt(f"{one.side.name} made {dict(counts)}; throttled: {one.calls.throttled}")


def _path(shape: Shape) -> float:
    return path(private=shape.private)


def _of(built: Sequence[Built], shape: Shape, side: Side) -> list[Built]:
    return [one for one in built if one.side is side and one.job.shape is shape]


def _figures(built: Sequence[Built], paths: Mapping[str, float]) -> list[Figure]:
    figures = []
    for shape in _SHAPES:
        took = {
            type(side): median(one.seconds for one in _of(built, shape, side))
            for side in {one.side for one in built}
        }
        ours = took[Envwright]
        figures += [
            Figure(f"{shape.name}: time to ready / critical path", ours / paths[shape.name], _MOST),
            Figure(
                f"{shape.name}: boto3, one call after the other / envwright", took[Boto3] / ours
            ),
            Figure(f"{shape.name}: asyncio with aioboto3 / envwright", took[Asyncio] / ours),
        ]
    return figures


def _row(shape: Shape, side: Side, runs: Sequence[Built], path: float) -> dict[str, Any]:
    seconds = median(one.seconds for one in runs)
    return {
        "shape": shape.name,
        "side": side.name,
        "runs": len(runs),
        "seconds": seconds,
        "over the path": seconds / path,
        "changing calls": median(one.calls.mutating for one in runs),
        "reading calls": median(one.reading for one in runs),
        "looks": median(one.looks for one in runs),
        "CPU s": median(one.cost.cpu for one in runs),
        "worker's share of it": median(one.cost.worker_cpu for one in runs),
        "peak MiB": median(one.cost.peak_mib for one in runs),
    }


def _measured(one: Built) -> dict[str, Any]:
    return {
        "shape": one.job.shape.name,
        "side": one.side.name,
        "seconds": one.seconds,
        "cpu": one.cost.cpu,
        "worker_cpu": one.cost.worker_cpu,
        "peak_mib": one.cost.peak_mib,
        "calls": dict(one.calls.by_action),
    }
