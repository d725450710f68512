"""On what a benchmark was run."""

import platform
import subprocess
import time
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import psutil

from worker.processes import ROOT
from worker.servers import redis_executable

_PACKAGES: Final = (
    "aiobotocore",
    "aiohttp",
    "boto3",
    "botocore",
    "celery",
    "kombu",
    "moto",
    "redis",
    "hiredis",
    "uvloop",
)


def facts() -> dict[str, Any]:
    """The machine, the versions and the commit."""
    return {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "commit": _git("describe", "--always", "--dirty"),
        "processor": _processor(),
        "cores": psutil.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "python": platform.python_version(),
        "redis_server": _redis_version(),
        "versions": {name: metadata.version(name) for name in _PACKAGES},
    }


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _redis_version() -> str:
    executable = redis_executable()
    if executable is None:
        return "given by REDIS_URL"
    told = subprocess.run([executable, "--version"], check=True, capture_output=True, text=True)
    return told.stdout.partition("v=")[2].partition(" ")[0]


def _git(*arguments: str) -> str:
    command = ["git", "-c", "safe.directory=*", *arguments]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    return done.stdout.strip() or "unknown"
