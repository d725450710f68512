"""Workers that die in a step: they are counted, suspects go alone, and the third is the last."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import redis.asyncio

from envwright.client import Client
from envwright.failure import FailureCategory
from envwright.names import Keys, Step
from envwright.record import FRESH_STEP, Record
from envwright.settings import ClientSettings
from envwright.states import State
from tasks.store import DEATHS_GIVEN_UP, Claimed, Hold, Refusal, WorkerStore, Written
from tests.cloud import Cloud
from tests.everything import EVERYTHING
from tests.harness import environment, existing
from tests.specs import spec
from worker.runtime import name_of_process
from worker.servers import LocalAws

LEASE = 10.0


class Workers:
    """Several workers on one Redis, each of which lives as long as it has a heartbeat."""

    def __init__(self, settings: ClientSettings, database: redis.asyncio.Redis) -> None:
        self.client = Client(settings)
        self.keys: Keys = settings.keys
        self.redis = database

    def named(self, name: str) -> WorkerStore:
        return WorkerStore(self.redis, self.keys, self.client.settings.queue, name)

    async def live(self, name: str) -> None:
        await self.redis.set(self.keys.heartbeat(name), name, ex=60)

    def record(self, name: str = "web") -> Record:
        return self.client.status(name)

    async def claim(self, worker: str, name: str = "web") -> Claimed | Refusal:
        one = self.record(name)
        return await self.named(worker).claim(one.environment_id, one.run.id, one.step, LEASE)

    async def hold(self, worker: str, name: str = "web") -> Hold:
        claimed = await self.claim(worker, name)
        assert isinstance(claimed, Claimed), claimed
        one = self.record(name)
        return Hold(one.environment_id, one.run.id, claimed.epoch)

    async def renewed(self, worker: str, name: str = "web") -> Written:
        one = self.record(name)
        hold = Hold(one.environment_id, one.run.id, one.epoch)
        (answer,) = await self.named(worker).renew([hold], LEASE)
        return answer

    async def end_lease(self, name: str = "web") -> None:
        """Let the lease be over, without its having been given back."""
        await self.set(name, lease_until=0)

    async def set(self, name: str, **fields: Any) -> None:
        await self.redis.hset(self.keys.record(f"{name}.eu-west-1"), mapping=fields)

    async def dying(self, times: int, name: str = "web") -> None:
        """Have this many workers die in the step where the environment stands."""
        for number in range(times):
            await self.hold(f"dead-{number}", name)
            await self.end_lease(name)


@pytest.fixture
async def workers(redis_url: str, key_prefix: str) -> AsyncIterator[Workers]:
    settings = ClientSettings(redis_url=redis_url, key_prefix=key_prefix, queue=key_prefix)
    database = redis.asyncio.Redis.from_url(redis_url, decode_responses=True)
    one = Workers(settings, database)
    one.client.enqueue_many([spec("web"), spec("other")])
    yield one
    one.client.close()
    await database.aclose()


async def test_a_lease_that_ran_out_with_its_worker_is_a_death(workers: Workers) -> None:
    """It is counted once, however often the claim is repeated, and told in an event."""
    await workers.hold("first")
    await workers.end_lease()

    await workers.hold("second")
    assert await workers.claim("third") is Refusal.BUSY

    assert workers.record().deaths == 1
    told = [one.message for one in workers.client.events("web") if one.state == "interrupted"]
    assert told == ["Its worker died (1 of 3 times in this step)."]


async def test_a_worker_that_lives_did_not_die(workers: Workers) -> None:
    """It was slow, or lost Redis for a while: its lease ran out and its heart still beats."""
    await workers.live("first")
    await workers.hold("first")
    await workers.end_lease()

    await workers.hold("second")

    assert workers.record().deaths == 0


async def test_a_lease_that_was_given_back_is_no_death(workers: Workers) -> None:
    hold = await workers.hold("first")
    await workers.named("first").advance(hold, {}, [], 0)

    await workers.hold("second")

    assert workers.record().deaths == 0


@pytest.mark.parametrize("seen_by", ["renewal", "claim"])
async def test_who_was_taken_for_dead_and_is_back_lives(workers: Workers, seen_by: str) -> None:
    """A machine that was suspended wakes up, or Redis is within reach again: its heartbeat takes
    its death back, and only once."""
    await workers.hold("first")
    await workers.end_lease()
    second = await workers.hold("second")
    assert workers.record().deaths == 1

    await workers.live("first")
    for _ in range(2):
        if seen_by == "renewal":
            await workers.named("second").renew([second], LEASE)
        else:
            await workers.named("second").advance(second, {}, [], 0)
            second = await workers.hold("second")

        assert workers.record().deaths == 0


async def test_outages_of_redis_make_no_suspect(workers: Workers) -> None:
    """In one that outlasts a lease all heartbeats end, and who claims first finds none."""
    for number in range(2 * DEATHS_GIVEN_UP):
        await workers.hold(f"worker-{number % 3}")
        for worker in range(3):
            await workers.live(f"worker-{worker}")
        holder = await workers.renewed(f"worker-{number % 3}")
        assert (workers.record().deaths, holder) == (0, Written.RENEWED)

        await workers.end_lease()
        for worker in range(3):
            await workers.redis.delete(workers.keys.heartbeat(f"worker-{worker}"))


async def test_who_is_back_after_the_step_was_done_changes_no_count(workers: Workers) -> None:
    """The step's end forgot the deaths, so there is nothing to take back."""
    await workers.hold("first")
    await workers.end_lease()
    second = await workers.hold("second")
    await workers.named("second").advance(second, FRESH_STEP, [], 0)

    await workers.live("first")
    await workers.hold("third")

    assert workers.record().deaths == 0


