"""Celery's Redis transport, made to outlive a Redis that goes away, and entries that are nonsense.

It also asks less of Redis for each message than kombu's does: one script where kombu takes a
transaction of four commands, on one connection where kombu takes one from its pool each time.

After a connection broke, Celery 5.7 still uses its channel: it closes it a second time, and it
acknowledges on it the messages of the tasks that ran meanwhile. kombu's channel has let go of
its connection by then and raises an AttributeError, which ends the worker. Here it raises what
Celery expects of a broken connection, and takes for what it is.

Where Redis does not answer an acknowledgement, Celery logs so and goes on: it waits as long for
each further one, one after the other, and has a message less at once for each, for good. Here the
channel is lost then: nothing waits on it any more, and Celery connects again.

An entry of the queue that is no message at all would end the worker, too, and be lost: kombu takes
it from Redis before it reads it. Here an empty message comes in its place, which is then parked.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property, partial
from json import JSONDecodeError
from time import time
from typing import Any, Final, NoReturn
from uuid import uuid4

from kombu.asynchronous import get_event_loop
from kombu.transport import redis, virtual
from kombu.utils.json import dumps
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

_KEEP: Final = """
local messages, times = unpack(KEYS)
local tag, message, at = unpack(ARGV)
redis.call('HSET', messages, tag, message)
redis.call('ZADD', times, at, tag)
"""

_DROP: Final = """
local messages, times = unpack(KEYS)
redis.call('HDEL', messages, ARGV[1])
redis.call('ZREM', times, ARGV[1])
"""


def _is_whole(payload: Any) -> bool:
    """Whether kombu finds in it what it needs to give it back to its queue."""
    match payload:
        case {
            "headers": dict(),
            "properties": {
                "delivery_tag": str(),
                "delivery_info": {"exchange": str(), "routing_key": str()},
            },
        }:
            return True
    return False


def _raise(error: Exception) -> NoReturn:
    raise error


def _empty(channel: redis.Channel) -> dict[str, Any]:
    (queue,) = channel.active_queues
    where = {"exchange": "", "routing_key": queue}
    return {
        "body": "",
        "headers": {},
        "properties": {"delivery_tag": str(uuid4()), "delivery_info": where},
    }


class Message(virtual.Message):
    """A message that is empty where what came is none."""

    def __init__(self, payload: Any, channel: Any = None, **options: Any) -> None:
        try:
            super().__init__(payload if _is_whole(payload) else _empty(channel), channel, **options)
        except (TypeError, ValueError, LookupError, AttributeError):
            # Its body is not in the encoding that it names, or it names none that there is.
            super().__init__(_empty(channel), channel, **options)


class QoS(redis.QoS):
    """Keeps a message in Redis, as kombu does, from its delivery until it is acknowledged."""

    def append(self, message: Any, delivery_tag: str) -> None:
        where = message.delivery_info
        # kombu has no public name for what came; whoever restores the message sends that again.
        entry = dumps([message._raw, where["exchange"], where["routing_key"]])
        self._run(_KEEP, delivery_tag, entry, time())
        virtual.QoS.append(self, message, delivery_tag)

    def ack(self, delivery_tag: str) -> None:
        self._run(_DROP, delivery_tag)
        virtual.QoS.ack(self, delivery_tag)

    def _run(self, script: str, *args: Any) -> None:
        keys = [self.unacked_key, self.unacked_index_key]
        channel: Any = self.channel
        with channel.conn_or_acquire() as client:
            channel.scripts[script](keys=keys, args=args, client=client)


class Channel(redis.Channel):
    """A channel that knows when its connection is gone, and bears what is no message."""

    Message = Message
    QoS = QoS
    _kept: Any = None
    _is_lost = False

    def _create_client(self, asynchronous: bool = False) -> Any:
        """The client for all commands but the waiting ones.

        kombu makes one for each message and each acknowledgement, and that costs more than to use
        it. This one holds one connection of the pool, which kombu drops when a connection broke.
        """
        if asynchronous:
            return super()._create_client(asynchronous=True)  # type: ignore[misc]  # as below
        if self._kept is None or self._kept.connection_pool is not self.pool:
            self._kept = super()._create_client().client()  # type: ignore[misc]
            # A pool looks whether a connection still stands; one that is held shows it in use.
            self._kept.set_retry(Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)))
        return self._kept

    @cached_property
    def scripts(self) -> dict[str, Any]:
        return {one: self._create_client().register_script(one) for one in (_KEEP, _DROP)}

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # type: ignore[misc]  # not in kombu's types
        except (JSONDecodeError, UnicodeDecodeError, RecursionError):
            payload = _empty(self)
            queue = payload["properties"]["delivery_info"]["routing_key"]
            self.connection._deliver(payload, queue)
            return True

    def basic_ack(self, delivery_tag: str, multiple: bool = False) -> None:
        try:
            super().basic_ack(delivery_tag, multiple)
        except (RedisConnectionError, RedisTimeoutError) as error:
            hub = get_event_loop()
            if hub is not None and not self._is_lost:
                # Celery takes what its event loop raises for the end of the connection.
                hub.call_soon(partial(_raise, error))
            self._is_lost = True
            raise

    @contextmanager
    def conn_or_acquire(self, client: Any = None) -> Iterator[Any]:
        transport: Any = self.connection
        if self._is_lost:
            raise RedisConnectionError("Redis did not answer on this channel.")
        if client is None and (transport is None or transport.client is None):
            raise RedisConnectionError("The connection of this channel is closed.")
        with super().conn_or_acquire(client) as connection:
            yield connection


class Transport(redis.Transport):
    """kombu's Redis transport, with this channel."""

    Channel = Channel
