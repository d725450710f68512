"""How many files a worker may have open: tried in processes of their own, since a limit stays."""

import subprocess
import sys

from tests.repository import ROOT

_TRY = """
import resource, sys
from config.settings import WorkerSettings
from worker.files import allow_files

soft, hard = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
allow_files(WorkerSettings(concurrency=1000))
print("allowed", resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


def tried(soft: int, hard: int) -> str:
    """What a worker says that starts with these limits."""
    command = [sys.executable, "-c", _TRY, str(soft), str(hard)]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def test_the_soft_limit_is_raised_as_far_as_is_permitted() -> None:
    """The usual 1024 are fewer than a thousand steps may need."""
    said = tried(1024, 4096)

    assert "allowed 4096" in said
    assert "few_files_allowed" not in said


def test_too_low_a_limit_is_told() -> None:
    """The worker runs all the same."""
    said = tried(256, 512)

    assert "allowed 512" in said
    assert "few_files_allowed" in said
    assert "needed=1300" in said
