"""The worker's way from a message to its task, on which nothing is lost and nothing breaks.

Celery throws away what it cannot read, and some malformed messages end its worker. Here each
message is looked at before Celery takes it. What cannot be read goes back into the queue, where a
worker of newer code may find it; after three deliveries it is parked, for a person to see.
"""

from collections.abc import Callable
from typing import Any, Final

import structlog
from celery.worker.consumer import Consumer

from envwright.names import FORMAT_HEADER, MESSAGE_FORMAT, TASK_QUESTION, TASK_SUBMIT
from envwright.parked import DELIVERIES, MESSAGES_KEPT, ParkedMessage
from tasks.chain import PLACES
from worker import runtime

_IDS: Final = {TASK_SUBMIT: 1, TASK_QUESTION: 1} | dict.fromkeys(PLACES, 2)
"""How many ids the message of each task holds."""

_KEEP_COUNT: Final = 24 * 3600
_SHOWN: Final = 100

logger = structlog.get_logger(__name__)


def flaw_of(message: Any) -> str | None:
    """Why this version cannot read a message of kombu's; None when it can.

    Nothing but JSON is decoded.
    """
    headers = message.headers
    name = headers.get("task")
    if not isinstance(name, str) or not isinstance(headers.get("id"), str):
        return "It is no message of Celery's protocol 2: its headers name no task and no id."
    if message.content_type != "application/json":
        return "It is not JSON by its content type, and nothing else is decoded."
    written = headers.get(FORMAT_HEADER, 1)
    if not isinstance(written, int) or not 1 <= written <= MESSAGE_FORMAT:
        return (
            f"It is of format {_shown(written)}, and this version of envwright reads formats up to "
            f"{MESSAGE_FORMAT}."
        )
    if name not in _IDS:
        return "This version of envwright has no such task."
    return _flaw_of_body(message, _IDS[name])


def _flaw_of_body(message: Any, ids: int) -> str | None:
    try:
        body = message.decode()
    except Exception as error:
        return f"Its body cannot be decoded ({type(error).__name__})."
    match body:
        case [[*args], dict(kwargs), dict()] if not kwargs:
            if len(args) == ids and all(isinstance(one, str) and one for one in args):
                return None
    noun = "id" if ids == 1 else "ids"
    return f"Its body does not hold what the task takes, which is {ids} {noun} and nothing else."


class InboxConsumer(Consumer):
    """Celery's consumer of messages, which parks what it cannot read."""

    def create_task_handler(self, *args: Any, **options: Any) -> Callable[[Any], None]:
        handle = super().create_task_handler(*args, **options)

        def receive(message: Any) -> None:
            flaw = flaw_of(message)
            if flaw is not None:
                self._set_aside(message, flaw)
                return
            try:
                handle(message)
            except (TypeError, ValueError, LookupError, AttributeError) as error:
                # Of Celery's own headers: a time limit that is none, say, would end the worker.
                self._set_aside(message, f"Celery cannot take it ({type(error).__name__}).")

        return receive

    def on_decode_error(self, message: Any, exc: Exception) -> None:
        self._set_aside(message, f"It cannot be unpacked ({type(exc).__name__}).")

    def on_invalid_task(self, body: Any, message: Any, exc: Exception) -> None:
        self._set_aside(message, f"Celery takes it for invalid ({type(exc).__name__}).")

    def _set_aside(self, message: Any, why: str) -> None:
        """Give it back to the queue, or park it when it was delivered often enough."""
        keys = runtime.current().settings.keys
        count = keys.deliveries(message.delivery_tag)
        with message.channel.conn_or_acquire() as redis:
            deliveries = redis.incr(count)
            redis.expire(count, _KEEP_COUNT)
            parked = _described(message, why, deliveries)
            told = parked.model_dump(exclude={"at", "worker"})
            if deliveries < DELIVERIES:
                logger.warning("message_returned", **told)
                message.requeue()
                return
            entry = parked.model_dump_json(exclude={"at"})
            redis.xadd(keys.parked, {"message": entry}, maxlen=MESSAGES_KEPT)
            redis.delete(count)
        logger.error("message_parked", **told)
        message.ack()


def _described(message: Any, why: str, deliveries: int) -> ParkedMessage:
    task, content_type = message.headers.get("task"), message.content_type
    return ParkedMessage(
        why=why,
        task=_shown(task) if task else None,
        content_type=_shown(content_type) if content_type else None,
        size=len(message.body or ""),
        deliveries=deliveries,
        worker=runtime.current().name,
    )


def _shown(value: Any) -> str:
    """A value from a message for a person: short, whatever it holds."""
    text = str(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
