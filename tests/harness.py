"""Runs the steps of one environment without Celery, and looks at AWS with the eyes of an outsider.

All else is the real thing: the client that accepts the job, Redis, `worker.step.run_step`, the
door, the SDK. AWS is the strict cloud of `tests.cloud`.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, cast

import aioboto3
import aiohttp
from aiobotocore.config import AioConfig
from redis.asyncio import Redis

from config.settings import WorkerSettings
from envwright.client import Client
from envwright.messages import task_name
from envwright.names import Step
from envwright.record import RESOURCE_FIELD, Record
from envwright.record_fields import record_from_fields
from envwright.spec import EnvironmentSpec, parse_spec
from envwright.states import State
from tasks.aws.pacing import Pacer
from tasks.aws.session import AwsClients
from tasks.context import Context
from tasks.due import Due
from tasks.lease import Lease, Look, clock
from tasks.resources.base import kind_name
from tasks.store import Claimed, Hold, WorkerStore
from tests.cloud import Cloud, Inventory, dying
from tests.cloud.accounts import DEFAULT_ACCOUNT
from tests.cloud.routes import INVENTORY
from tests.everything import REGION
from worker.app import app
from worker.lease import LeaseKeeper
from worker.servers import LocalAws
from worker.step import Outcome, run_step

QUICK: Final = {
    "poll_every": 0.05,
    "settle_time": 0.2,
    "consistency_timeout": 3.0,
    "conflict_timeout": 3.0,
    "instance_timeout": 3.0,
    "nat_gateway_timeout": 3.0,
    "lease": 60.0,
    "lease_margin": 1.0,
    "aws_connect_timeout": 1.0,
    "aws_rate_share": 100.0,
}
"""Settings for an AWS that is on this machine, in seconds."""

_SDK: Final = aioboto3.Session()
_ONCE: Final = AioConfig(retries={"total_max_attempts": 1})


@dataclass
class Worker:
    """What `run_step` takes of a worker process."""

    settings: WorkerSettings
    store: WorkerStore
    clients: AwsClients
    keeper: LeaseKeeper

    @contextmanager
    def looking(self, seconds: float) -> Iterator[Look]:
        yield Look(seconds)


class Environment:
    """One environment that was accepted, and a worker for it."""

    def __init__(self, client: Client, worker: Worker, redis: Redis, environment_id: str) -> None:
        self.client = client
        self.worker = worker
        self.id = environment_id
        self._redis = redis

    @property
    def record(self) -> Record:
        return self.client.status(self.id)

    async def run(self, *steps: Step) -> Outcome:
        """Run these steps, which must be those that come next; return how the last one ended."""
        outcome = Outcome()
        for step in steps:
            record = self.record
            assert record.step is step
            work = app.tasks[task_name(record.run.kind, step)].run
            outcome = await run_step(
                self.worker, work, record.run.kind, step, self.id, record.run.id
            )
        return outcome

    async def to_rest(self) -> Record:
        """Run one step after the other until nobody has to act any more, and return the record."""
        while not (before := self.record).at_rest:
            await self.run(before.step)
            after = self.record
            assert (after.state, after.step, after.attempt) != (
                before.state,
                before.step,
                before.attempt,
            ), "the step ended and left no trace in the record"
        return before

    async def take_down(self) -> Record:
        """Ask for the environment's end, and run to it."""
        self.client.destroy(self.id)
        return await self.to_rest()

    async def die_at(self, cloud: Cloud, action: str, *, after_effect: bool, nth: int = 1) -> None:
        """Run until the worker is killed at its nth call of this action; its lease is over."""
        running = asyncio.create_task(self.to_rest())
        cloud.inject(action, dying(running.cancel, after_effect=after_effect), first=nth)
        await asyncio.wait([running])
        assert running.cancelled(), f"the worker lived: {running.result()}"
        # What it had sent may still have its effect: its lease outlives that.
        await until(lambda: not cloud.under_way)
        await self.lose_lease()

    def start_another_worker(self) -> None:
        """Let a worker that was not told to stop do what is still to do."""
        keeper = LeaseKeeper(self.worker.store, self.worker.settings.lease)
        self.worker = replace(self.worker, keeper=keeper)

    async def rewind(self, step: Step) -> None:
        """Put the record back to before this step: as if its last write had been lost."""
        await self.go_back(State.PROVISIONING, step)

    async def go_back(self, state: State, step: Step) -> None:
        """Put the record back to this step of its run, which had this state then."""
        await self._set(state=state, step=step, lease_until=0)

    async def due_in(self) -> float | None:
        """Seconds by Redis' clock until somebody must look at it; None when nobody must."""
        due = await self._redis.zscore(self.worker.settings.keys.due, self.id)
        return None if due is None else due - self.client.now()

    async def wake_up(self) -> list[Due]:
        """Let the time have come at which somebody must look at it, and sweep."""
        keys = self.worker.settings.keys
        await self._redis.zadd(keys.due, {self.id: self.client.now() - 1}, xx=True)
        return await self.worker.store.take_due(1, self.worker.settings.wake_grace)

    async def forget_resources(self, *kinds: str) -> None:
        """Have Redis lose what the record holds of these kinds, as a failover can."""
        record = self.worker.settings.keys.record(self.id)
        lost = [key for key in self.record.resources if kind_name(key) in kinds]
        await self._redis.hdel(record, *(f"{RESOURCE_FIELD}{key}" for key in lost))

    async def as_the_first_version_left_it(self) -> None:
        """Have the record of a cleanup that failed be as version 0.1.0 wrote it."""
        keys, run = self.worker.settings.keys, self.record.run
        newer = {"thorough", "tries", "retry_at"}
        await self._set(run=run.model_dump_json(exclude=newer), step=Step.NETWORK)
        await self._redis.zrem(keys.due, self.id)

    async def forget_record(self) -> None:
        """Have Redis lose the record, and the same spec be enqueued again."""
        spec = self.record.spec
        assert spec is not None
        await self._redis.delete(self.worker.settings.keys.record(self.id))
        self.client.enqueue(spec)

    async def due(self) -> list[str]:
        """All environments that somebody must look at, now or later."""
        return list(await self._redis.zrange(self.worker.settings.keys.due, 0, -1))

    def beside(self, environment_id: str) -> "Environment":
        """Another environment, with the same client and worker."""
        return Environment(self.client, self.worker, self._redis, environment_id)

    async def shorten_deadline(self, seconds: float) -> None:
        """Let the run be given up so many seconds from now."""
        run = self.record.run.model_copy(update={"deadline_at": self.client.now() + seconds})
        await self._set(run=run.model_dump_json())

    async def lose_lease(self) -> None:
        """Let the lease be over, as a worker finds it that was frozen for its length."""
        await self._set(lease_until=0)

    @asynccontextmanager
    async def context(self) -> AsyncIterator[Context]:
        """The context of the step that comes next, for a test that acts in a step's place."""
        record, settings = self.record, self.worker.settings
        begun = clock()
        claimed = await self.worker.store.claim(self.id, record.run.id, record.step, settings.lease)
        assert isinstance(claimed, Claimed), claimed
        lease = Lease(
            Hold(self.id, record.run.id, claimed.epoch),
            begun + settings.lease,
            settings.lease_margin,
        )
        ec2, ssm = [
            await self.worker.clients.door(service, REGION, None, lease)
            for service in ("ec2", "ssm")
        ]
        with self.worker.keeper.holding(lease, settings.lease):
            yield Context(
                record=record_from_fields(self.id, claimed.fields),
                now=claimed.now,
                lease=lease,
                store=self.worker.store,
                settings=settings,
                ec2=cast(Any, ec2),
                ssm=cast(Any, ssm),
                own_account=partial(self.worker.clients.own_account, REGION, lease),
            )

    async def _set(self, **fields: Any) -> None:
        key = self.worker.settings.keys.record(self.id)
        await self._redis.hset(key, mapping={name: str(value) for name, value in fields.items()})


