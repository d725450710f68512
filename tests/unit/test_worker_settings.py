"""A worker that is told nonsense says so in sentences, and shows no secret."""

import os
import subprocess
import sys

from tests.repository import ROOT


def test_wrong_settings_are_named_and_their_values_kept_back() -> None:
    """No traceback, and no password of a URL, in the log of a container that does not start."""
    wrong = {
        "ENVWRIGHT_LOG_LEVEL": "loud",
        "ENVWRIGHT_REDIS_URL": "postgres://u:rosebud@db",
        "ENVWRIGHT_AWS_LIMITS": '{"own": {"RunInstances": {"capacity": 5, "refill": 0}}, "me": {}}',
    }

    ended = subprocess.run(
        [sys.executable, "-c", "import worker.app"],
        cwd=ROOT,
        env=os.environ | wrong,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 1
    assert "ENVWRIGHT_LOG_LEVEL: Input should be 'debug'" in ended.stderr
    assert "ENVWRIGHT_REDIS_URL: Value error, The address of Redis begins" in ended.stderr
    assert "ENVWRIGHT_AWS_LIMITS.own.RunInstances.refill: Input should be greater" in ended.stderr
    assert "ENVWRIGHT_AWS_LIMITS.me: `me` is not an account: write `all`" in ended.stderr
    assert "rosebud" not in ended.stderr
    assert "Traceback" not in ended.stderr
