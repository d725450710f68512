"""Celery's Redis transport, made to outlive a Redis that goes away while the worker is busy.

After a connection broke, Celery 5.7 still uses its channel: it closes it a second time, and it
acknowledges on it the messages of the tasks that ran meanwhile. kombu's channel has let go of
its connection by then and raises an AttributeError, which ends the worker. Here it raises what
Celery expects of a broken connection, and takes for what it is.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kombu.transport import redis
from redis.exceptions import ConnectionError as RedisConnectionError


class Channel(redis.Channel):
    """A channel that knows when its connection is gone."""

    @contextmanager
    def conn_or_acquire(self, client: Any = None) -> Iterator[Any]:
        transport: Any = self.connection
        if client is None and (transport is None or transport.client is None):
            raise RedisConnectionError("The connection of this channel is closed.")
        with super().conn_or_acquire(client) as connection:
            yield connection


class Transport(redis.Transport):
    """kombu's Redis transport, with this channel."""

    Channel = Channel
