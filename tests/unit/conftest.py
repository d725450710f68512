"""What the unit tests of the command line share."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from envwright.cli import inputs
from envwright.testing import InMemoryClient
from tests.specs import spec_data


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> InMemoryClient:
    """What every command connects to."""
    memory = InMemoryClient()
    monkeypatch.setattr(inputs, "connect", lambda redis_url: memory)
    return memory


@pytest.fixture
def spec_file(tmp_path: Path) -> Callable[..., str]:
    """Write a spec: a small valid one, with these fields changed."""

    def write(name: str = "web", **changes: Any) -> str:
        file = tmp_path / f"{name}.json"
        file.write_text(json.dumps(spec_data(name, **changes)))
        return str(file)

    return write
