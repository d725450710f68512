"""A world: a Redis, an account in the strict cloud, workers and a client, shared with nobody."""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final, Self

from redis.asyncio import Redis
from redis.exceptions import RedisError

from envwright.client import Client
from envwright.record import Expiry
from envwright.states import AT_REST, State
from tasks.scripts import ADVANCE, NOTE
from tests.chaos.workers import WorkerProcess, Workers
from tests.cloud import AWS_DURATIONS, Behaviour, Cloud
from tests.estate import Estate
from tests.harness import outsider
from tests.redis_proxy import RedisProxy
from worker.processes import LOCALHOST, free_port
from worker.servers import redis_command

LEASE: Final = 10.0
"""Seconds: the shortest that the settings allow, since each death costs one."""

PATIENCE: Final = 240.0
"""Seconds after which a run that has not ended is taken for lost."""

QUICK: Final = {
    "ENVWRIGHT_CONCURRENCY": "6",
    "ENVWRIGHT_LEASE": f"{LEASE:g}",
    "ENVWRIGHT_LEASE_MARGIN": "2",
    "ENVWRIGHT_AWS_CONNECT_TIMEOUT": "2",
    "ENVWRIGHT_POLL_EVERY": "0.2",
    "ENVWRIGHT_AWS_RATE_SHARE": "100",
    "ENVWRIGHT_SETTLE_TIME": "2",
    "ENVWRIGHT_SWEEP_EVERY": "0.5",
    "ENVWRIGHT_WAKE_GRACE": "2",
    "ENVWRIGHT_AWS_CONNECTIONS": "20",
    "ENVWRIGHT_CLEANUP_RETRY_FIRST": "2",
    "ENVWRIGHT_CLEANUP_RETRY_LONGEST": "8",
    "ENVWRIGHT_CONFLICT_TIMEOUT": "30",
}
"""A worker's settings for an AWS that is on this machine."""

_LOOK_EVERY: Final = 0.1
_STARTS: Final = 5

CALM: Final = Behaviour(durations=AWS_DURATIONS.scaled(0.02))
"""An AWS at its best: instances run after 0.6 s, for its 30 s."""


class Unending(AssertionError):
    """A run that did not end in time."""


