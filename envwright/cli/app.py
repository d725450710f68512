"""The command line. What a command needs is imported inside it, so that `--help` comes at once."""

import io
import os
import signal
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from envwright.cli import exits
from envwright.cli.options import (
    NO_VALUE,
    Files,
    Json,
    JsonEvents,
    JsonRun,
    JsonWatch,
    Name,
    Names,
    NoWait,
    RedisUrl,
    Timeout,
)

if TYPE_CHECKING:
    from envwright.client import Client

BUILD = "Build, and take down"
LOOK = "Look"
SPECS = "Specs"
ABOUT = (
    "Build EC2 environments, and take them down again.\n\n"
    "A command puts a job on record in Redis, and workers carry it out. Waiting for it is only "
    "watching: stop it when you like, the job goes on."
)

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


@app.command(rich_help_panel=BUILD)
def up(
    files: Files,
    no_wait: NoWait = False,
    timeout: Timeout = None,
    as_json: JsonRun = False,
    redis_url: RedisUrl = None,
) -> int:
    """Build the environments of these specs, and show how it goes.

    An environment that is there already with the same spec is left as it is.
    """
    from envwright.cli.inputs import read_distinct
    from envwright.cli.requests import How, carry_out
    from envwright.cli.waiting import BUILT

    specs = read_distinct(files)
    with _client(redis_url) as client:
        ids = [spec.environment_id for spec in specs]
        answers = list(zip(ids, client.enqueue_many(specs), strict=True))
        return carry_out(client, answers, BUILT, How(not no_wait, timeout, as_json))


@app.command(rich_help_panel=BUILD)
def down(
    names: Names,
    yes: Annotated[
        bool,
        typer.Option("--yes", "-y", metavar=NO_VALUE, help="Do not ask, also not on a terminal."),
    ] = False,
    no_wait: NoWait = False,
    timeout: Timeout = None,
    as_json: JsonRun = False,
    redis_url: RedisUrl = None,
) -> int:
    """Take environments down, whatever they are doing.

    Their history stays. On a terminal it asks first.
    """
    from envwright.cli.requests import How, attempt, carry_out, really_take_down
    from envwright.cli.waiting import TAKEN_DOWN

    with _client(redis_url) as client:
        records = [client.status(name) for name in dict.fromkeys(names)]
        if not yes and not really_take_down(records):
            raise exits.Declined
        ids = [record.environment_id for record in records]
        answers = [attempt(client.destroy, one) for one in ids]
        return carry_out(client, answers, TAKEN_DOWN, How(not no_wait, timeout, as_json))


@app.command(rich_help_panel=BUILD)
def retry(
    names: Names,
    no_wait: NoWait = False,
    timeout: Timeout = None,
    as_json: JsonRun = False,
    redis_url: RedisUrl = None,
) -> int:
    """Go on with what failed.

    Building goes on at the step that failed, and begins anew after a cleanup.

    A cleanup that failed goes on too.
    """
    from envwright.cli.requests import How, attempt, carry_out

    with _client(redis_url) as client:
        ids = [client.resolve(name) for name in dict.fromkeys(names)]
        answers = [attempt(client.retry, one) for one in ids]
        return carry_out(client, answers, None, How(not no_wait, timeout, as_json))


@app.command(rich_help_panel=LOOK)
def status(name: Name, as_json: Json = False, redis_url: RedisUrl = None) -> int:
    """Show an environment: its steps, its resources, why it failed."""
    from envwright.cli.views import show_status

    with _client(redis_url) as client:
        show_status(client, name, as_json)
    return exits.OK


@app.command("list", rich_help_panel=LOOK)
def list_environments(
    state: Annotated[
        list[str] | None,
        typer.Option(
            metavar="STATE",
            help="Only those in this state, and can be repeated: queued, provisioning, ready, "
            "failed, cleaning, cleaned, cleanup_failed or destroyed.",
        ),
    ] = None,
    as_json: Json = False,
    redis_url: RedisUrl = None,
) -> int:
    """List all environments, the newest first."""
    from envwright.cli.views import show_list

    with _client(redis_url) as client:
        show_list(client, state or [], as_json)
    return exits.OK


@app.command(rich_help_panel=LOOK)
def watch(
    names: Names, timeout: Timeout = None, as_json: JsonWatch = False, redis_url: RedisUrl = None
) -> int:
    """Watch environments until nobody works on them any more.

    Exit code 0 when all end ready or destroyed.
    """
    from envwright.cli.waiting import SETTLED, Awaited, wait_for

    with _client(redis_url) as client:
        records = [client.status(name) for name in names]
        awaited = [
            Awaited(one.environment_id, one.run.id, SETTLED, is_ours=False) for one in records
        ]
        return wait_for(client, awaited, timeout=timeout, as_json=as_json)


@app.command(rich_help_panel=LOOK)
def outputs(name: Name, as_json: Json = False, redis_url: RedisUrl = None) -> int:
    """Show the ids, zones and addresses of a ready environment."""
    from envwright.cli.views import show_outputs

    with _client(redis_url) as client:
        show_outputs(client, name, as_json)
    return exits.OK


@app.command(rich_help_panel=LOOK)
def events(
    name: Name,
    follow: Annotated[
        bool,
        typer.Option(
            "--follow", "-f", metavar=NO_VALUE, help="Go on with what happens next, until Ctrl-C."
        ),
    ] = False,
    as_json: JsonEvents = False,
    redis_url: RedisUrl = None,
) -> int:
    """Show what happened to an environment, the oldest event first."""
    from envwright.cli.views import follow_events, show_events

    with _client(redis_url) as client:
        (follow_events if follow else show_events)(client, name, as_json)
    return exits.OK


@app.command(rich_help_panel=SPECS)
def validate(files: Files, as_json: Json = False) -> int:
    """Check specs, without Redis and without AWS."""
    from envwright.cli.inputs import read_all, shown
    from envwright.cli.output import print_json

    specs = read_all(files)
    if as_json:
        valid = [{"file": file, "environment": one.environment_id} for file, one in specs.items()]
        print_json("validate", specs=valid)
    else:
        for file, one in specs.items():
            typer.echo(f"{shown(file)}: valid ({one.environment_id})")
    return exits.OK


@app.command(rich_help_panel=SPECS)
def schema(
    as_json: Annotated[
        bool,
        typer.Option("--json", metavar=NO_VALUE, help="Print it inside a versioned document."),
    ] = False,
) -> int:
    """Print the JSON Schema of a spec, for editors and other tools."""
    import json

    from envwright.cli.output import print_json
    from envwright.spec import json_schema

    if as_json:
        print_json("schema", schema=json_schema())
    else:
        typer.echo(json.dumps(json_schema(), indent=2))
    return exits.OK


def _client(redis_url: str | None) -> "Client":
    from envwright.cli.inputs import connect

    return connect(redis_url)
