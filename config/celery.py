"""Celery's settings, each with its reason."""

from typing import Any, Final

from config.settings import WorkerSettings
from envwright.messages import broker_settings

LONGEST_STEP: Final = 24 * 3600 + 600
"""Seconds that no step outlasts: the longest deadline of a spec, and some time to end."""


def celery_settings(settings: WorkerSettings) -> dict[str, Any]:
    """The configuration of the worker's Celery app."""
    shared = broker_settings(settings)
    return shared | {
        # One event loop for all steps: a task thread only waits for its coroutine.
        "worker_pool": "threads",
        # It parks what cannot be read; Celery's own throws that away, or ends the worker.
        "worker_consumer": "worker.inbox:InboxConsumer",
        "worker_concurrency": settings.concurrency,
        # A message is acknowledged when its step ended; one slot holds one message.
        "task_acks_late": True,
        "worker_prefetch_multiplier": 1,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        "broker_connection_retry_on_startup": True,
        # A Redis that is full keeps nothing that is delivered: wait for it to have memory again.
        "broker_channel_error_retry": True,
        # A step that lost its broker connection still holds its lease: let it end.
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "broker_transport_options": shared["broker_transport_options"]
        | {
            # Above the longest step, or a second worker gets the message of a step that runs.
            "visibility_timeout": LONGEST_STEP,
            # Restores look at every round, and a worker killed in the middle of one does not
            # stop all others for the default of five minutes.
            "unacked_restore_interval": 5,
            "unacked_restore_throttle": 1,
            "unacked_mutex_expire": 10,
            "socket_keepalive": True,
            "health_check_interval": 25,
        },
    }
