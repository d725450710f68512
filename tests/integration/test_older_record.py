"""A failover brought an older copy of the record back: nothing leaks and nothing is there twice.

What a worker wrote last is lost then: intents, ids, the lease and its epoch. What it made stays.
"""

from typing import Final

import pytest
from redis import Redis

from envwright.names import Step
from envwright.states import HOLDS_NOTHING, State
from tests.cloud import Cloud
from tests.everything import ALL_OF_EVERYTHING, EVERYTHING
from tests.harness import Environment, counts, existing
from tests.integration.conftest import Begin
from worker.servers import LocalAws

STEPS: Final = (Step.NETWORK, Step.SECURITY, Step.INSTANCE, Step.READY)


class Copies:
    """Copies of an environment's record, to be put back."""

    def __init__(self, redis_url: str, env: Environment) -> None:
        self._redis = Redis.from_url(redis_url)
        self._key = env.worker.settings.keys.record(env.id)
        self._copy = b""

    def take(self) -> None:
        self._copy = self._redis.dump(self._key)

    def put_back(self) -> None:
        self._redis.restore(self._key, 0, self._copy, replace=True)
        self._redis.close()


@pytest.mark.parametrize(
    ("kept", "lost"),
    [(first, last) for first in range(3) for last in range(first + 1, 4)],
    ids=lambda number: str(number),
)
@pytest.mark.parametrize("goes_on", [True, False], ids=["goes on", "taken down"])
async def test_what_was_made_since_is_neither_doubled_nor_forgotten(
    begin: Begin, cloud: Cloud, aws: LocalAws, redis_url: str, kept: int, lost: int, goes_on: bool
) -> None:
    """The copy was made after the first `kept` steps, and the run had come to the end of more.

    It ends with one of each; or with nothing, where the record knows of no network at all. It is
    made again then, and by their client tokens AWS answers with the route tables and instances of
    the one that was lost, which do not go with it.
    """
    async with begin(EVERYTHING) as env:
        await env.run(*STEPS[:kept])
        copies = Copies(redis_url, env)
        copies.take()
        await env.run(*STEPS[kept:lost])
        copies.put_back()
        env.start_another_worker()

        if goes_on:
            ends_with_nothing = kept == 0
            ended = await env.to_rest()
            assert ended.state is (State.CLEANED if ends_with_nothing else State.READY)
            assert await counts(aws.url) == ({} if ends_with_nothing else ALL_OF_EVERYTHING)
        record = await env.take_down()

    assert record.state in HOLDS_NOTHING
    assert await existing(aws.url) == {}
