"""Writes what version 0.1.0 leaves behind when its worker is killed: version-0.1.0.json.

It was run by the code of that version (commit e7fbebb), and is kept to say how the data was made:

    git archive e7fbebb | tar -x -C <folder>
    cd <folder> && PYTHONPATH=. python <here>/version_0_1_0.py <here>/version-0.1.0.json

When the worker is killed, `web` is in its security step (a group was made, and the reply is lost),
`gone` is half taken down, and `other` is accepted only after that, so its message waits. The file
holds all that is in Redis, and every call that changed something in AWS, with the ids in its reply.
"""

import json
import os
import re
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from envwright.client import Client
from envwright.states import State
from tests.cloud import ALWAYS, Call, Cloud, Reply, throttled
from tests.cloud.faults import Forward, ReplyLost
from tests.everything import IMAGE
from tests.specs import spec, with_instances
from worker.loop import LoopThread
from worker.processes import wait_until
from worker.servers import LocalAws, LocalRedis, turn_away_from_aws
from worker.stack import LocalWorker

ID = re.compile(r"(?<![0-9a-f-])[a-z]{1,8}-[0-9a-f]{8,17}\b")
PATIENCE = 60


class Recorder(Cloud):
    """A cloud that keeps what AWS was told, and the ids of its replies."""

    def __init__(self, moto_url: str) -> None:
        super().__init__(moto_url)
        self.told: list[dict[str, Any]] = []

    async def _ask_moto(self, call: Call, headers: Any, parameters: Any) -> Reply:
        reply = await super()._ask_moto(call, headers, parameters)
        # Which route table a VPC has is known by asking alone.
        if call.took_effect and (call.mutates or call.action == "DescribeRouteTables"):
            ids = list(dict.fromkeys(ID.findall(reply.body)))
            told = {"action": call.action, "parameters": dict(parameters), "ids": ids}
            self.told.append(told)
        return reply


def contents(redis: LocalRedis) -> dict[str, Any]:
    with redis.client() as database:
        read = {
            "hash": database.hgetall,
            "stream": lambda key: [fields for _, fields in database.xrange(key)],
            "zset": lambda key: dict(database.zrange(key, 0, -1, withscores=True)),
            "list": lambda key: database.lrange(key, 0, -1),
        }
        found = {}
        for key in sorted(database.scan_iter("envwright*")):
            kind = database.type(key)
            if kind in read:
                found[key] = {"type": kind, "value": read[kind](key)}
        return found


def main(target: Path) -> None:
    turn_away_from_aws()
    loop = LoopThread()
    loop.start()
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        redis, aws = LocalRedis(directory), LocalAws(directory)
        redis.start()
        aws.start()
        cloud = Recorder(aws.url)
        loop.run(cloud.__aenter__())
        settings = {
            "ENVWRIGHT_REDIS_URL": redis.url,
            "ENVWRIGHT_AWS_ENDPOINT_URL": cloud.url,
            "ENVWRIGHT_POLL_EVERY": "0.2",
        }
        worker = LocalWorker(directory, aws.environment() | settings)
        worker.start()
        try:
            with Client(redis_url=redis.url) as client:
                leave(client, cloud, worker)
            found = {"at": time.time(), "redis": contents(redis), "aws": cloud.told}
            text = json.dumps(found, indent=1).replace(socket.gethostname(), "old-host")
            target.write_text(f"{text}\n")
        finally:
            worker.child.kill()
            loop.run(cloud.__aexit__())
            aws.stop()
            redis.stop()


def leave(client: Client, cloud: Cloud, worker: LocalWorker) -> None:
    async def fatal(call: Call, forward: Forward) -> Reply:
        await forward()
        os.kill(worker.child.pid, signal.SIGKILL)
        raise ReplyLost

    client.enqueue(spec("gone"))
    assert client.wait("gone", PATIENCE).state is State.READY
    cloud.inject("DeleteSubnet", throttled(), times=ALWAYS)
    client.destroy("gone")
    wait_until(lambda: cloud.calls("DeleteSubnet"), PATIENCE, "gone is half taken down")
    cloud.inject("CreateSecurityGroup", fatal)
    client.enqueue(with_instances(IMAGE))
    wait_until(lambda: not worker.child.alive, PATIENCE, "the worker is dead")
    client.enqueue(spec("other"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
