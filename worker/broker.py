"""Celery's Redis transport, made to outlive a Redis that goes away while the worker is busy.

Celery 5.7 closes a connection that broke twice over. The second time kombu wants to put the
messages of running tasks back into their queue, through a transport that it has let go of, and
the worker ends with an AttributeError. Nothing needs to be put back then: Redis has a list of
the messages that were not acknowledged, and every run is among what is due.
"""

from typing import Any

from kombu.transport import redis


class QoS(redis.QoS):  # type: ignore[misc]  # kombu has no types
    """Puts messages back only where there is still a way to Redis."""

    def restore_unacked(self, client: Any = None) -> None:
        if self.channel.connection.client is not None:
            super().restore_unacked(client)


class Channel(redis.Channel):  # type: ignore[misc]
    QoS = QoS


class Transport(redis.Transport):  # type: ignore[misc]
    Channel = Channel
