"""The task that answers callers' questions: it needs no lease, since it changes nothing."""

from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from typing import Any, Final

import structlog
from celery import Task, shared_task
from pydantic import ValidationError

from config.settings import WorkerSettings
from envwright.errors import EnvwrightError, NotAnswered
from envwright.names import TASK_QUESTION
from envwright.plan import PlanQuestion
from envwright.question_store import Asked, QuestionStore
from envwright.questions import Question
from envwright.sight import LookAtInstances, ReadConsole
from envwright.survey import Place
from envwright.value import Value
from tasks.lease import Look
from worker import runtime
from worker.plan import planned
from worker.runtime import Runtime
from worker.sight import console, sight
from worker.survey import survey

LONGEST_LOOK: Final = 300.0
"""Seconds after which a look is given up, however long its asker waits."""

ANSWERS: Final[Mapping[type[Question[Any]], Callable[[Runtime, Look, Any], Awaitable[Value]]]] = {
    Place: survey,
    PlanQuestion: planned,
    LookAtInstances: sight,
    ReadConsole: console,
}
"""Who answers which question."""

_QUESTIONS: Final = {one.sort: one for one in ANSWERS}

logger = structlog.get_logger(__name__)


@shared_task(base=Task, name=TASK_QUESTION)
def answer(question_id: str) -> None:
    store = _store()
    asked = store.asked(question_id)
    if asked is None or not store.take_up(question_id):
        # Answered already, or nobody waits for it any more: a message may come twice, and late.
        logger.info("question_not_asked", question=question_id)
        return
    now = runtime.current()
    try:
        told, kept = now.loop.run(_answer(now, asked))
    except EnvwrightError as error:
        store.refuse(question_id, str(error))
        logger.info("question_refused", question=question_id, sort=asked.sort)
    except Exception:
        store.refuse(question_id, "The worker failed at the question: its log says how.")
        raise
    else:
        is_wanted = store.answer(question_id, told, kept)
        logger.info("question_answered", question=question_id, sort=asked.sort, is_wanted=is_wanted)


async def _answer(now: Runtime, asked: Asked) -> tuple[str, int]:
    """The answer as JSON, and for how many seconds it is kept."""
    sort = _QUESTIONS.get(asked.sort)
    if sort is None:
        raise NotAnswered(
            f"This worker's version does not know the question {asked.sort}: upgrade the workers."
        )
    try:
        question = sort.model_validate_json(asked.text)
    except ValidationError:
        raise NotAnswered(
            f"This worker's version cannot read the question {asked.sort} as it is asked: upgrade "
            f"the workers."
        ) from None  # pydantic's error may quote its input, and with it user data
    with now.looking(min(asked.patience, LONGEST_LOOK)) as look:
        told = await ANSWERS[sort](now, look, question)
    return told.model_dump_json(), sort.kept


@cache
def _store() -> QuestionStore:
    return QuestionStore(WorkerSettings())
