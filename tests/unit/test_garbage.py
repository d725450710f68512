"""How seldom a worker's Python looks for cycles; tried in a process of its own, since it stays."""

import subprocess
import sys

from tests.repository import ROOT

_TRY = """
import gc
from worker import runtime

held = [{} for _ in range(1000)]
runtime.allow_files = lambda settings: None
runtime.Runtime = lambda settings: type("Runtime", (), {"name": "worker"})

class Settings:
    concurrency = 1

runtime.start(Settings)
print(gc.get_threshold()[0], gc.get_freeze_count() > 1000, len(gc.get_objects()))
"""


def test_what_is_there_when_a_worker_has_started_is_never_looked_at_again() -> None:
    """And at what comes later one looks far more seldom than Python does by itself."""
    tried = subprocess.run(
        [sys.executable, "-c", _TRY], cwd=ROOT, check=True, capture_output=True, text=True
    )
    born_between_looks, is_frozen, left = tried.stdout.splitlines()[-1].split()

    assert int(born_between_looks) >= 100_000
    assert is_frozen == "True"
    assert int(left) < 1000
