"""The compose file, the image and `.env.example` name only what there is.

No engine is needed for this: what they name is looked up, and what they run is run.
"""

import json
import os
import re
import subprocess
import sys
from typing import Any
from urllib.parse import urlsplit

import yaml

from config.settings import WorkerSettings
from tests.repository import ROOT, modules_loaded_by, pins
from worker.servers import MOTO_VALIDATION

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
PREFIX = str(WorkerSettings.model_config["env_prefix"])


def instructions(name: str) -> list[str]:
    joined = DOCKERFILE.replace("\\\n", " ")
    return re.findall(rf"^{name} +(.+)$", joined, re.MULTILINE)


def copied() -> list[str]:
    return [
        source
        for line in instructions("COPY")
        if not line.startswith("--from")
        for source in line.split()[:-1]
    ]


def run(command: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a container's command with this environment's programs."""
    program = {"python": [sys.executable], "celery": [sys.executable, "-m", "celery"]}
    return subprocess.run(
        program[command[0]] + command[1:],
        cwd=ROOT,
        env=os.environ | environment,
        check=False,
        capture_output=True,
        text=True,
    )


def is_setting(variable: str) -> bool:
    return variable.removeprefix(PREFIX).lower() in WorkerSettings.model_fields


def test_workers_can_be_scaled() -> None:
    """A fixed name or a published port is for one container; a second would not start."""
    assert not {"container_name", "ports"} & set(SERVICES["worker"])


def test_every_published_port_is_for_this_machine_alone() -> None:
    """Neither this Redis nor Flower asks for a password."""
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]

    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_redis_keeps_what_it_was_given() -> None:
    """Records survive a restart of Redis, and are not dropped for want of memory."""
    redis = SERVICES["redis"]
    command = " ".join(redis["command"])
    volumes = {volume.partition(":")[0] for volume in redis["volumes"]}

    assert "--appendonly yes" in command
    assert "--maxmemory-policy noeviction" in command
    assert volumes == set(COMPOSE["volumes"])
    assert SERVICES["worker"]["depends_on"]["redis"]["condition"] == "service_healthy"
    assert redis["healthcheck"]["test"] == ["CMD", "redis-cli", "ping"]


def test_only_redis_and_workers_start_unasked() -> None:
    unasked = {name for name, service in SERVICES.items() if "profiles" not in service}

    assert unasked == {"redis", "worker"}


def test_the_fake_aws_is_the_one_of_the_tests() -> None:
    fake = SERVICES["fake-aws"]

    assert fake["image"] == f"motoserver/moto:{pins('requirements.lock')['moto']}"
    assert fake["environment"] == MOTO_VALIDATION


def test_every_variable_of_a_worker_is_a_setting() -> None:
    variables = set(SERVICES["worker"]["environment"])

    assert {variable for variable in variables if not is_setting(variable)} == set()


def test_addresses_between_containers_name_services() -> None:
    urls = re.findall(r"\w+://[^\s]+", (ROOT / ".env.example").read_text())
    for service in SERVICES.values():
        urls += [url for url in service.get("environment", {}).values() if "://" in url]
    hosts = {urlsplit(url).hostname for url in urls}

    assert hosts == {"127.0.0.1", "redis", "fake-aws"}
    assert hosts - {"127.0.0.1"} <= set(SERVICES)


def test_the_example_of_settings_shows_real_ones_and_their_defaults() -> None:
    text = (ROOT / ".env.example").read_text()
    shown = dict(re.findall(rf"^# {PREFIX}([A-Z_]+)=(.*)$", text, re.MULTILINE))
    values = {name.lower(): value for name, value in shown.items()}

    assert set(values) <= set(WorkerSettings.model_fields)
    assert values.pop("aws_endpoint_url")  # the one that is no default, but the fake AWS
    assert WorkerSettings(**values) == WorkerSettings()


def test_the_example_of_settings_sets_nothing() -> None:
    """A copy of it changes nothing until a line is uncommented."""
    lines = (ROOT / ".env.example").read_text().splitlines()

    assert [line for line in lines if line and not line.startswith("#")] == []


def test_what_the_image_copies_is_there_and_not_ignored() -> None:
    admitted = set(re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE))

    assert copied()
    assert [source for source in copied() if not (ROOT / source).exists()] == []
    assert {source.removeprefix("./") for source in copied()} == admitted


def test_the_image_runs_as_nobody_special() -> None:
    last_stage = DOCKERFILE.rpartition("\nFROM ")[2]
    (user,) = re.findall(r"^USER (\d+)$", last_stage, re.MULTILINE)

    assert int(user) >= 1000
    assert f"useradd --uid {user} " in last_stage


def test_the_stages_of_the_image_have_the_same_python() -> None:
    """The environment is made in one stage and used in another."""
    bases = {line.partition(" AS ")[0] for line in instructions("FROM")}

    assert len(bases) == 1


def test_the_image_starts_a_worker_that_gets_the_signals() -> None:
    """No shell stands between the container's stop signal and the worker."""
    (line,) = instructions("CMD")

    done = run([*json.loads(line), "--help"])

    assert done.returncode == 0, done.stderr
    assert "worker" in done.stdout


def test_the_image_has_all_that_a_worker_imports() -> None:
    """Some of it is imported at its first use only, so it is named here."""
    loaded = modules_loaded_by(
        "import celery.apps.worker, celery.concurrency.thread, kombu.transport.redis\n"
        "import envwright.cli, worker.app, worker.health, worker.sweeper",
        installed=set(pins("requirements-worker.lock")),
    )

    assert {"aioboto3", "envwright", "structlog", "tasks"} <= loaded


def test_the_health_check_of_a_worker_fails_without_redis() -> None:
    """Unhealthy is an exit code and a sentence, not a traceback."""
    kind, *command = SERVICES["worker"]["healthcheck"]["test"]

    done = run(command, ENVWRIGHT_REDIS_URL="redis://127.0.0.1:1/0")

    assert kind == "CMD"
    assert done.returncode == 1
    assert "127.0.0.1:1" in done.stderr
    assert "Traceback" not in done.stderr
