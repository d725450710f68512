"""Wakes a worker up for every run that is due and that nobody works on."""

import threading

import structlog
from celery import Celery
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from config.settings import WorkerSettings
from envwright.messages import send_run
from tasks.store import WorkerStore
from worker.loop import LoopThread

_AT_ONCE = 200

logger = structlog.get_logger(__name__)


class Sweeper:
    """Every worker runs one: they share the work, since each run is handed to one of them.

    It has a thread of its own because publishing blocks, and must not block the loop.
    """

    def __init__(
        self, app: Celery, loop: LoopThread, store: WorkerStore, settings: WorkerSettings
    ) -> None:
        self._app = app
        self._loop = loop
        self._store = store
        self._settings = settings
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
            try:
                while self._sweep() == _AT_ONCE:
                    pass
            except (RedisError, OperationalError, OSError) as error:
                logger.warning("sweep_failed", error=str(error))
            except Exception:
                # Whatever it is, it must not end what finds every run that was lost.
                logger.exception("sweep_crashed")

    def _sweep(self) -> int:
        """Send what is due; what could not be sent is due again after the grace."""
        due = self._loop.run(self._store.take_due(_AT_ONCE, self._settings.wake_grace))
        for one in due:
            send_run(self._app, one.environment_id, one.run_id, one.kind, one.step)
            logger.info("run_woken_up", environment=one.environment_id, run=one.run_id)
        return len(due)
