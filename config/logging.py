"""Logs: structlog for our own lines and for Celery's and every library's, in one format."""

import logging
import logging.config
import sys
from contextlib import suppress
from typing import Any

import structlog

from config.settings import WorkerSettings

_QUIET = (
    "aioboto3",
    "aiobotocore",
    "aiohttp",
    "asyncio",
    "boto3",
    "botocore",
    "celery.app.trace",
    "celery.worker.strategy",
    "kombu",
    "redis",
    "urllib3",
)
"""Loggers whose debug lines hold requests, and so user data, or say twice what a step says."""


class _Stderr:
    """Writes our own lines, without the detour over `logging`, which costs more than the line."""

    def __init__(self, name: str = "") -> None:
        self.name = name

    def msg(self, line: str) -> None:
        # Whoever tells of something must not fail at it, as with `logging`: a disk that is full
        # would have a step lose the answer to a call that has created something.
        with suppress(OSError, ValueError):
            # In one piece, so that the lines of several threads do not mix.
            sys.stderr.write(f"{line}\n")

    debug = info = warning = error = critical = msg


def configure_logging(settings: WorkerSettings) -> None:
    """Send every log line to stderr, as JSON or for a console. Call it once a process."""
    level = settings.log_level.upper()
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "structlog": {
                    "()": structlog.stdlib.ProcessorFormatter,
                    "processors": [
                        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                        *_rendering(settings),
                    ],
                    "foreign_pre_chain": shared,
                }
            },
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structlog"}},
            "root": {"handlers": ["stderr"], "level": level},
            "loggers": {name: {"level": "WARNING"} for name in _QUIET},
        }
    )
    logging.captureWarnings(True)
    structlog.configure(
        processors=[*shared, *_rendering(settings)],
        logger_factory=_Stderr,
        wrapper_class=structlog.make_filtering_bound_logger(settings.log_level),
        cache_logger_on_first_use=True,
    )


def _rendering(settings: WorkerSettings) -> list[Any]:
    # Tracebacks without local variables in either form: those may hold user data.
    if settings.log_format == "console":
        return [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    return [
        structlog.processors.ExceptionRenderer(
            structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        ),
        structlog.processors.JSONRenderer(),
    ]
