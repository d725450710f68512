"""What the unit tests share."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from envwright.cli import inputs
from envwright.cli.bulks import watch
from envwright.cli.bulks.intake import Specs
from envwright.record import Record
from envwright.testing import InMemoryClient
from tests.bulks import Lines, Write
from tests.sdk import Clock
from tests.specs import spec_data
from tests.story import T0


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> InMemoryClient:
    """What every command connects to, and watches without long pauses: nobody else uses it."""
    memory = InMemoryClient()
    monkeypatch.setattr(inputs, "connect", lambda redis_url: memory)
    monkeypatch.setattr(watch, "_SHORTEST_PAUSE", 0.01)
    return memory


@pytest.fixture
def spec_file(tmp_path: Path) -> Callable[..., str]:
    """Write a spec: a small valid one, with these fields changed."""

    def write(name: str = "web", **changes: Any) -> str:
        file = tmp_path / f"{name}.json"
        file.write_text(json.dumps(spec_data(name, **changes)))
        return str(file)

    return write


@pytest.fixture
def lines(tmp_path: Path) -> Lines:
    """Write a file with a spec a line, of these names."""

    def write(*names: str) -> str:
        file = tmp_path / "labs.jsonl"
        file.write_text("".join(f"{json.dumps(spec_data(name))}\n" for name in names))
        return str(file)

    return write


@pytest.fixture
def specs() -> Iterator[Specs]:
    """What a bulk is read into."""
    with Specs() as specs:
        yield specs


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file of this name; returns its path."""

    def write(name: str, content: str | bytes) -> str:
        file = tmp_path / name
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(file)

    return write


@pytest.fixture
def record() -> Record:
    """An environment whose first run was accepted at `T0`."""
    client = InMemoryClient()
    client.enqueue(spec_data("web"))
    accepted = client.status("web")
    run = accepted.run.model_copy(update={"id": "first", "accepted_at": T0})
    return accepted.model_copy(update={"run": run, "updated_at": T0})


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The time of the door and of the lease."""
    clock = Clock()
    monkeypatch.setattr("tasks.aws.door.clock", clock)
    monkeypatch.setattr("tasks.aws.wire.clock", clock)
    monkeypatch.setattr("tasks.lease.clock", clock)
    return clock
