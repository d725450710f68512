"""The Celery messages that wake a worker up: by name, with two ids, and nothing else in them."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any, Final

from envwright.names import (
    CHANGE_STEPS,
    CLEANUP_STEPS,
    FORMAT_HEADER,
    MESSAGE_FORMAT,
    MESSAGE_PRIORITIES,
    TASK_QUESTION,
    Step,
    change_task,
    cleanup_task,
    provision_task,
)
from envwright.priority import Priority
from envwright.record import RunKind

if TYPE_CHECKING:
    from celery import Celery

    from envwright.settings import ClientSettings


_AT_ONCE, _NORMAL, _LOW_BEGUN, _LOW = MESSAGE_PRIORITIES
_PRIORITIES: Final = {
    Priority.HIGH: (_AT_ONCE, _AT_ONCE),
    Priority.NORMAL: (_NORMAL, _AT_ONCE),
    Priority.LOW: (_LOW, _LOW_BEGUN),
}
"""Those of a run that is still to begin, and of one that was begun."""


def steps_of(kind: RunKind) -> tuple[Step, ...]:
    """The steps of such a run, in the order in which they are done."""
    match kind:
        case RunKind.PROVISION:
            return tuple(Step)
        case RunKind.CLEANUP:
            return CLEANUP_STEPS
        case RunKind.CHANGE:
            return CHANGE_STEPS
        case RunKind.RECOVERY:
            return ()


def task_name(kind: RunKind, step: Step) -> str:
    """The name of the task that does this step of such a run."""
    match kind:
        case RunKind.PROVISION:
            return provision_task(step)
        case RunKind.CHANGE:
            return change_task(step)
        case _:
            return cleanup_task(step)


def broker_settings(settings: ClientSettings) -> dict[str, Any]:
    """What producers and workers must set alike for Celery to reach the broker safely."""
    is_tls = settings.redis_url.startswith("rediss://")
    return {
        # kombu, unlike redis-py, would take any certificate where nothing is said.
        "broker_use_ssl": {"ssl_cert_reqs": ssl.CERT_REQUIRED} if is_tls else None,
        "broker_url": settings.redis_url,
        "task_serializer": "json",
        "accept_content": ["json"],
        "result_accept_content": ["json"],
        "task_ignore_result": True,
        "task_default_queue": settings.queue,
        # Without socket time-outs a producer hangs for ever on a Redis that is frozen.
        "broker_transport_options": {
            "socket_timeout": settings.redis_timeout,
            "socket_connect_timeout": settings.redis_timeout,
        },
        "broker_connection_timeout": settings.redis_timeout,
        "task_publish_retry": False,
    }


def producer(settings: ClientSettings) -> Celery:
    """A Celery app that only sends."""
    from celery import Celery  # half a second of imports that only senders should pay

    # Celery registers shared tasks on every app, so in a worker on this one too, where it would
    # compare what a message holds with what the task's function takes.
    app = Celery("envwright-producer", set_as_current=False, strict_typing=False)
    app.conf.update(broker_settings(settings))
    return app


def send_question(app: Celery, question_id: str) -> None:
    """Ask a worker to answer this question. Raises kombu's `OperationalError`."""
    app.send_task(TASK_QUESTION, args=(question_id,), headers={FORMAT_HEADER: MESSAGE_FORMAT})


def message_priority(kind: RunKind, priority: Priority, *, begun: bool) -> int:
    """Where a run's message stands among others, by kombu's count: what has 0 is read first.

    What was begun goes before what is still to begin, so that it ends; and a cleanup, or a
    change, is never held up by builds of its own priority.
    """
    first, later = _PRIORITIES[priority]
    return later if begun or kind is not RunKind.PROVISION else first


def send_run(
    app: Celery,
    environment_id: str,
    run_id: str,
    kind: RunKind,
    first: Step,
    priority: int = 0,
) -> None:
    """Send the chain of a run's tasks from this step on. Raises kombu's `OperationalError`.

    `priority` is that of the first message; the worker that does a step sends the next one itself.
    """
    from celery import chain

    steps = steps_of(kind)
    signatures = [
        app.signature(
            task_name(kind, step),
            args=(environment_id, run_id),
            immutable=True,
            headers={FORMAT_HEADER: MESSAGE_FORMAT},
        )
        for step in steps[steps.index(first) :]
    ]
    chain(*signatures, app=app).apply_async(priority=priority)
