"""The embedded stack from the command line.

    python -m worker.local          keep the stack up, until Ctrl-C (make local)
    python -m worker.local demo     show the main job (make demo)

All of it listens on free ports of 127.0.0.1 and lives in one temporary directory. Where this
process itself is killed without warning, its children die with it (on Linux), but the temporary
directory stays until the system cleans up.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.markup import escape

from envwright.errors import EnvwrightError
from worker.interrupt import Interrupted, StopSignals
from worker.servers import FAKE_CREDENTIALS
from worker.stack import LocalStack

_FAILED: Final = 1
_INTERRUPTED: Final = 130
_LOOK_EVERY: Final = 0.2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the stack, or the demo on it. Returns the exit code."""
    chosen = _chosen(arguments)
    console = Console(highlight=False, soft_wrap=True)
    with StopSignals() as signals:
        try:
            if chosen.what == "demo":
                from worker.demo import run_demo  # it brings the AWS SDK, a second of imports

                run_demo(console, signals)
            else:
                keep_up(console, signals, with_worker=not chosen.without_worker)
        except Interrupted as interrupted:
            console.print(f"{interrupted} The stack is stopped, and nothing of it is left.")
            return _INTERRUPTED if chosen.what == "demo" else 0
        except EnvwrightError as error:
            sys.stderr.write(f"{error}\n")
            return _FAILED
    return 0


def keep_up(console: Console, signals: StopSignals, *, with_worker: bool) -> None:
    """Keep a stack up until a signal asks to stop (`Interrupted`) or a part of it fails."""
    with LocalStack(with_worker=with_worker, meanwhile=signals.check) as stack:
        announce(stack, console, with_worker=with_worker)
        while True:
            try:
                signals.wait(_LOOK_EVERY)
            except Interrupted:
                console.print("\nStopping …")
                raise
            stack.check()


def announce(stack: LocalStack, console: Console, *, with_worker: bool) -> None:
    """Say how to talk to the stack from another terminal."""
    say = console.print
    say("[bold]envwright's local stack is up.[/] In another terminal, here:\n")
    environment = stack.client_environment() if with_worker else stack.environment()
    for name, value in environment.items():
        say(escape(f"  export {name}={value}"))
    commands = Path(sys.executable).parent
    if str(commands) not in os.environ.get("PATH", "").split(os.pathsep):
        say(escape(f"  export PATH={commands}:$PATH"))
    say()
    if not with_worker:
        say("  celery -A worker.app worker")
    for command in ("up examples/web.yaml", "list", "outputs web", "down web"):
        say(f"  envwright {command}")
    say("\nThe fake AWS, through the AWS CLI:\n")
    credentials = " ".join(f"{name}={value}" for name, value in FAKE_CREDENTIALS.items())
    say(f"  export {credentials}")
    say(f"  aws --endpoint-url {stack.aws.url} --region eu-west-1 ec2 describe-instances")
    say("\nCtrl-C ends it and removes all of it.")


def _chosen(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m worker.local",
        description="Redis, a fake AWS and an envwright worker, on this machine alone.",
    )
    parser.add_argument(
        "what",
        nargs="?",
        choices=("stay", "demo"),
        default="stay",
        help="stay: keep it up until Ctrl-C; demo: build, break and take down environments",
    )
    parser.add_argument(
        "--without-worker",
        action="store_true",
        help="start Redis and the fake AWS only, to run a worker by hand, in a debugger say",
    )
    chosen = parser.parse_args(arguments)
    if chosen.what == "demo" and chosen.without_worker:
        parser.error("the demo needs its worker")
    return chosen


if __name__ == "__main__":
    sys.exit(main())
