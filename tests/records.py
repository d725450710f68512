"""What the tests of the client share: records as a worker would have left them."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import redis

from envwright.client import Client
from envwright.failure import Failure, FailureCategory
from envwright.names import Keys, Step, queue_lists
from envwright.outputs import Instance, Outputs
from envwright.record import Expiry
from envwright.states import State
from envwright.store import Store

WEB = "web.eu-west-1"


def set_state(client: Client, state: State, **fields: str) -> None:
    """Let the environment be in this state, as a worker would have left it."""
    keys = client.settings.keys
    with redis.Redis.from_url(client.settings.redis_url) as database:
        database.hset(keys.record(WEB), mapping={"state": state, **fields})


def bring_end(
    database: redis.Redis, keys: Keys, environment_id: str, at: float, *, warned: bool
) -> Expiry:
    """Let the environment end at this time, and its end have to be looked at now."""
    expiry = Expiry(id=uuid4().hex, at=at, warn_at=None if warned else 0)
    database.hset(keys.record(environment_id), mapping=expiry.fields)
    database.zadd(keys.expiries, {environment_id: 0})
    return expiry


def outputs_with(*ids: str) -> Outputs:
    """The outputs of an environment that is ready, with these instances in the group web."""
    return Outputs(
        vpc_id="vpc-1",
        subnets={},
        security_groups={},
        instances=tuple(_instance(one) for one in ids),
    )


def _instance(one: str) -> Instance:
    return Instance(
        id=one,
        group="web",
        type="t3.micro",
        image="ami-760aaa0f",
        zone="eu-west-1a",
        subnet_id="subnet-1",
        private_ip="10.0.0.5",
        private_dns=None,
        public_ip="203.0.113.5",
        public_dns=None,
    )


def a_failure() -> str:
    failure = Failure(category=FailureCategory.SPEC, message="It failed.", step=Step.SECURITY)
    return failure.model_dump_json()


def changing(changed: Callable[[], object]) -> Callable[..., Any]:
    """`Store.accept`, before which something is changed, the first time that it is called."""
    accept, todo = Store.accept, [changed]

    def replacement(store: Store, runs: Any) -> Any:
        if todo:
            todo.pop()()
        return accept(store, runs)

    return replacement


def messages(client: Client, database: redis.Redis) -> list[str]:
    """The messages that wait, of whatever priority."""
    lists = queue_lists(client.settings.queue)
    return [message for one in lists for message in database.lrange(one, 0, -1)]


def queued(client: Client, database: redis.Redis) -> int:
    return len(messages(client, database))


def lose_messages(client: Client, database: redis.Redis) -> int:
    """Have the broker forget all that waits; returns how many lists there were."""
    return database.delete(*queue_lists(client.settings.queue))
