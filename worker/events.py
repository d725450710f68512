"""Celery's own events, its heartbeat above all, without tries that have no end.

Celery sends its heartbeat from the thread that reads messages and heeds signals. Where Redis does
not answer it tries again until Redis does, and so long a worker neither stops nor connects anew.
"""

from typing import Any

from celery.app.events import Events as CeleryEvents
from celery.events.dispatcher import EventDispatcher


class Dispatcher(EventDispatcher):
    """Tries once: what cannot be sent goes with what is sent after it."""

    def send(self, *args: Any, **options: Any) -> Any:
        return super().send(*args, **options | {"retry": False})


class Events(CeleryEvents):
    """What the app makes its dispatchers by."""

    dispatcher_cls = "worker.events:Dispatcher"
