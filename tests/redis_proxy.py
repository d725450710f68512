"""A TCP proxy in front of a Redis: it does to its clients what networks and failovers do.

From an async test:

    async with RedisProxy(redis_url) as proxy:
        client = Redis.from_url(proxy.url)
        await proxy.refuse()

A blocking one runs each of these on a `LoopThread`, as in `loop.run(proxy.refuse())`.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Coroutine
from enum import Enum, auto
from typing import Final, Self
from urllib.parse import urlsplit, urlunsplit

from worker.processes import LOCALHOST, free_port

_CHUNK: Final = 65536


class Toward(Enum):
    """Whom a chunk of bytes is for."""

    REDIS = auto()
    CLIENT = auto()


class Verdict(Enum):
    """What becomes of a chunk: it is passed on, or lost alone, or lost with its connection."""

    PASS = auto()
    DROP = auto()
    CLOSE = auto()


Watch = Callable[[Toward, bytes], Awaitable[Verdict]]
"""Sees each chunk before it is forwarded; until it answers, nothing of that connection goes on.

A chunk is what was read at once, up to 64 KiB: a request of redis-py or more of them, as a rule
from its beginning. Under TLS it is the plain text.
"""


async def _pass_all(_: Toward, __: bytes) -> Verdict:
    return Verdict.PASS


class RedisProxy:
    """Listens on a port of 127.0.0.1 that stays the same, whatever becomes of the Redis behind it.

    It begins by passing on. Methods take effect before they return.
    """

    def __init__(self, redis_url: str, tls: ssl.SSLContext | None = None) -> None:
        """With `tls`, clients must speak TLS to it; what it says to Redis is in the clear."""
        self.port = free_port()
        self.watch: Watch = _pass_all
        self._redis_url = redis_url
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._passing = asyncio.Event()
        self._passing.set()
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """The address for clients: user, password and database are those of the Redis."""
        given = urlsplit(self._redis_url)
        user, at, _ = given.netloc.rpartition("@")
        scheme = "rediss" if self._tls else "redis"
        netloc = f"{user}{at}{LOCALHOST}:{self.port}"
        return urlunsplit((scheme, netloc, given.path, given.query, ""))

    async def __aenter__(self) -> Self:
        await self._listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.refuse()

    async def pass_on(self) -> None:
        """End a `refuse` or a `black_hole`; what was sent into the hole arrives now."""
        self._passing.set()
        if self._server is None:
            await self._listen()

    async def refuse(self) -> None:
        """Nobody listens any more, and the connections that were there break."""
        if self._server is not None:
            self._server.close()
            self._server = None
        await self._break_connections()

    async def black_hole(self) -> None:
        """A partition: connections stay and new ones are accepted, and nothing gets through."""
        self._passing.clear()

    async def switch_to(self, redis_url: str) -> None:
        """A failover: the same address leads to another Redis, and the old connections break."""
        self._redis_url = redis_url
        await self._break_connections()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, LOCALHOST, self.port, ssl=self._tls)

    async def _break_connections(self) -> None:
        for one in self._connections:
            one.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._server is None:
            # Accepted in the very moment in which nobody listens any more.
            writer.transport.abort()
            return
        task = asyncio.create_task(self._connection(reader, writer))
        self._connections.add(task)

        def ended(task: asyncio.Task[None]) -> None:
            self._connections.discard(task)
            if task.cancelled():
                # Also where it was before it had begun, and closed nothing itself.
                writer.transport.abort()

        task.add_done_callback(ended)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers = [writer]
        try:
            await self._passing.wait()
            given = urlsplit(self._redis_url)
            from_redis, to_redis = await asyncio.open_connection(given.hostname, given.port or 6379)
            writers.append(to_redis)
            await self._until_one_ends(
                self._pump(Toward.REDIS, reader, to_redis),
                self._pump(Toward.CLIENT, from_redis, writer),
            )
        except OSError:
            pass  # One side is not there any more: the other sees its connection end.
        except asyncio.CancelledError:
            for one in writers:
                one.transport.abort()
            raise
        finally:
            for one in writers:
                one.close()

    @staticmethod
    async def _until_one_ends(*pumps: Coroutine[None, None, None]) -> None:
        tasks = [asyncio.create_task(one) for one in pumps]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            ends = await asyncio.gather(*tasks, return_exceptions=True)
        for end in ends:
            if isinstance(end, Exception):
                raise end

    async def _pump(
        self, toward: Toward, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while chunk := await reader.read(_CHUNK):
            await self._passing.wait()
            verdict = await self.watch(toward, chunk)
            if verdict is Verdict.CLOSE:
                return
            if verdict is Verdict.PASS:
                writer.write(chunk)
                await writer.drain()
