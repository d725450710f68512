"""Take a job from a producer that has Celery and Redis, and not this package.

Such a producer leaves the spec in Redis and sends this task the submission's id: so a spec, and
the user data in it, is in no message. docs/producer-contract.md is the contract.
"""

import json
from functools import cache
from typing import Any, Final

import structlog
from celery import Task, shared_task

from config.settings import WorkerSettings
from envwright.client import Client, Ticket
from envwright.errors import EnvwrightError, Fault, SpecError, StoreUnavailable
from envwright.names import TASK_SUBMIT
from envwright.spec import parse_spec
from envwright.submission_store import SubmissionStore

KEEP_ANSWER: Final = 24 * 3600
"""Seconds for which the answer to a submission can be read."""

logger = structlog.get_logger(__name__)


@shared_task(
    base=Task,
    name=TASK_SUBMIT,
    autoretry_for=(StoreUnavailable,),
    retry_backoff=True,
    max_retries=5,
)
def submit(submission_id: str) -> None:
    submissions, client = _connections()
    try:
        text = submissions.spec(submission_id)
        if text is None:
            # Answered already, or expired: a message may come twice.
            logger.info("submission_has_no_spec", submission=submission_id)
            return
        priority = submissions.priority(submission_id)
        answer = _accepted(client.enqueue(parse_spec(_plain(text)), priority=priority))
    except StoreUnavailable:
        raise
    except EnvwrightError as error:
        answer = _refused(error)
    submissions.answer(submission_id, answer, KEEP_ANSWER)
    logger.info("submission_answered", submission=submission_id, state=answer["state"])


def _accepted(ticket: Ticket) -> dict[str, str]:
    return {
        "state": "accepted",
        "environment_id": ticket.environment_id,
        "run_id": ticket.run_id,
    }


def _refused(error: EnvwrightError) -> dict[str, str]:
    faults = error.faults if isinstance(error, SpecError) else ()
    return {
        "state": "refused",
        "error": str(error),
        "faults": json.dumps([{"path": one.path, "message": one.message} for one in faults]),
    }


def _plain(text: str) -> Any:
    try:
        return json.loads(text)
    except RecursionError:
        raise SpecError([Fault("", "The submission's spec is nested too deeply.")]) from None
    except ValueError as error:
        raise SpecError([Fault("", f"The submission's spec is not JSON: {error}.")]) from error


@cache
def _connections() -> tuple[SubmissionStore, Client]:
    settings = WorkerSettings()
    return SubmissionStore(settings), Client(settings)
