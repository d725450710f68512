"""The task that looks at AWS for a caller: it needs no lease, since it changes nothing."""

from functools import cache
from typing import Any, Final, cast

import structlog
from celery import Task, shared_task

from config.settings import WorkerSettings
from envwright.errors import EnvwrightError
from envwright.names import TASK_SURVEY
from envwright.recovery_store import RecoveryStore
from envwright.survey import Place, Survey
from tasks.survey import look_around
from worker import runtime
from worker.runtime import Runtime

LONGEST_LOOK: Final = 300.0
"""Seconds after which a survey is given up."""

logger = structlog.get_logger(__name__)


@shared_task(base=Task, name=TASK_SURVEY)
def survey(survey_id: str) -> None:
    store = _store()
    place = store.asked(survey_id)
    if place is None:
        # Answered already, or expired: a message may come twice.
        logger.info("survey_not_asked", survey=survey_id)
        return
    store.take_up(survey_id)
    now = runtime.current()
    try:
        answer: Survey | EnvwrightError = now.loop.run(_look(now, place))
    except EnvwrightError as error:
        answer = error
    store.answer(survey_id, answer)
    logger.info("survey_answered", survey=survey_id, failed=isinstance(answer, EnvwrightError))


async def _look(now: Runtime, place: Place) -> Survey:
    with now.looking(LONGEST_LOOK) as permit:
        ec2: Any = await now.clients.door("ec2", place.region, place.account, permit)
        own = None if place.account else await now.clients.own_account(place.region, permit)
        return await look_around(cast(Any, ec2), own)


@cache
def _store() -> RecoveryStore:
    return RecoveryStore(WorkerSettings())
