"""A caller's connection to Redis: its time-outs, its clock, and its errors as sentences."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from urllib.parse import urlsplit

from redis import BlockingConnectionPool, Redis
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    NoPermissionError,
    OutOfMemoryError,
    RedisError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from envwright.errors import StoreUnavailable
from envwright.settings import ClientSettings

WAITS_IN_A_TIMEOUT: Final = 2
"""What Redis is let wait for ends well before the socket's own time-out."""

CONNECTIONS: Final = 100
"""A service with more calls at once than that lets some wait for others."""

_TIMEOUTS_WAITED: Final = 10
"""For so many time-outs a call waits for a connection: those before it have failed by then."""

_OUT_OF_MEMORY: Final = "OOM command not allowed"
"""What a script says at Redis' `maxmemory` under `noeviction`; commands have a type for it."""


def address(url: str) -> str:
    """Redis' host and port for a message, without user and password."""
    parts = urlsplit(url)
    return f"{parts.hostname or 'localhost'}:{parts.port or 6379}"


class Connection:
    """Every method raises `StoreUnavailable` when Redis does not answer."""

    def __init__(self, settings: ClientSettings) -> None:
        self._settings = settings
        self._keys = settings.keys
        # One more try after a broken connection and none after a time-out: a restarted Redis is
        # not an error to the caller, and a frozen one is reported after one time-out, not four.
        # redis-py's plain pool does not let a call wait: from the 101st at once on it raises.
        pool: BlockingConnectionPool = BlockingConnectionPool.from_url(
            settings.redis_url,
            max_connections=CONNECTIONS,
            timeout=_TIMEOUTS_WAITED * settings.redis_timeout,
            decode_responses=True,
            socket_timeout=settings.redis_timeout,
            socket_connect_timeout=settings.redis_timeout,
            retry=Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
            health_check_interval=30,
        )
        self._redis: Redis = Redis.from_pool(pool)

    def close(self) -> None:
        self._redis.close()

    def _tls_doubt(self) -> str:
        """A Redis that speaks no TLS says nothing to one who begins with it."""
        is_tls = self._settings.redis_url.startswith("rediss://")
        return ", or speak no TLS at this port, which rediss:// asks for" if is_tls else ""

    @contextmanager
    def _answering(self) -> Iterator[None]:
        where = f"Redis at {address(self._settings.redis_url)}"
        try:
            yield
        except RedisTimeoutError as error:
            raise StoreUnavailable(
                f"{where} did not answer within {self._settings.redis_timeout:g} s: it may be "
                f"frozen or out of reach{self._tls_doubt()}. Whether a request was accepted is not "
                f"known; making the same request again is safe."
            ) from error
        except AuthenticationError as error:
            raise StoreUnavailable(
                f"{where} refused the login ({error}): check the user and the password in "
                f"ENVWRIGHT_REDIS_URL."
            ) from error
        except NoPermissionError as error:
            raise StoreUnavailable(
                f"{where} does not permit its user what envwright needs ({error}): "
                f"docs/operations.md has the rights that a caller's user must have."
            ) from error
        except (RedisConnectionError, OSError) as error:
            raise StoreUnavailable(
                f"{where} cannot be reached ({error}): check that it runs, and that "
                f"ENVWRIGHT_REDIS_URL names it."
            ) from error
        except RedisError as error:
            if isinstance(error, OutOfMemoryError) or _OUT_OF_MEMORY in str(error):
                raise StoreUnavailable(
                    f"{where} is full and takes nothing more in: give it more memory (maxmemory), "
                    f"or remove what else is in it. Making the same request again is safe."
                ) from error
            raise StoreUnavailable(
                f"{where} refused what envwright asked of it ({error}): see its log and its memory."
            ) from error

    def now(self) -> float:
        """Redis' clock: Unix time in seconds. Leases and deadlines go by it alone."""
        with self._answering():
            seconds, micros = self._redis.time()
        return seconds + micros / 1_000_000

    def confirm(self) -> None:
        """Wait until as many replicas as are asked for have all that was written until now.

        Raises `StoreUnavailable` when fewer of them say so in time.
        """
        wanted = self._settings.redis_replicas
        if not wanted:
            return
        patience = self._settings.redis_timeout / WAITS_IN_A_TIMEOUT
        with self._answering():
            pipe = self._redis.pipeline(transaction=False)
            # WAIT is about what was written before the last command on its own connection.
            pipe.time()
            pipe.wait(wanted, int(patience * 1000))
            _, have = pipe.execute()
        if have < wanted:
            raise StoreUnavailable(
                f"Redis at {address(self._settings.redis_url)} has the request, and {have} of "
                f"{wanted} replicas said within {patience:g} s that they have it too: a failover "
                f"might lose it. Look after the replicas; making the same request again is safe."
            )
