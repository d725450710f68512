"""How AWS has the instances now, and what one's console says: asked of a worker, kept nowhere."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, Final

import pytest

from envwright.errors import NotAnswered, UnknownInstance
from envwright.question_store import QuestionStore
from envwright.sight import Console, Sight
from tasks.lease import Look
from tasks.sight import look_at_instances, read_console
from tests.cloud import Cloud, refused
from tests.everything import REGION
from tests.harness import Environment, outsider, until
from tests.surveys import RedisKeys

SAID: Final = "BIOS-provided physical RAM map"
"""What moto's consoles say."""


async def door(env: Environment) -> Any:
    return await env.worker.clients.door("ec2", REGION, None, Look(10))


async def asked(
    env: Environment, ask: Callable[[], Any], work: Callable[[Any], Awaitable[Any]]
) -> Any:
    """What a caller is told by a worker, whose task is played here without Celery."""
    settings = env.worker.settings
    with RedisKeys(settings) as keys:
        asking = asyncio.create_task(asyncio.to_thread(ask))
        await until(lambda: keys.questions() or asking.done())
        (question_id,) = keys.questions()
        store = QuestionStore(settings)
        question = store.asked(question_id)
        assert question is not None
        answer = await work(json.loads(question.text))
        store.answer(question_id, answer.model_dump_json(), answer_kept := 60)
        assert 0 < keys.lives_for(question_id) <= answer_kept
        store.close()
        return await asking


async def look(env: Environment) -> Sight:
    ec2 = await door(env)
    return await asked(
        env,
        lambda: env.client.look(env.id),
        lambda question: look_at_instances(ec2, question["groups"]),
    )


async def test_each_instance_is_shown_as_aws_has_it(web: Environment, cloud: Cloud) -> None:
    """One runs, and one was stopped behind our back: states, checks, addresses, type and image."""
    record = await web.to_rest()
    assert record.outputs is not None
    first, second = record.outputs.instances
    async with outsider(cloud.url) as ec2:
        await ec2.stop_instances(InstanceIds=[second.id])

    seen = {one.id: one for one in (await look(web)).instances}

    assert [(one.state, one.checks) for one in (seen[first.id], seen[second.id])] == [
        ("running", "ok"),
        ("stopped", "not-applicable"),
    ]
    runs = seen[first.id]
    assert (runs.group, runs.zone, runs.type, runs.image, runs.private_ip, runs.public_ip) == (
        first.group,
        first.zone,
        first.type,
        first.image,
        first.private_ip,
        first.public_ip,
    )
    assert runs.launched_at is not None
    assert abs(runs.launched_at - web.client.now()) < 60


async def test_an_instance_that_is_no_more_is_shown_as_that(web: Environment, cloud: Cloud) -> None:
    """Terminated a moment ago, or so long ago that AWS has forgotten it."""
    await web.to_rest()
    ended, *_ = [one for one in (await look(web)).instances]
    async with outsider(cloud.url) as ec2:
        await ec2.terminate_instances(InstanceIds=[ended.id])
    ec2 = await door(web)

    sight = await look_at_instances(ec2, {"web": [ended.id, "i-0123456789abcdef0"]})

    assert {one.id: (one.state, one.checks) for one in sight.instances} == {
        ended.id: ("terminated", None),
        "i-0123456789abcdef0": (None, None),
    }


async def test_a_console_is_read_by_who_asks_and_kept_nowhere(web: Environment) -> None:
    """It is gone from Redis when it was read, and no event tells it."""
    record = await web.to_rest()
    assert record.outputs is not None
    one = record.outputs.instances[0].id
    ec2 = await door(web)

    said: Console = await asked(
        web,
        lambda: web.client.console(web.id, one),
        lambda question: read_console(ec2, question["instance"]),
    )

    assert SAID in said.text
    assert SAID not in repr(said)
    with RedisKeys(web.worker.settings) as keys:
        assert keys.left() == []
        assert SAID not in str([web.client.events(web.id), web.record, keys.messages()])


async def test_a_type_without_a_latest_console_says_what_it_has(
    web: Environment, cloud: Cloud
) -> None:
    """`Latest` is refused for what is not built on Nitro: then it is asked without."""
    record = await web.to_rest()
    assert record.outputs is not None
    cloud.inject("GetConsoleOutput", refused("UnsupportedOperation"))

    said = await read_console(await door(web), record.outputs.instances[0].id)

    assert SAID in said.text
    assert ["Latest" in call.parameters for call in cloud.calls("GetConsoleOutput")] == [
        True,
        False,
    ]


async def test_only_what_is_of_the_environment_is_asked_for(web: Environment) -> None:
    await web.to_rest()

    with pytest.raises(UnknownInstance, match="has no instance i-0123456789abcdef0: it has i-"):
        web.client.console(web.id, "i-0123456789abcdef0")


async def test_that_no_worker_answers_is_said_soon(web: Environment) -> None:
    await web.to_rest()

    with pytest.raises(NotAnswered, match=r"within 0\.3 s how the instances stand in AWS: check"):
        await asyncio.to_thread(web.client.look, web.id, 0.3)
