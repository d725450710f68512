"""What processes cost: CPU seconds, and memory at its highest."""

import threading
import time
from dataclasses import dataclass, field
from typing import Final, Self

import psutil

_EVERY: Final = 0.25
_MIB: Final = 2**20


@dataclass
class Usage:
    """Of one process and all that it started."""

    cpu: float = 0.0
    """Seconds on a processor, user and system, since the meter began."""
    peak_mib: float = 0.0
    """Resident memory at its highest; of several processes, that of all together."""
    line: list[tuple[float, float, float]] = field(default_factory=list)
    """Samples: seconds since the meter began, CPU seconds, MiB."""


class Meter:
    """Watches running processes for as long as it is entered.

    with Meter(worker=pid, cloud=cloud.pid) as meter:
        …
    meter["worker"].cpu
    """

    def __init__(self, **pids: int) -> None:
        self._processes = {name: psutil.Process(pid) for name, pid in pids.items()}
        self._usages = {name: Usage() for name in pids}
        self._begun_with: dict[str, float] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="meter", daemon=True)

    def __enter__(self) -> Self:
        self._at = time.monotonic()
        self._begun_with = {name: cpu_seconds(one) for name, one in self._processes.items()}
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self.seconds = time.monotonic() - self._at
        self._sample()

    def __getitem__(self, name: str) -> Usage:
        return self._usages[name]

    @property
    def names(self) -> list[str]:
        return list(self._usages)

    def busy(self, name: str) -> float:
        """Which part of the time it was on a processor: 1 is one core in full."""
        return self._usages[name].cpu / self.seconds

    def _watch(self) -> None:
        while not self._ended.wait(_EVERY):
            self._sample()

    def _sample(self) -> None:
        for name, process in self._processes.items():
            usage = self._usages[name]
            try:
                usage.cpu = cpu_seconds(process) - self._begun_with[name]
                memory = _memory(process) / _MIB
            except psutil.NoSuchProcess:
                continue  # it ended: what was seen last stands
            usage.peak_mib = max(usage.peak_mib, memory)
            usage.line.append((time.monotonic() - self._at, usage.cpu, memory))


def _tree(process: psutil.Process) -> list[psutil.Process]:
    return [process, *process.children(recursive=True)]


def cpu_seconds(process: psutil.Process) -> float:
    """Of a process and all that it started, since they began."""
    # Children that have ended are in their parent's times, those that live are in their own.
    return sum(sum(one.cpu_times()[:4]) for one in _tree(process))


def _memory(process: psutil.Process) -> int:
    return sum(one.memory_info().rss for one in _tree(process))
