"""Runs commands side by side, and tells what each of them cost.

They wait for AWS nearly all the time, so many that are begun one after the other do not disturb
each other, and take hardly longer than the longest one alone.
"""

import os
import subprocess
import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import psutil

from bench.meter import cpu_seconds
from bench.shapes import NotBuilt
from worker.processes import ROOT
from worker.servers import inherited_environment

_LOOK_EVERY: Final = 0.5
_MIB: Final = 2**20
_TAIL: Final = 2000
"""Characters of an output that failed."""


@dataclass(frozen=True)
class Cost:
    """What a command came to, with the worker that did the work for it, if there is one."""

    exit_code: int
    seconds: float
    cpu: float
    """Seconds on a processor, user and system, of all processes."""
    worker_cpu: float
    """What the worker has of that."""
    peak_mib: float
    """Of all processes together, at its highest; what they share is counted once."""
    output: str

    def must_be_done(self, what: str) -> None:
        """Raises `NotBuilt` where the command failed."""
        if self.exit_code:
            tail = self.output[-_TAIL:]
            raise NotBuilt(f"{what} ended with exit code {self.exit_code}. It said:\n{tail}")


@dataclass
class _Watched:
    roots: Sequence[int]
    peak: int = 0


class Memory:
    """Watches the memory of trees of processes, with one look at all of them at a time."""

    def __init__(self) -> None:
        self._watched: list[_Watched] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="memory", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def of(self, *roots: int) -> _Watched:
        one = _Watched(roots)
        self._watched.append(one)
        return one

    def forget(self, one: _Watched) -> None:
        self._watched.remove(one)

    def _watch(self) -> None:
        while not self._ended.wait(_LOOK_EVERY):
            children: dict[int, list[int]] = defaultdict(list)
            for process in psutil.process_iter(["ppid"]):
                children[process.info["ppid"]].append(process.pid)
            for one in list(self._watched):
                tree = _tree(one.roots, children)
                one.peak = max(one.peak, _together(tree))


def _tree(roots: Sequence[int], children: Mapping[int, Sequence[int]]) -> list[int]:
    found = list(roots)
    for pid in found:
        found.extend(children.get(pid, ()))
    return found


def _together(pids: Sequence[int]) -> int:
    """The memory of these: each one's own, and once what the largest shares with others."""
    own = shared = 0
    for pid in pids:
        try:
            memory = psutil.Process(pid).memory_full_info()
        except psutil.NoSuchProcess:
            continue  # it has ended meanwhile
        own += memory.uss
        shared = max(shared, memory.rss - memory.uss)
    return own + shared


def run(
    command: Sequence[str],
    variables: Mapping[str, str],
    log: Path,
    memory: Memory,
    worker: int | None = None,
) -> Cost:
    """Run a command to its end; `worker` is the process that works for it."""
    working = psutil.Process(worker) if worker else None
    before = cpu_seconds(working) if working else 0.0
    begun = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env=inherited_environment() | dict(variables),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    watched = memory.of(process.pid, *([worker] if worker else []))
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    memory.forget(watched)
    worker_cpu = cpu_seconds(working) - before if working else 0.0
    return Cost(
        exit_code=process.returncode,
        seconds=seconds,
        cpu=usage.ru_utime + usage.ru_stime + worker_cpu,
        worker_cpu=worker_cpu,
        peak_mib=watched.peak / _MIB,
        output=log.read_text(encoding="utf-8", errors="replace"),
    )
