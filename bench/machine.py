"""The machine's own limit: what an environment costs the worker, over its bare calls.

AWS answers at once and limits nothing, and the pacing, which stays in the path, never waits. What
is compared is CPU seconds, so that neither the fake AWS nor the other processes count; a worker's
start and its first environment are left out on all sides. The sides take turns, and each round
gives one ratio, so that what disturbs the machine for a while disturbs all of them.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from bench.aws_like import UNLIMITED
from bench.figures import Figure, Result
from bench.jobs import Jobs
from bench.meter import Meter
from bench.options import Options
from bench.shapes import PUBLIC, NotBuilt
from bench.stack import Stack
from worker.processes import ROOT
from worker.servers import inherited_environment
from worker.stack import LocalWorker

_COUNT: Final = 100
"""Environments of a round, all of them at once."""
_ROUNDS: Final = 5
_PATIENCE: Final = 600.0
"""Seconds until a round is given up."""
_MOST: Final = 1.5

OURS: Final = "envwright, one worker"
BARE: Final = "bare calls, uvloop"
_BARE: Final = {
    BARE: ("--loop", "uvloop"),
    "bare calls, asyncio's own loop": ("--loop", "asyncio"),
    "bare calls, uvloop, envwright's client": ("--loop", "uvloop", "--client", "envwright"),
}


@dataclass(frozen=True)
class Cost:
    """What a side came to in one round, for each environment."""

    cpu: float
    """Seconds on a processor."""
    calls: float


def measure(options: Options) -> Result:
    count = options.count or _COUNT
    settings = {
        "concurrency": count,
        "aws_connections": count,
        "runs_per_account": 10 * count,
        # The limits are asked for at each call, and never reached.
        "aws_rate_share": 1e6,
        "aws_burst_share": 1e6,
    }
    with Stack(UNLIMITED) as stack:
        sides = Sides(stack, stack.worker(settings), count)
        rounds = [sides.round(nth) for nth in range(_ROUNDS)]
    cpu = {side: median(one[side].cpu for one in rounds) for side in rounds[0]}
    ratio = {side: median(one[OURS].cpu / one[side].cpu for one in rounds) for side in _BARE}
    return Result(
        part="machine",
        settings={"environments": count, "rounds": _ROUNDS, "shape": PUBLIC.name} | settings,
        figures=[
            Figure("CPU of the worker / of the bare calls", ratio[BARE], _MOST),
            *(Figure(f"the same / {side}", ratio[side]) for side in _BARE if side != BARE),
            Figure("environments a second per core", 1 / cpu[OURS]),
        ],
        tables={"sides": [_row(side, [one[side] for one in rounds]) for side in rounds[0]]},
        measured={"rounds": [{side: one.cpu for side, one in told.items()} for told in rounds]},
    )


def _row(side: str, costs: Sequence[Cost]) -> dict[str, Any]:
    cpu, calls = median(one.cpu for one in costs), median(one.calls for one in costs)
    return {
        "side": side,
        "CPU ms each": 1000 * cpu,
        "calls each": calls,
        "CPU ms a call": 1000 * cpu / calls,
        "from ms": 1000 * min(one.cpu for one in costs),
        "to ms": 1000 * max(one.cpu for one in costs),
    }


class Sides:
    """A worker, and programs that make bare calls, before one fake AWS."""

    def __init__(self, stack: Stack, worker: LocalWorker, count: int) -> None:
        self._stack = stack
        self._worker = worker
        self._count = count
        self._client = stack.client()
        self._build(["warm-up"])

    def round(self, nth: int) -> dict[str, Cost]:
        """Let each side build so many environments, one side after the other."""
        return {OURS: self._ours(nth)} | {
            side: self._bare(options, f"{nth}{place:02}".zfill(12))
            for place, (side, options) in enumerate(_BARE.items(), start=1)
        }

    def _ours(self, nth: int) -> Cost:
        self._stack.cloud.clear()
        with Meter(worker=self._worker.child.pid) as meter:
            self._build([f"round-{nth}-{number}" for number in range(self._count)])
        return self._cost(meter["worker"].cpu, self._count)

    def _build(self, names: Sequence[str]) -> None:
        jobs = Jobs(self._stack, self._client, self._client.now() + _PATIENCE)
        jobs.add(self._client.enqueue_many([PUBLIC.spec(name) for name in names]))
        jobs.wait_for(len(names))

    def _bare(self, options: Sequence[str], account: str) -> Cost:
        """In an account of its own: the fake AWS is the slower the more one of them holds."""
        self._stack.cloud.clear()
        environment = inherited_environment() | {
            "AWS_ACCESS_KEY_ID": account,
            "AWS_ENDPOINT_URL": self._stack.cloud.url,
        }
        sizes = ("--count", str(self._count), "--at-once", str(self._count))
        command = [sys.executable, "-m", "bench.rivals.bare_client", *sizes, *options]
        ran = subprocess.run(
            command, env=environment, cwd=ROOT, check=False, capture_output=True, text=True
        )
        if ran.returncode:
            raise NotBuilt(f"The bare calls failed. They said:\n{ran.stderr}")
        # The one to warm up is counted by the cloud, and not in the CPU seconds.
        return self._cost(json.loads(ran.stdout)["cpu"], self._count, built=self._count + 1)

    def _cost(self, cpu: float, count: int, built: int | None = None) -> Cost:
        return Cost(cpu / count, self._stack.cloud.calls().total / (built or count))
