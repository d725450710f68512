"""A run's message as a text: what `envwright.messages.send_run` has Celery and kombu put there.

A worker writes it with the end of the step before, in one script. To send it through Celery would
cost it six times the CPU, and could fail after the step has ended. Celery says what is in it
in its manual ("Message Protocol", version 2); how kombu keeps it in Redis, a test holds it to.
"""

import json
from base64 import b64encode
from collections.abc import Sequence
from typing import Any, Final
from uuid import uuid4

from envwright.messages import steps_of, task_name
from envwright.names import FORMAT_HEADER, MESSAGE_FORMAT
from tasks.due import Due

_FORMAT: Final = {FORMAT_HEADER: MESSAGE_FORMAT}
_PERSISTENT: Final = 2


def message_of(due: Due, queue: str, origin: str) -> str:
    """The message that wakes a worker up for this run; `origin` is the name of who sends it.

    The steps behind the first are in it as Celery's chain, by which version 0.1.0 sends them.
    """
    steps = steps_of(due.kind)
    first, *others = [task_name(due.kind, step) for step in steps[steps.index(due.step) :]]
    ids = [due.environment_id, due.run_id]
    chain = [_signature(task, ids) for task in reversed(others)]
    embedded = {"callbacks": None, "errbacks": None, "chain": chain, "chord": None}
    body = json.dumps([ids, {}, embedded])
    message_id = str(uuid4())
    message = {
        "body": b64encode(body.encode()).decode(),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": _headers(first, message_id, ids, origin),
        "properties": _properties(message_id, queue, due.priority),
    }
    return json.dumps(message)


def _signature(task: str, ids: Sequence[str]) -> dict[str, Any]:
    return {
        "task": task,
        "args": ids,
        "kwargs": {},
        "options": {"headers": _FORMAT, "task_id": str(uuid4()), "reply_to": ""},
        "subtask_type": None,
        "immutable": True,
    }


def _headers(task: str, message_id: str, ids: Sequence[str], origin: str) -> dict[str, Any]:
    return {
        "lang": "py",
        "task": task,
        "id": message_id,
        "shadow": None,
        "eta": None,
        "expires": None,
        "group": None,
        "group_index": None,
        "retries": 0,
        "timelimit": [None, None],
        "root_id": message_id,
        "parent_id": None,
        "argsrepr": str(tuple(ids)),
        "kwargsrepr": "{}",
        "origin": origin,
        "ignore_result": True,
        "replaced_task_nesting": 0,
        "stamped_headers": None,
        "stamps": {},
        **_FORMAT,
    }


def _properties(message_id: str, queue: str, priority: int) -> dict[str, Any]:
    return {
        "correlation_id": message_id,
        "reply_to": "",
        "delivery_mode": _PERSISTENT,
        "delivery_info": {"exchange": "", "routing_key": queue},
        "priority": priority,
        "body_encoding": "base64",
        "delivery_tag": str(uuid4()),
    }
