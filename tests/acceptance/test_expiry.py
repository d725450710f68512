"""An environment with a time to live ends by itself, with a real worker and nobody's asking."""

import redis

from envwright.client import Client
from envwright.states import State
from tests.acceptance.conftest import (
    COMMAND_TIMEOUT,
    CommandLine,
    a_real_image,
    all_that_exists,
)
from tests.conftest import WorkerFactory
from tests.records import WEB, bring_end
from tests.specs import with_instances
from worker.processes import wait_until
from worker.servers import LocalAws


def test_an_environment_is_warned_and_then_destroyed(
    worker: WorkerFactory,
    envwright: CommandLine,
    client: Client,
    database: redis.Redis,
    aws: LocalAws,
) -> None:
    """Nothing is left of it in AWS, and its name carries no end into its next life."""
    worker()
    file = envwright.file(with_instances(a_real_image(aws), ttl="1h"))
    assert envwright("up", file).code == 0
    first = envwright("status", "web", "--json").document["environment"]["expires_at"]
    later = envwright("extend", "web", "30m", "--json").document["environment"]["expires_at"]
    assert later - first == 1800

    keys = client.settings.keys
    bring_end(database, keys, WEB, client.now() + 600, warned=False)

    def is_warned() -> bool:
        return client.events("web")[-1].type == "expiring"

    wait_until(is_warned, COMMAND_TIMEOUT, "it is warned of its end")
    bring_end(database, keys, WEB, client.now(), warned=True)

    def is_over() -> bool:
        return client.status("web").state is State.DESTROYED

    wait_until(is_over, COMMAND_TIMEOUT, "it is destroyed")
    assert all_that_exists(aws) == {}
    told = [one for one in client.events("web") if one.type != "resource"]
    types = [one.type for one in told]
    ended = types.index("expired")
    assert types[ended - 1 : ended + 2] == ["expiring", "expired", "accepted"]
    assert told[ended + 1].message == "cleanup (expired)"
    assert database.hmget(keys.record(WEB), "expiry", "expiry_id") == ["", ""]
