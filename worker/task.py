"""The base class of the step tasks: from a message to a step on the event loop, and back.

A step's task is a plain `async def` that is handed a `Context`; its message holds the ids of an
environment and a run. Retries live in the record and not here: Celery's would sit in a worker's
memory, and be sent twice past the visibility timeout.
"""

from typing import Any

import structlog
from celery import Task
from celery.exceptions import Ignore
from redis.exceptions import RedisError
from structlog.contextvars import bound_contextvars

from envwright.errors import EnvwrightError
from tasks.chain import PLACES
from worker import runtime
from worker.step import run_step

logger = structlog.get_logger(__name__)


class StepFailed(EnvwrightError):
    """A step failed; the record says why."""


class StepTask(Task):  # type: ignore[type-arg]  # not generic at run time
    """Runs a step's coroutine on the worker's event loop while its thread waits."""

    abstract = True
    # The coroutine takes a context, and the message two ids: Celery cannot compare them.
    typing = False
    # Expected, and on record already: Celery need not log a traceback.
    throws = (StepFailed,)

    def __call__(self, environment_id: str, run_id: str) -> Any:
        kind, step = PLACES[self.name]
        with bound_contextvars(environment=environment_id, run=run_id, step=step):
            now = runtime.current()
            # The write that ends the step sends the next message; Celery would send it again.
            self.request.chain = None
            try:
                outcome = now.loop.run(run_step(now, self.run, kind, step, environment_id, run_id))
            except (RedisError, OSError) as error:
                # The run is on record and due again when its lease or its grace is over.
                logger.warning("redis_lost", error=str(error))
                raise Ignore from error
            if outcome.failure is not None:
                raise StepFailed(outcome.failure.message)
            if not outcome.is_done:
                raise Ignore
