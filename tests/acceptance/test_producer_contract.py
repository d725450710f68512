"""A producer that has Celery and Redis and not this package: docs/producer-contract.md, kept."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import redis
from celery import Celery

from envwright.client import Client
from envwright.failure import Failure
from envwright.messages import producer
from envwright.names import TASK_SUBMIT
from envwright.priority import Priority
from envwright.spec.limits import MAX_SPEC
from envwright.states import AT_REST, State
from tests.acceptance.conftest import COMMAND_TIMEOUT
from tests.conftest import WorkerFactory
from tests.repository import ROOT
from tests.specs import spec, spec_data
from worker.processes import wait_until
from worker.servers import inherited_environment

PAGE = (ROOT / "docs" / "producer-contract.md").read_text(encoding="utf-8")
EXAMPLE = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)

WITHOUT_OURS = """
import runpy, sys
sys.modules.update(dict.fromkeys(["envwright", "config", "tasks", "worker"]))  # not importable
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


class Producer:
    """Does by hand what the contract says."""

    def __init__(self, client: Client, database: redis.Redis) -> None:
        self._keys = client.settings.keys
        self._queue = client.settings.queue
        self._database = database
        self._celery: Celery[Any] = producer(client.settings)

    def leave(self, submission_id: str, text: str | bytes, priority: str | None = None) -> None:
        key = self._keys.submission(submission_id)
        if priority is not None:
            self._database.hset(key, "priority", priority)
        self._database.hset(key, "spec", text)

    def send(self, submission_id: str) -> None:
        self._celery.send_task(TASK_SUBMIT, args=[submission_id], queue=self._queue)

    def answer(self, submission_id: str) -> dict[str, str]:
        key = self._keys.submission(submission_id)

        def answered() -> dict[str, str]:
            if self._database.hexists(key, "spec"):
                return {}
            found: dict[str, str] = self._database.hgetall(key)
            return found

        return wait_until(answered, COMMAND_TIMEOUT, "the submission is answered")

    def ask(
        self, submission_id: str, text: str | bytes, priority: str | None = None
    ) -> dict[str, str]:
        self.leave(submission_id, text, priority)
        self.send(submission_id)
        return self.answer(submission_id)


def test_the_example_works_as_it_stands(
    worker: WorkerFactory, worker_environment: dict[str, str], client: Client, tmp_path: Path
) -> None:
    """The program on the page, run where this package cannot be imported."""
    (program,) = EXAMPLE
    (tmp_path / "my_service.py").write_text(program)
    (tmp_path / "web.json").write_text(json.dumps(spec_data()))
    worker()

    done = subprocess.run(
        [sys.executable, "-P", "-c", WITHOUT_OURS, "my_service.py", "web.json"],
        cwd=tmp_path,
        env=inherited_environment() | worker_environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=COMMAND_TIMEOUT,
    )

    assert done.returncode == 0, done.stderr
    answer, state = done.stdout.splitlines()
    record = client.status("web")
    assert json.loads(answer) == {
        "state": "accepted",
        "environment_id": "web.eu-west-1",
        "run_id": record.run.id,
    }
    assert state == record.state == State.READY
    assert record.spec == spec()


def test_submissions_are_answered_as_the_page_says(
    worker: WorkerFactory, client: Client, database: redis.Redis
) -> None:
    """Accepted, refused with every fault, in conflict, no JSON at all, and twice over."""
    worker()
    asking = Producer(client, database)

    accepted = asking.ask("one", json.dumps(spec_data()))
    assert accepted["state"] == "accepted"
    assert 0 < database.ttl(client.settings.keys.submission("one")) <= 24 * 3600

    same = asking.ask("two", json.dumps(spec_data()))
    assert same == accepted

    other = asking.ask("three", json.dumps(spec_data(tags={"a": "b"})))
    assert (other["state"], json.loads(other["faults"])) == ("refused", [])
    assert "exists already" in other["error"]

    faulty = asking.ask("four", json.dumps(spec_data(region="mars", colour="red")))
    assert faulty["state"] == "refused"
    assert [one["path"] for one in json.loads(faulty["faults"])] == ["region", "colour"]

    no_json = asking.ask("five", "name: web")
    assert no_json["state"] == "refused"
    assert "not JSON" in no_json["error"]

    for submission_id, text, words in (
        ("six", "[" * 100_000, "nested too deeply"),
        ("seven", json.dumps(spec_data(tags={"a": "x" * MAX_SPEC})), "too large"),
        ("eight", b'{"name": "\xff"}', "not UTF-8"),
    ):
        refused = asking.ask(submission_id, text)
        assert refused["state"] == "refused"
        assert words in refused["error"]

    refused = asking.ask("nine", json.dumps(spec_data("hurried")), "at once")
    assert refused["state"] == "refused"
    assert refused["error"] == "The submission's priority must be one of high, normal, low."
    assert asking.ask("ten", json.dumps(spec_data("hurried")), "high")["state"] == "accepted"
    assert client.status("hurried").run.priority is Priority.HIGH

    corrected = asking.ask("four", json.dumps(spec_data("right")))
    assert set(corrected) == {"state", "environment_id", "run_id"}

    asking.send("one")
    asking.send("unknown")
    asking.ask("last", json.dumps(spec_data("last")))
    assert asking.answer("one") == accepted
    assert not database.exists(client.settings.keys.submission("unknown"))
    assert len(list(client.environments())) == 4


def test_what_is_sent_before_any_worker_is_there_is_answered_later(
    worker: WorkerFactory, client: Client, database: redis.Redis
) -> None:
    """And the spec is in no message, in Redis only until it is answered."""
    asking = Producer(client, database)
    asking.leave("early", json.dumps(spec_data()))
    asking.send("early")
    (message,) = database.lrange(client.settings.queue, 0, -1)
    assert "10.20" not in message

    worker()

    assert asking.answer("early")["state"] == "accepted"
    assert client.wait("web", COMMAND_TIMEOUT).state is State.READY


def test_the_page_names_what_there_is(client: Client) -> None:
    """Keys, states and fields as the code has them."""
    keys = client.settings.model_copy(update={"key_prefix": "envwright"}).keys
    for key in (keys.submission("<id>"), keys.record("<environment id>"), TASK_SUBMIT):
        assert f"`{key}`" in PAGE
    assert all(f"`{state}`" in PAGE for state in State)
    assert all(f'"{state}"' in EXAMPLE[0] for state in AT_REST)
    assert all(f'"{name}"' in PAGE for name in Failure.model_fields)