@asynccontextmanager
async def environment(
    spec: EnvironmentSpec | Mapping[str, Any],
    redis_url: str,
    key_prefix: str,
    cloud: Cloud | LocalAws,
    **settings: Any,
) -> AsyncIterator[Environment]:
    """An environment of this spec, accepted and not yet begun, in this cloud."""
    merged = QUICK | settings
    told = WorkerSettings(
        redis_url=redis_url,
        key_prefix=key_prefix,
        queue=key_prefix,
        aws_endpoint_url=cloud.url,
        **merged,
    )
    wanted = spec if isinstance(spec, EnvironmentSpec) else parse_spec(spec)
    redis = Redis.from_url(redis_url, decode_responses=True)
    clients = AwsClients(told, Pacer(redis, told))
    store = WorkerStore(redis, told.keys, told.queue, "test-worker")
    worker = Worker(told, store, clients, LeaseKeeper(store, told.lease))
    with Client(told) as client:
        try:
            ticket = client.enqueue(wanted)
            yield Environment(client, worker, redis, ticket.environment_id)
        finally:
            await clients.close()
            await redis.aclose()


@asynccontextmanager
async def outsider(
    url: str, account: str | None = None, service: str = "ec2", region: str = REGION
) -> AsyncIterator[Any]:
    """A client of somebody who knows nothing of envwright, and who never asks twice.

    His own account is that of the tests' other clients, where none is given.
    """
    async with _SDK.client(
        service,
        region_name=region,
        endpoint_url=url,
        config=_ONCE,
        aws_access_key_id=account,
        aws_secret_access_key=account and "secret",
    ) as client:
        yield client


async def existing(url: str) -> dict[str, list[str]]:
    """All that exists in the emulator at this address, tagged or not (see `Cloud.inventory`).

    By kind, the ids; kinds of which there is nothing are left out.
    """
    asked = {"account": DEFAULT_ACCOUNT}
    async with (
        aiohttp.ClientSession() as session,
        session.get(url + INVENTORY, params=asked) as told,
    ):
        told.raise_for_status()
        return Inventory.told(await told.json()).ids


async def counts(url: str) -> dict[str, int]:
    """How many of each kind exist, as `existing` finds them."""
    return {kind: len(ids) for kind, ids in (await existing(url)).items()}


async def until(condition: Callable[[], object]) -> None:
    """Wait until this holds, for at most ten seconds."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0.01)
