"""Secrets are said nowhere, least of all when things go wrong."""

import base64
from typing import Final

import redis

from envwright.client import Client
from envwright.states import State
from tests.acceptance.conftest import CommandLine, a_real_image, wait_for_log
from tests.cloud import ALWAYS, Cloud, refused, throttled
from tests.conftest import WorkerFactory
from tests.specs import with_instances
from worker.servers import LocalAws, LocalRedis

USER_DATA: Final = "canary-user-data-11"
SECRETS: Final = {
    "AWS_SECRET_ACCESS_KEY": "canary-access-key-22",
    "AWS_SESSION_TOKEN": "canary-session-token-33",
}
EXTERNAL_ID: Final = "canary-external-id-44"
PASSWORD: Final = "canary-password-55"
ROLE: Final = "arn:aws:iam::222222222222:role/envwright"


def test_no_secret_is_told_when_things_go_wrong(
    worker: WorkerFactory,
    worker_environment: dict[str, str],
    own_redis: LocalRedis,
    envwright: CommandLine,
    cloud: Cloud,
    aws: LocalAws,
) -> None:
    """Throttling, a refused launch, a role that may not be assumed, a Redis that goes away: not
    in a log, an event, a key's name, a command's output or an error."""
    with own_redis.client() as database:
        database.config_set("requirepass", PASSWORD)
    worker_environment |= SECRETS
    url = own_redis.url.replace("redis://", f"redis://:{PASSWORD}@")
    worker_environment["ENVWRIGHT_REDIS_URL"] = url
    envwright.environment["ENVWRIGHT_REDIS_URL"] = url
    data = with_instances(a_real_image(aws), on_failure="hold")
    data["instances"]["web"]["user_data"] = f"#!/bin/sh\necho {USER_DATA}\n"
    encoded = base64.b64encode(data["instances"]["web"]["user_data"].encode()).decode()
    assumed = data | {"name": "other", "account": {"role_arn": ROLE, "external_id": EXTERNAL_ID}}
    cloud.inject("CreateVpc", throttled())
    cloud.inject("RunInstances", refused("InvalidParameterValue"), times=ALWAYS)
    cloud.inject("AssumeRole", refused("AccessDenied", status=403), times=ALWAYS)
    one = worker(ENVWRIGHT_LOG_LEVEL="debug", **worker_environment)

    said = []
    for spec in (data, assumed):
        said.append(envwright("up", envwright.file(spec)))
        for command in ("status", "events", "outputs"):
            said += [envwright(command, spec["name"]), envwright(command, spec["name"], "--json")]
    # The canaries are no illusion: they are where they belong.
    assert cloud.calls("AssumeRole")[0].parameters["ExternalId"] == EXTERNAL_ID
    assert cloud.calls("RunInstances")[0].parameters["UserData"] == encoded
    with (
        Client(
            redis_url=url,
            key_prefix=worker_environment["ENVWRIGHT_KEY_PREFIX"],
            queue=worker_environment["ENVWRIGHT_QUEUE"],
        ) as client,
        redis.Redis.from_url(url, decode_responses=True) as database,
    ):
        assert {record.state for record in client.environments()} == {State.FAILED}
        told = [
            event.model_dump_json() for name in ("web", "other") for event in client.events(name)
        ]
        told += [str(record.failure) for record in client.environments()]
        told += [*database.scan_iter("*")]
    own_redis.child.kill()
    said.append(envwright("status", "web"))
    wait_for_log(one, "sweep_failed")

    everything = "\n".join([one.child.output(), *told, *(one.out + one.err for one in said)])
    for secret in (USER_DATA, encoded, *SECRETS.values(), EXTERNAL_ID, PASSWORD):
        assert secret not in everything
