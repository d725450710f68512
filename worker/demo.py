"""The main job, shown to someone who sees envwright for the first time (make demo).

The commands are the real CLI on a real stack. Each has the outcome that is promised before it
runs, or the demo fails: so it is a test as well.
"""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Final

from rich.console import Console

from envwright.errors import EnvwrightError
from envwright.spec import EnvironmentSpec, load_spec
from tasks.aws.census import census
from tasks.kinds import LISTINGS
from worker.interrupt import StopSignals
from worker.processes import ROOT, tethered, wait_until
from worker.servers import inherited_environment, turn_away_from_aws
from worker.stack import LocalStack

WEB: Final = Path("examples/web.yaml")
BROKEN: Final = Path("examples/unknown-image.yaml")
UNKNOWN_IMAGE: Final = "InvalidAMIID.NotFound"

_COMMAND_TIMEOUT: Final = 120.0
_GRACE: Final = 5.0


class DemoFailed(EnvwrightError):
    """The demo did not go as promised."""


def run_demo(console: Console, signals: StopSignals) -> None:
    """Show the main job on a stack of its own.

    Raises `DemoFailed` when something is not as promised, `ChildFailed` when the stack fails and
    `Interrupted` when a signal asks to stop.
    """
    turn_away_from_aws()
    console.print("Starting a Redis, a fake AWS and a worker on this machine …")
    with LocalStack(meanwhile=signals.check) as stack:
        Demo(console, signals, stack).run()
    console.print(
        "\nThat was all of it: the stack is stopped, and nothing of it is left. Next: "
        "[bold]make local[/] keeps it up, so that you can try your own environments."
    )


class Demo:
    """The demo's acts, and how they are shown and checked."""

    def __init__(self, console: Console, signals: StopSignals, stack: LocalStack) -> None:
        self._console = console
        self._signals = signals
        self._stack = stack
        self._environment = inherited_environment() | stack.environment()
        self._web = load_spec(ROOT / WEB)
        self._broken = load_spec(ROOT / BROKEN)

    def run(self) -> None:
        self._say("One command builds a network over two zones, its security and its instances:")
        self._envwright("up", str(WEB))
        self._say("What another service would want to know about it:")
        self._envwright("outputs", self._web.name)
        self._say("The fake AWS, asked directly:")
        self._expect_something(self._web)

        self._say("This one names an image that does not exist. It fails, and cleans up after it:")
        self._envwright("up", str(BROKEN), exit_code=1)
        self._say("The record still says what happened:")
        self._envwright("list")
        self._expect_failure(self._broken, UNKNOWN_IMAGE)
        self._say("The fake AWS, asked directly: is anything of it left?")
        self._expect_nothing(self._broken)

        self._say("And down with the first one:")
        self._envwright("down", "--yes", self._web.name)
        self._say("The fake AWS, asked directly:")
        self._expect_nothing(self._web)

    def _say(self, sentence: str) -> None:
        self._console.print(f"\n[cyan]{sentence}[/]")

    def _envwright(self, *arguments: str, exit_code: int = 0) -> None:
        """Run the CLI on this terminal, and see that it ends with the promised exit code."""
        shown = " ".join(("envwright", *arguments))
        self._console.print(f"[bold]$ {shown}[/]")
        process = subprocess.Popen(
            tethered(command_line(*arguments)),
            env=self._environment,
            cwd=ROOT,
            # Ctrl-C ends the demo with its stack: that a job goes on would not be true here.
            start_new_session=True,
        )

        def ended() -> bool:
            self._signals.check()
            self._stack.check()
            return process.poll() is not None

        try:
            wait_until(ended, _COMMAND_TIMEOUT, f"end of `{shown}`")
        except TimeoutError as error:
            raise DemoFailed(f"`{shown}` did not end within {_COMMAND_TIMEOUT:g} s.") from error
        finally:
            _end(process)
        if process.returncode != exit_code:
            raise DemoFailed(
                f"`{shown}` ended with exit code {process.returncode} instead of {exit_code}."
            )

    def _expect_failure(self, spec: EnvironmentSpec, code: str) -> None:
        """See that it failed for the reason that was shown, and for no other."""
        status = subprocess.run(
            command_line("status", spec.name, "--json"),
            env=self._environment,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            timeout=_COMMAND_TIMEOUT,
            check=True,
        )
        failure = json.loads(status.stdout)["environment"]["failure"]
        if failure["code"] != code:
            raise DemoFailed(f"{spec.environment_id} did not fail with {code}: {failure}.")

    def _expect_something(self, spec: EnvironmentSpec) -> None:
        found = {kind: ids for kind, ids in self._look(spec).items() if ids}
        if not found:
            raise DemoFailed(f"AWS holds nothing of {spec.environment_id}, which was built.")
        counts = ", ".join(_counted(len(ids), _words(kind)) for kind, ids in found.items())
        # The console leaves lines to the terminal, which would break this one within a word.
        self._console.print(f"{spec.environment_id}: [bold]{counts}[/]", soft_wrap=False)

    def _expect_nothing(self, spec: EnvironmentSpec) -> None:
        found = self._look(spec)
        if left := {kind: ids for kind, ids in found.items() if ids}:
            raise DemoFailed(f"AWS still holds {left} of {spec.environment_id}.")
        self._console.print(f"{spec.environment_id}: [bold]nothing at all[/]")

    def _look(self, spec: EnvironmentSpec) -> dict[str, list[str]]:
        return asyncio.run(census(LISTINGS, spec.environment_id, spec.region, self._stack.aws.url))


def command_line(*arguments: str) -> list[str]:
    """The CLI of this very checkout, whatever is on the PATH."""
    return [sys.executable, "-m", "envwright", *arguments]


def _words(kind: str) -> str:
    return kind.replace("_", " ")


def _counted(number: int, words: str) -> str:
    return f"{number} {words}" if number == 1 else f"{number} {words}s"


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a command that still runs; it may have the terminal's cursor to put right first."""
    process.terminate()
    try:
        process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
