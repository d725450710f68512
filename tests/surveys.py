"""What AWS holds, looked over for a caller by a worker that is played here."""

import asyncio
from typing import Any

from redis import Redis

from envwright.names import TAG_RECORD, TAG_RESOURCE
from envwright.question_store import QuestionStore
from envwright.recovery import Findings, Recovery
from envwright.settings import ClientSettings
from envwright.survey import Place
from tasks.lease import Look
from tasks.network import VPC
from tasks.survey import look_around
from tests.everything import REGION
from tests.harness import Environment, outsider, until
from worker.servers import LocalAws

HERE = Place(region=REGION)
ROLE = "arn:aws:iam::210987654321:role/builder"
EXTERNAL_ID = "canary-7f3a"


async def look(env: Environment, place: Place = HERE) -> Findings:
    """What a caller is told by a worker, whose task is played here without Celery."""
    settings = env.worker.settings
    with Recovery(settings) as recovery, RedisKeys(settings) as keys:
        asking = asyncio.create_task(asyncio.to_thread(recovery.look, place, 10))
        await until(lambda: keys.questions() or asking.done())
        (question_id,) = keys.questions()
        ec2: Any = await env.worker.clients.door("ec2", place.region, place.account, Look(10))
        store = QuestionStore(settings)
        own = None if place.account else await env.worker.clients.own_account(REGION, Look(10))
        found = await look_around(ec2, own)
        store.answer(question_id, found.model_dump_json(), Place.kept)
        store.close()
        return await asking


class RedisKeys:
    """The questions that wait for an answer, and the messages."""

    def __init__(self, settings: ClientSettings) -> None:
        self._settings = settings
        self._redis = Redis.from_url(settings.redis_url, decode_responses=True)

    def __enter__(self) -> "RedisKeys":
        return self

    def __exit__(self, *_: object) -> None:
        self._redis.close()

    def questions(self) -> list[str]:
        keys: Any = self._redis.keys(self._settings.keys.question("*"))
        return [
            key.removeprefix(self._settings.keys.question(""))
            for key in keys
            if self._redis.hexists(key, "question")
        ]

    def messages(self) -> list[str]:
        found: Any = self._redis.lrange(self._settings.queue, 0, -1)
        return list(found)

    def lives_for(self, question_id: str) -> Any:
        return self._redis.ttl(self._settings.keys.question(question_id))

    def left(self) -> Any:
        """What lies in Redis of questions and of their answers."""
        return self._redis.keys(self._settings.keys.question("*"))

    def forget(self, environment_id: str) -> None:
        """Lose a record with its history, and that there ever was one."""
        keys = self._settings.keys
        self._redis.delete(keys.record(environment_id), keys.events(environment_id))
        self._redis.zrem(keys.environments, environment_id)

    def spoil(self, environment_id: str, **fields: str) -> None:
        self._redis.hset(self._settings.keys.record(environment_id), mapping=fields)


def keys_of(env: Environment) -> RedisKeys:
    return RedisKeys(env.worker.settings)


def recover(env: Environment, found: Findings) -> list[str | None]:
    with Recovery(env.worker.settings) as recovery:
        return [recovery.recover(one) for one in found.lost]


async def a_double(env: Environment, aws: LocalAws) -> str:
    """A VPC under the tags of this record's VPC."""
    return await a_vpc(aws, tagged_as(env, VPC))


def tagged_as(env: Environment, key: str) -> dict[str, str]:
    return {TAG_RESOURCE: f"{env.id}/{key}", TAG_RECORD: f"{env.id}/{env.record.uid}"}


async def a_vpc(aws: LocalAws, tags: dict[str, str]) -> str:
    async with outsider(aws.url) as ec2:
        answer = await ec2.create_vpc(
            CidrBlock="10.99.0.0/16",
            TagSpecifications=[
                {
                    "ResourceType": "vpc",
                    "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
                }
            ],
        )
    return str(answer["Vpc"]["VpcId"])
