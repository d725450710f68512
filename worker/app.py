"""The Celery app: `celery -A worker.app worker`."""

from typing import Any

from celery import Celery
from celery.signals import setup_logging, worker_init, worker_shutdown, worker_shutting_down
from pydantic import ValidationError

from config.celery import celery_settings
from config.logging import configure_logging
from config.settings import WorkerSettings
from worker import runtime
from worker.task import StepTask


def _settings() -> WorkerSettings:
    try:
        return WorkerSettings()
    except ValidationError as error:
        faults = [
            f"{_variable(one['loc'])}: {one['msg']}" for one in error.errors(include_input=False)
        ]
        raise SystemExit("The worker's settings are wrong.\n" + "\n".join(faults)) from None


def _variable(location: tuple[int | str, ...]) -> str:
    """The variable that sets this, and the place in it."""
    # pydantic marks with [key] that the last part of the place itself is wrong.
    setting, *place = [str(one) for one in location if one != "[key]"] or [""]
    return ".".join([f"ENVWRIGHT_{setting}".rstrip("_").upper(), *place])


settings = _settings()

app: Celery[Any] = Celery("envwright", task_cls=StepTask, events="worker.events:Events")
app.conf.update(celery_settings(settings), broker_transport="worker.broker:Transport")
app.set_default()

# These register the tasks, on the app that is the default now.
import tasks.chain  # noqa: E402, F401
import worker.questions  # noqa: E402, F401


@setup_logging.connect
def _configure_logging(**_: Any) -> None:
    configure_logging(settings)


@worker_init.connect
def _start(**_: Any) -> None:
    # Celery sets its logging up only after this signal.
    configure_logging(settings)
    try:
        runtime.start(settings)
    except Exception as error:
        # Celery would log it and go on, as a worker that can do none of its tasks.
        raise SystemExit(f"The worker cannot start: {error}") from error


@worker_shutting_down.connect
def _halt(**_: Any) -> None:
    runtime.current().halt()


@worker_shutdown.connect
def _stop(**_: Any) -> None:
    runtime.current().stop()
