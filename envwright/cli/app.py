"""The command line: its commands, and how each ends.

What a command needs is imported inside it, so that `--help` comes at once.
"""

import io
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Final, NoReturn

import typer

from envwright.cli import exits
from envwright.cli.commands import build, bulk, bulks, extend, instances, look, lost, parked, specs
from envwright.cli.options import NO_VALUE

ABOUT = (
    "Build EC2 environments, and take them down again.\n\n"
    "A command puts a job on record in Redis, and workers carry it out. Waiting for it is only "
    "watching: stop it when you like, the job goes on."
)
PANELS: Final[Mapping[str, Mapping[str, Callable[..., Any]]]] = {
    "Build, and take down": {
        "up": build.up,
        "down": build.down,
        "cancel": build.cancel,
        "retry": build.retry,
        "extend": extend.extend,
    },
    "Many at once": {"bulk": bulk.bulk},
    "Instances": {
        "stop": instances.stop,
        "start": instances.start,
        "reboot": instances.reboot,
        "terminate": instances.terminate,
        "replace": instances.replace,
        "console": instances.console,
    },
    "Look": {
        "status": look.status,
        "list": look.list_environments,
        "watch": look.watch,
        "outputs": look.outputs,
        "events": look.events,
        "parked": parked.parked,
    },
    "After a loss": {"recover": lost.recover, "orphans": lost.orphans},
    "Specs": {"validate": specs.validate, "plan": specs.plan, "schema": specs.schema},
}
"""The commands, by the panel of the help that they stand in."""

app = typer.Typer(
    name="envwright",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit: 0 done, 1 failed, 2 mistyped, 130 stopped by Ctrl-C."""
    signal.signal(signal.SIGTERM, _terminate)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; every error ends as a sentence."""
    as_json, debug = _asked_for("--json", arguments), _asked_for("--debug", arguments)
    try:
        words = _without("--debug", arguments)
        code = app(args=words, prog_name="envwright", standalone_mode=False) or exits.OK
        if code == exits.INTERRUPTED:  # What Typer makes of Ctrl-C, without a word.
            return exits.tell(exits.Interrupted(), as_json)
        sys.stdout.flush()
        return code
    except (KeyboardInterrupt, typer.Abort):
        return exits.tell(exits.Interrupted(), as_json)
    except BrokenPipeError:
        _give_up_stdout()
        return exits.FAILED
    except Exception as error:
        if debug:
            import traceback

            traceback.print_exc()
        if exits.is_of_stdout(error):
            _give_up_stdout()
            as_json = False
        return exits.tell(error, as_json)


def _give_up_stdout() -> None:
    """Let go of what stdout did not take, or the interpreter fails at it once more at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _asked_for(option: str, arguments: Sequence[str]) -> bool:
    """Read from the bare words, since a mistyped command line is never parsed to its end."""
    words = list(arguments)
    return option in (words[: words.index("--")] if "--" in words else words)


def _without(option: str, arguments: Sequence[str]) -> list[str]:
    """The command line without an option that may stand anywhere on it."""
    words = list(arguments)
    end = words.index("--") if "--" in words else len(words)
    return [word for word in words[:end] if word != option] + words[end:]


def _terminate(*_: object) -> NoReturn:
    # As an exception, so that the live display gives the cursor back.
    sys.exit(128 + signal.SIGTERM)


@app.callback(invoke_without_command=True, help=ABOUT)
def envwright(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", metavar=NO_VALUE, help="Print the version.")
    ] = False,
    debug: Annotated[
        bool,
        typer.Option(
            "--debug", metavar=NO_VALUE, help="Show the traceback of an error, for a report."
        ),
    ] = False,
) -> None:
    if version:
        from envwright import __version__

        typer.echo(f"envwright {__version__}")
        raise typer.Exit()
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(exits.USAGE)


for panel, commands in PANELS.items():
    for name, command in commands.items():
        app.command(name, rich_help_panel=panel)(command)
app.add_typer(bulks.bulks, name="bulks", rich_help_panel="Many at once")
