"""The sides of the comparison: how each is told to build one environment, and what it needs."""

import json
import shutil
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from bench import installed
from bench.shapes import REGION, Shape
from worker.processes import ROOT, Child
from worker.servers import AWAY_FROM_AWS, inherited_environment
from worker.stack import LocalWorker

POLL_EVERY: Final = 5.0
"""Seconds of AWS between two looks at what takes its time: envwright's default, so that no
difference comes from it. Ansible's modules look every 15 s, and some cannot be told otherwise."""
_PYTHON: Final = (sys.executable, "-m")


@dataclass(frozen=True)
class Job:
    """One environment to build, in an account with request limits of its own."""

    shape: Shape
    number: int
    cloud_url: str
    redis_url: str
    directory: Path
    time_scale: float

    @property
    def name(self) -> str:
        return f"web-{self.number}"

    @property
    def account(self) -> str:
        return f"{self.number:012}"

    @property
    def poll_every(self) -> float:
        """Seconds of this machine."""
        return POLL_EVERY * self.time_scale

    @property
    def aws(self) -> dict[str, str]:
        """AWS's own variables."""
        return AWAY_FROM_AWS | {
            "AWS_ACCESS_KEY_ID": self.account,
            "AWS_ENDPOINT_URL": self.cloud_url,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
        }

    def file(self, ending: str) -> Path:
        return self.directory / f"{self.name}.{ending}"


class Side(ABC):
    """A way to build environments."""

    name: ClassVar[str]
    needs: ClassVar[str]
    """What has to be installed, beside Python, Node and Redis themselves."""

    @abstractmethod
    def mib(self) -> float:
        """How large that is. Raises `NotHere` where this machine cannot have it."""

    def runs_in(self, nth: int, shape: Shape) -> bool:
        """Whether it builds this shape in the nth round, from 0."""
        return True

    @abstractmethod
    def command(self, job: Job) -> Sequence[str]:
        """What builds the environment, and ends when it is ready."""

    def variables(self, job: Job) -> Mapping[str, str]:
        return job.aws

    def worker(self, job: Job) -> LocalWorker | None:
        """The process that does the work, where it is not the command; not started yet."""
        return None


class Envwright(Side):
    name = "envwright"
    needs = "the client and requirements-worker.lock"

    def mib(self) -> float:
        ours = ("envwright", "config", "tasks", "worker")
        code = sum(installed.mib_of_folder(ROOT / package) for package in ours)
        return code + installed.mib_of_lock(ROOT / "requirements-worker.lock")

    def command(self, job: Job) -> Sequence[str]:
        file = job.file("json")
        file.write_text(json.dumps(job.shape.spec(job.name)), encoding="utf-8")
        return (*_PYTHON, "envwright", "up", str(file))

    def variables(self, job: Job) -> Mapping[str, str]:
        return job.aws | {
            "ENVWRIGHT_REDIS_URL": job.redis_url,
            "ENVWRIGHT_KEY_PREFIX": job.name,
            "ENVWRIGHT_QUEUE": job.name,
            "ENVWRIGHT_AWS_ENDPOINT_URL": job.cloud_url,
            "ENVWRIGHT_POLL_EVERY": str(job.poll_every),
        }

    def worker(self, job: Job) -> LocalWorker:
        return LocalWorker(job.directory, dict(self.variables(job)))


class Script(Side):
    """One of `bench.rivals` that is a script."""

    module: ClassVar[str]

    def command(self, job: Job) -> Sequence[str]:
        told = ("--shape", job.shape.name, "--prefix", job.name, "--poll-every", job.poll_every)
        return (*_PYTHON, f"bench.rivals.{self.module}", *map(str, told))


class Boto3(Script):
    name = "boto3, one call after the other"
    module = "sequential_boto3"
    needs = "boto3"

    def mib(self) -> float:
        return installed.mib_of_packages("boto3")


class Asyncio(Script):
    name = "asyncio with aioboto3"
    module = "plain_asyncio"
    needs = "aioboto3"

    def mib(self) -> float:
        return installed.mib_of_packages("aioboto3")


class Celery(Script):
    name = "Celery prefork with boto3"
    module = "celery_prefork"
    needs = "celery, redis and boto3"

    def mib(self) -> float:
        return installed.mib_of_packages("celery", "redis", "boto3")

    def variables(self, job: Job) -> Mapping[str, str]:
        return job.aws | {"CELERY_BROKER_URL": job.redis_url, "CELERY_QUEUE": job.name}

    def worker(self, job: Job) -> LocalWorker:
        return CeleryWorker(job.directory, dict(self.variables(job)))


class CeleryWorker(LocalWorker):
    """That of the Celery app, with as many processes as Celery takes by itself: one a core."""

    options: ClassVar[tuple[str, ...]] = ()

    def launch(self) -> None:
        app = ("celery", "-A", "bench.rivals.celery_prefork", "worker", "--pool", "prefork")
        alone = ("--without-mingle", "--without-gossip", "--hostname", f"{self.node}@%h")
        # A worker says that it is ready at this level.
        told = ("--loglevel", "INFO", *self.options)
        log = self.directory / f"celery-{self.node}.log"
        environment = inherited_environment() | self._environment
        self._child = Child(self.name, [*_PYTHON, *app, *alone, *told], log, environment, ROOT)


class Ansible(Side):
    name = "Ansible"
    needs = "ansible (for its collection amazon.aws) and boto3"

    def mib(self) -> float:
        return installed.mib_of_environment(installed.environment("ansible"))

    def runs_in(self, nth: int, shape: Shape) -> bool:
        """Each once, not both at once: it keeps a core busy for half a minute."""
        return nth == (0 if shape.private else 1)

    def command(self, job: Job) -> Sequence[str]:
        program = installed.environment("ansible") / "bin" / "ansible-playbook"
        book = installed.RIVALS / "ansible" / "playbook.yaml"
        told = ("-e", f"called={job.name}", "-e", f"private={str(job.shape.private).lower()}")
        return (str(program), "-i", "localhost,", str(book), *told)

    def variables(self, job: Job) -> Mapping[str, str]:
        home = job.file("ansible")
        folders = {
            "ANSIBLE_HOME": home,
            "ANSIBLE_REMOTE_TEMP": home / "tmp",
            "ANSIBLE_ASYNC_DIR": home / "async",
        }
        return job.aws | {name: str(folder) for name, folder in folders.items()}


class Cdk(Side):
    """CloudFormation is moto's here: it does all at once and waits for nothing."""

    name = "cdk deploy"
    needs = "aws-cdk, aws-cdk-lib and constructs"

    def mib(self) -> float:
        return installed.mib_of_folder(installed.node_modules("cdk") / "node_modules")

    def command(self, job: Job) -> Sequence[str]:
        told = ("-c", f"name={job.name}", "-c", f"private={str(job.shape.private).lower()}")
        project = installed.node_modules("cdk")
        node, cdk = (
            shutil.which("node") or "node",
            project / "node_modules" / "aws-cdk" / "bin" / "cdk",
        )
        quietly = ("--no-notices", "--no-version-reporting", "--require-approval", "never")
        app = ("--app", f"{node} {project / 'app.js'}", "--output", str(job.file("cdk")))
        return (node, str(cdk), "deploy", *app, *told, *quietly)

    def variables(self, job: Job) -> Mapping[str, str]:
        return job.aws | {"CDK_DISABLE_CLI_TELEMETRY": "true", "CI": "true"}


SIDES: Final[Sequence[Side]] = (Envwright(), Boto3(), Asyncio(), Celery(), Ansible())
"""All that build it in the strict cloud."""