async def test_a_death_in_a_run_that_was_replaced_is_none_of_its_successor(
    workers: Workers,
) -> None:
    """Of a suspect that is cancelled, the cleanup begins without a death, and tells of none."""
    await workers.dying(DEATHS_GIVEN_UP - 1)
    await workers.hold("last")
    cancelled = workers.client.cancel("web")
    await workers.end_lease()

    await workers.hold("next")

    assert workers.record().deaths == 0
    assert [
        one
        for one in workers.client.events("web")
        if one.run == cancelled.run_id and one.state == "interrupted"
    ] == []

    await workers.end_lease()
    await workers.hold("after")
    assert workers.record().deaths == 1


async def test_a_worker_tries_one_suspect_at_a_time(workers: Workers) -> None:
    """The others wait and are looked at again soon; what is no suspect goes on beside it."""
    workers.client.enqueue(spec("innocent"))
    await workers.dying(DEATHS_GIVEN_UP - 1, "web")
    await workers.dying(DEATHS_GIVEN_UP - 1, "other")
    hold = await workers.hold("one", "web")
    before = workers.record("other"), workers.client.events("other")

    assert await workers.claim("one", "other") is Refusal.WAITING
    # The count of the last death is all that changed.
    after = workers.record("other").model_copy(update={"deaths": before[0].deaths})
    assert (after.epoch, after.attempt) == (before[0].epoch, before[0].attempt)
    due = await workers.redis.zscore(workers.keys.due, "other.eu-west-1")
    assert due is not None
    assert 3 < due - workers.client.now() <= 5
    await workers.hold("one", "innocent")

    await workers.named("one").advance(hold, {}, [], 60)
    await workers.hold("one", "other")


async def test_two_workers_try_a_suspect_each(workers: Workers) -> None:
    """One that dies takes only its own along."""
    await workers.dying(DEATHS_GIVEN_UP - 1, "web")
    await workers.dying(DEATHS_GIVEN_UP - 1, "other")

    await workers.hold("one", "web")
    await workers.hold("two", "other")


async def test_a_suspect_keeps_its_place_as_long_as_its_lease(workers: Workers) -> None:
    """It is prolonged with the lease, and ends with a worker that forgot it."""
    await workers.dying(DEATHS_GIVEN_UP - 1, "web")
    hold = await workers.hold("one", "web")
    place = workers.keys.suspect("one")
    await workers.redis.pexpire(place, 1000)

    assert await workers.named("one").renew([hold], LEASE) == [Written.RENEWED]

    assert 9000 < await workers.redis.pttl(place) <= LEASE * 1000


async def test_the_step_that_kills_its_worker_each_time_is_given_up(
    aws: LocalAws, redis_url: str, key_prefix: str
) -> None:
    """After the third death nothing of it is tried again: what it made is taken down, and the
    failure says which step it was and what to do."""
    async with (
        Cloud(aws.url) as cloud,
        environment(EVERYTHING, redis_url, key_prefix, cloud) as one,
        redis.asyncio.Redis.from_url(redis_url, decode_responses=True) as database,
    ):
        told = one.worker.settings

        def start_worker(name: str) -> None:
            one.start_another_worker()
            store = WorkerStore(database, told.keys, told.queue, name)
            one.worker = replace(one.worker, store=store)

        run = one.record.run.id
        await one.run(Step.NETWORK)
        for number in range(DEATHS_GIVEN_UP):
            start_worker(f"dead-{number}")
            await one.die_at(cloud, "CreateSecurityGroup", after_effect=False)
        start_worker("last")
        made = len(cloud.calls("CreateSecurityGroup"))
        record = await one.to_rest()

        assert record.state is State.CLEANED
        assert record.failure is not None
        assert (record.failure.category, record.failure.step) == (
            FailureCategory.INTERNAL,
            Step.SECURITY,
        )
        assert "The worker died each of the 3 times that it was in the security step" in str(
            record.failure.message
        )
        assert len(cloud.calls("CreateSecurityGroup")) == made
        started = [
            event
            for event in one.client.events(one.id)
            if (event.run, event.step, event.state) == (run, Step.SECURITY, "started")
        ]
        assert len(started) == DEATHS_GIVEN_UP
        assert record.deaths == 0
        assert await existing(aws.url) == {}


def test_a_worker_that_is_started_again_has_another_name() -> None:
    """In a container it has the host name and the process id of the one that died, and its
    heartbeat must not be taken for that one's."""
    assert name_of_process() != name_of_process()


async def test_a_step_that_is_done_clears_its_environment(
    aws: LocalAws, redis_url: str, key_prefix: str
) -> None:
    """Deaths are those of one step: a suspect that comes through it is none any more."""
    async with (
        Cloud(aws.url) as cloud,
        environment(EVERYTHING, redis_url, key_prefix, cloud) as one,
        redis.asyncio.Redis.from_url(redis_url, decode_responses=True) as database,
    ):
        key = one.worker.settings.keys.record(one.id)
        await database.hset(key, mapping={"deaths": DEATHS_GIVEN_UP - 1})

        await one.run(Step.NETWORK)

        assert (one.record.step, one.record.deaths) == (Step.SECURITY, 0)
        assert not await database.exists(one.worker.settings.keys.suspect("test-worker"))