class RedisProcess:
    """A Redis server of one world, to be killed and started again with its data."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._port: int | None = None

    @property
    def url(self) -> str:
        """Its address, once it was started: the same after each death."""
        return f"redis://{LOCALHOST}:{self._port}/0"

    async def start(self) -> None:
        for _ in range(_STARTS):
            if await self._starts_on(self._port or free_port()):
                return
        raise AssertionError("Redis did not start.")

    async def _starts_on(self, port: int) -> bool:
        """Whether it listens here; it does not where somebody else was quicker."""
        self._process = await asyncio.create_subprocess_exec(
            *redis_command(port, self._directory),
            stdout=asyncio.subprocess.DEVNULL,
            cwd=self._directory,
        )
        if await self._answers(port):
            self._port = port
            return True
        return False

    async def kill(self) -> None:
        self._process.kill()
        await self._process.wait()

    async def _answers(self, port: int) -> bool:
        async with Redis(host=LOCALHOST, port=port) as client:
            while self._process.returncode is None:
                with contextlib.suppress(RedisError, OSError):
                    info: Any = await client.info("server")
                    return bool(info["process_id"] == self._process.pid)
                await asyncio.sleep(0.01)
        return False


class World:
    """As long as it is entered it has a Redis, a cloud and a client; workers are started in it."""

    def __init__(
        self, emulator_url: str, account: str, workers: Workers, settings: Mapping[str, str]
    ) -> None:
        """`account` is twelve digits that no other world has; `settings` are its workers'."""
        self.account = account
        self.cloud = Cloud(emulator_url, CALM)
        self.settings = QUICK | settings
        self.kills = 0
        self.theirs: frozenset[str] = frozenset()
        """The ids of what is somebody else's in the account."""
        self._estate: Estate | None = None
        self._workers = workers
        self._running: list[WorkerProcess] = []
        self._starting: list[asyncio.Task[WorkerProcess]] = []
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self.directory = Path(tempfile.mkdtemp(prefix="envwright-world-"))
        self._open.callback(shutil.rmtree, self.directory, ignore_errors=True)
        self.redis = RedisProcess(self.directory)
        await self.redis.start()
        self._open.push_async_callback(self.redis.kill)
        self.proxy = await self._open.enter_async_context(RedisProxy(self.redis.url))
        await self._open.enter_async_context(self.cloud)
        self.database = await self._open.enter_async_context(
            Redis.from_url(self.redis.url, decode_responses=True)
        )
        for script in (NOTE, ADVANCE):
            # So that the first write of a worker is one request, as all later ones are.
            await self.database.script_load(script)
        self.client = self._open.enter_context(Client(redis_url=self.redis.url))
        self._open.push_async_callback(self.cloud.forget, self.account)
        self._open.push_async_callback(self._end_workers)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    async def settle_another(self) -> None:
        """Let somebody else have things in the account, for environments to stand in."""
        bucket = f"logs-of-{self.account}"
        await self.cloud.provide("bucket", bucket, self.account)
        self.cloud.behave(Behaviour())
        async with outsider(self.cloud.url, self.account) as ec2:
            estate = Estate(ec2, bucket)
            await estate.build()
        self.cloud.behave(CALM)
        self.cloud.journal.clear()
        self._estate = estate
        self.theirs = frozenset(estate.ids)

    async def of_another(self) -> list[str]:
        """What somebody else finds otherwise than he left it, each as a sentence."""
        if self._estate is None:
            return []
        async with outsider(self.cloud.url, self.account) as self._estate.ec2:
            changed = await self._estate.changed()
        return [
            f"{one} of another was {then}, and is {now}" for one, (then, now) in changed.items()
        ]

    @property
    def workers(self) -> list[WorkerProcess]:
        """Those that live."""
        return [one for one in self._running if one.alive]

    async def start_worker(self) -> WorkerProcess:
        """Start a worker; it takes messages a moment later."""
        environment = self.settings | {
            "AWS_ACCESS_KEY_ID": self.account,
            "ENVWRIGHT_AWS_ENDPOINT_URL": self.cloud.url,
            "ENVWRIGHT_REDIS_URL": self.proxy.url,
        }
        name = f"worker-{len(self._running)}"
        worker = await self._workers.start(environment, self.directory, name)
        self._running.append(worker)
        return worker

    def replace(self, worker: WorkerProcess) -> None:
        """Kill it, as the end of its machine would; another one is started meanwhile.

        Not awaited, since who asks for it may be a connection that dies with the worker.
        """
        worker.kill()
        self.kills += 1
        self.begin_worker()

    def begin_worker(self) -> None:
        """Let a worker be started, without waiting for it."""
        self._starting.append(asyncio.create_task(self.start_worker()))

    async def ask(self, request: Callable[..., Any], *arguments: Any) -> Any:
        """Make a request of the (blocking) client beside the event loop."""
        return await asyncio.to_thread(request, *arguments)

    async def at_rest(self, *environment_ids: str) -> list[Any]:
        """Wait until nobody works on these any more, and return their records."""
        try:
            async with asyncio.timeout(PATIENCE):
                for one in environment_ids:
                    while not await self._is_at_rest(one):
                        for worker in self._running:
                            worker.check()
                        await asyncio.sleep(_LOOK_EVERY)
        except TimeoutError:
            states = {one: await self._state(one) for one in environment_ids}
            raise Unending(f"After {PATIENCE:g} s these have not ended: {states}") from None
        return [await self.ask(self.client.status, one) for one in environment_ids]

    async def _is_at_rest(self, environment_id: str) -> bool:
        """Whether nobody works on it: neither by its state, nor because what a cancel has stopped
        is still being put on record under a lease, nor because its time to live has passed and
        nobody has seen to that yet."""
        key = self.client.settings.keys.record(environment_id)
        with contextlib.suppress(RedisError, OSError):
            state, owner, until, expiry = await self.database.hmget(
                key, "state", "lease_owner", "lease_until", "expiry"
            )
            seconds, _ = await self.database.time()
            is_held = bool(owner) and float(until or 0) > seconds
            look_at = Expiry.model_validate_json(expiry).look_at if expiry else None
            is_over = look_at is not None and look_at <= seconds
            return state in AT_REST - {State.CLEANUP_FAILED} and not is_held and not is_over
        return False

    async def _state(self, environment_id: str) -> str:
        key = self.client.settings.keys.record(environment_id)
        with contextlib.suppress(RedisError, OSError):
            return str(await self.database.hget(key, "state"))
        return "out of reach"

    async def _end_workers(self) -> None:
        await asyncio.gather(*self._starting)
        for worker in self._running:
            worker.close()
