"""Starts worker processes quickly: what every worker imports is imported once, and then forked.

    python -m tests.chaos.forkserver

Each line on stdin is a request (JSON: `environment`, `log`, `arguments`), each line on stdout the
pid of the worker that was forked for it. From there on the worker is what the command line starts:
`celery -A worker.app worker` reads its settings, makes its connections and leads a session of its
own. Whole worlds of workers die in the tests, and imports would be most of what their lives cost.
"""

import importlib
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

from celery.__main__ import main as celery_main

from worker.tether import die_with

_PRELOADED: Final = (
    "celery.apps.worker",
    "celery.bin.celery",
    "celery.concurrency.thread",
    "kombu.transport.redis",
    "tasks.chain",
    "worker.task",
)
"""All that `worker.app` imports, and not itself: it reads its settings when it is imported."""


def serve() -> None:
    """Fork a worker for each request, until stdin ends."""
    for module in _PRELOADED:
        importlib.import_module(module)
    # The kernel buries the workers: nobody here waits for them.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    parent = os.getpid()
    for line in sys.stdin:
        request = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _become(parent, request["environment"], request["log"], request["arguments"])
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


def _become(
    parent: int, environment: Mapping[str, str], log: str, arguments: Sequence[str]
) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    die_with(parent)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["celery", *arguments]
    code: Any = 1
    try:
        celery_main()
    except SystemExit as end:
        code = end.code
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        # Never back into the loop of the parent.
        os._exit(code if isinstance(code, int) else 1)


if __name__ == "__main__":
    serve()
