"""Redis as the tests of its scripts see it: both stores on it, and what really stands in it."""

from collections.abc import Callable
from typing import Any

import redis
import redis.asyncio

from config.settings import RUNS_PER_ACCOUNT
from envwright.names import RECORD_FORMAT, Keys, Step
from envwright.new_run import new_run
from envwright.priority import Priority
from envwright.record import Event, Expiry, Record, Run, RunKind
from envwright.requests import in_flow
from envwright.runs import accepted, enqueued
from envwright.settings import ClientSettings
from envwright.states import State
from envwright.store import Store
from tasks.line import Line
from tasks.store import Claimed, Hold, Refusal, WorkerStore
from tests.records import bring_end
from tests.specs import REGION, spec

WEB = "web.eu-west-1"
LEASE = 15.0
GRACE = 10.0
HOUR = 3600.0


class Desk:
    """Redis as the test sees it: both stores on it, and what really stands in it."""

    def __init__(self, url: str, prefix: str, worker: redis.asyncio.Redis) -> None:
        self.keys = Keys(prefix)
        self.queue = prefix
        self.redis = redis.Redis.from_url(url, decode_responses=True)
        self.settings = ClientSettings(redis_url=url, key_prefix=prefix, queue=prefix)
        self.store = Store(self.settings)
        self._worker_redis = worker
        self.limit_to(RUNS_PER_ACCOUNT)

    def limit_to(self, runs: int) -> None:
        """Let so many runs build at once in one area."""
        redis = self._worker_redis
        self.worker = WorkerStore(redis, self.keys, self.queue, "test-worker", runs)
        self.line = Line(redis, self.keys, runs)

    def close(self) -> None:
        self.store.close()
        self.redis.close()

    def another_store(self) -> Store:
        """The same, as another process has it."""
        return Store(self.settings)

    def accept(
        self,
        name: str = "web",
        priority: Priority = Priority.NORMAL,
        bulk: str | None = None,
        **changes: Any,
    ) -> Run:
        """A run that builds an environment, with its spec changed so, on record."""
        wanted = enqueued(spec(name, **changes), None, self.store.now())
        wanted = in_flow(wanted, priority, bulk)
        assert self.store.accept([wanted]) == [True]
        return wanted.run

    async def arrive(self, *names: str, priority: Priority = Priority.NORMAL) -> list[Run]:
        """Accept single runs of these names, and let each one's first message come."""
        runs = [self.accept(name, priority) for name in names]
        for name, run in zip(names, runs, strict=True):
            await self.ask(name, run.id)
        return runs

    async def ask(self, name: str, run_id: str) -> Claimed | Refusal:
        """What a run's first message comes to."""
        return await self.worker.claim(f"{name}.{REGION}", run_id, Step.NETWORK, LEASE)

    async def let_in(self) -> list[str]:
        """The names of those that a sweep lets in, in their order."""
        admitted = await self.line.admit(lambda _: 100, GRACE)
        return [one.environment_id.split(".")[0] for one in admitted]

    def end(self, name: str, state: State = State.READY, **fields: str) -> None:
        """Let the run of this environment have ended so."""
        self.set_fields(f"{name}.{REGION}", state=state, lease_until=0, **fields)

    def replace(self, environment_id: str = WEB) -> Run:
        """A run that takes the environment down, in the place of the one it had."""
        seen = self.record(environment_id)
        run = new_run(RunKind.CLEANUP, "destroy", State.DESTROYED, self.store.now(), 60)
        assert self.store.accept([accepted(environment_id, seen, run, Step.INSTANCE)]) == [True]
        return run

    async def claim(self, run: Run, name: str = "web") -> Hold:
        claimed = await self.ask(name, run.id)
        assert isinstance(claimed, Claimed)
        return Hold(f"{name}.eu-west-1", run.id, claimed.epoch)

    async def accept_and_claim(self, name: str = "web") -> Hold:
        return await self.claim(self.accept(name), name)

    def record(self, environment_id: str = WEB) -> Record:
        (record,) = self.store.read([environment_id])
        assert record is not None
        return record

    def field(self, name: str, environment_id: str = WEB) -> str | None:
        return self.redis.hget(self.keys.record(environment_id), name)

    def set_fields(self, environment_id: str = WEB, **fields: str | float) -> None:
        self.redis.hset(self.keys.record(environment_id), mapping=fields)

    def lease_until(self, environment_id: str = WEB) -> float:
        return float(self.field("lease_until", environment_id) or 0)

    def end_lease(self, environment_id: str = WEB) -> None:
        """Let the lease be over, as when its time has passed."""
        self.set_fields(environment_id, lease_until=self.store.now() - 1)

    def make_newer(self) -> None:
        """Have the record be of a format that this version does not know."""
        self.set_fields(format=RECORD_FORMAT + 1)

    def due(self, environment_id: str = WEB) -> float | None:
        return self.redis.zscore(self.keys.due, environment_id)

    def make_due(self, *environment_ids: str) -> None:
        past = self.store.now() - 1
        self.redis.zadd(self.keys.due, dict.fromkeys(environment_ids or (WEB,), past))

    def look_at(self, environment_id: str = WEB) -> float | None:
        """When the end of the environment's life must be looked at."""
        return self.redis.zscore(self.keys.expiries, environment_id)

    def bring_end(self, seconds: float, *, warned: bool, environment_id: str = WEB) -> Expiry:
        """Let the environment end in so many seconds, and its end have to be looked at now."""
        at = self.store.now() + seconds
        return bring_end(self.redis, self.keys, environment_id, at, warned=warned)

    def told(self, environment_id: str = WEB) -> list[Event]:
        return self.store.events(environment_id)

    def everything(self) -> dict[str, Any]:
        """All that is in Redis under the prefix, to see whether something was changed.

        Without the time of the last sweep, which each one writes.
        """
        read: dict[str, Callable[[str], Any]] = {
            "hash": self.redis.hgetall,
            "stream": self.redis.xrange,
            "zset": lambda key: self.redis.zrange(key, 0, -1, withscores=True),
            "list": lambda key: self.redis.lrange(key, 0, -1),
            "set": self.redis.smembers,
        }
        names = sorted({*self.redis.scan_iter(f"{self.keys.prefix}*")} - {self.keys.swept})
        return {name: read[self.redis.type(name)](name) for name in names}


class Moment:
    """How much time Redis' clock says has passed around what is done within."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def __enter__(self) -> "Moment":
        self._begun = self._desk.store.now()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended = self._desk.store.now()

    def is_when(self, unix_time: float | None, offset: float = 0.0) -> bool:
        """Whether this is the time in between, plus the offset in seconds."""
        assert unix_time is not None
        # Redis keeps the microseconds; some fields are written with three decimals.
        return self._begun - 0.001 <= unix_time - offset <= self._ended + 0.001
