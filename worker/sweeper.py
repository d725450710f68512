"""Wakes workers up for what is due and what there is room for, and ends what expires."""

import threading
from collections.abc import Callable, Sequence
from math import ceil

import structlog
from redis.exceptions import RedisError

from config.settings import WorkerSettings
from envwright.errors import StoreUnavailable
from envwright.store import Store
from tasks.aws.limits import OWN_ACCOUNT, Limits
from tasks.due import Due
from tasks.expiry import carry_out_ends
from tasks.line import Line
from tasks.store import WorkerStore
from worker.loop import LoopThread

_AT_ONCE = 200

logger = structlog.get_logger(__name__)


def let_in_at_once(settings: WorkerSettings) -> Callable[[str], int]:
    """How many runs a sweep lets in for an account and region (see `area_of`): twice as many as
    AWS lets begin meanwhile.

    More would do all their first steps before anyone does its second, and so leave the scarcest of
    AWS's limits, that of launches, without use for as long.
    """
    limits = Limits(settings)

    def at_once(area: str) -> int:
        account, _, region = area.rpartition(".")
        begun = limits.of(account or OWN_ACCOUNT, region)["CreateVpc"].refill
        return ceil(2 * begun * settings.sweep_every)

    return at_once


def _to_the_end(sweep: Callable[[], int]) -> None:
    while sweep() == _AT_ONCE:
        pass


class Sweeper:
    """Every worker runs one: they share the work, since each run is handed to one of them.

    It has a thread of its own because ending what expires blocks, and must not block the loop.
    """

    def __init__(
        self,
        loop: LoopThread,
        store: WorkerStore,
        line: Line,
        records: Store,
        settings: WorkerSettings,
    ) -> None:
        self._loop = loop
        self._store = store
        self._line = line
        self._records = records
        self._settings = settings
        self._let_in = let_in_at_once(settings)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="envwright-sweeper", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def halt(self) -> None:
        """Begin no further sweep."""
        self._stopped.set()

    def stop(self) -> None:
        self.halt()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(self._settings.sweep_every):
            self._guarded(self._admit)
            self._guarded(lambda: _to_the_end(self._sweep))
            self._guarded(lambda: _to_the_end(self._sweep_ends))

    def _guarded(self, sweep: Callable[[], object]) -> None:
        if self._stopped.is_set():
            return
        try:
            sweep()
        except (RedisError, OSError, StoreUnavailable) as error:
            logger.warning("sweep_failed", error=str(error))
        except Exception:
            # Whatever it is, it must not end what finds every run that was lost.
            logger.exception("sweep_crashed")

    def _admit(self) -> int:
        """Let runs in that wait in line, and send for them."""
        let_in = self._loop.run(self._line.admit(self._let_in, self._settings.wake_grace))
        return self._send(let_in, "run_let_in")

    def _sweep(self) -> int:
        """Send what is due; what could not be sent is due again after the grace."""
        due = self._loop.run(self._store.take_due(_AT_ONCE, self._settings.wake_grace))
        return self._send(due, "run_woken_up")

    def _send(self, runs: Sequence[Due], told: str) -> int:
        if runs:
            self._loop.run(self._store.wake_up(runs))
        for one in runs:
            logger.info(told, environment=one.environment_id, run=one.run_id)
        return len(runs)

    def _sweep_ends(self) -> int:
        """Begin the cleanups of what has expired; they are due for a sweep to send them."""
        return carry_out_ends(self._records, _AT_ONCE)
