"""Build environments, take them down, and go on with what failed."""

from functools import partial
from typing import Annotated

import typer

from envwright.cli import exits, inputs
from envwright.cli.options import (
    NO_VALUE,
    Files,
    Force,
    JsonRun,
    Names,
    NoWait,
    Order,
    RedisUrl,
    SomeNames,
    Timeout,
    Yes,
)
from envwright.priority import Priority


def up(
    files: Files,
    priority: Order = Priority.NORMAL,
    no_wait: NoWait = False,
    timeout: Timeout = None,
    as_json: JsonRun = False,
    redis_url: RedisUrl = None,
) -> int:
    """Build the environments of these specs, and show how it goes.

    An environment that is there already with the same spec is left as it is.
    """
    from envwright.cli.requests import How, carry_out
    from envwright.cli.waiting import BUILT

    specs = inputs.read_distinct(files)
    with inputs.connect(redis_url) as client:
        ids = [spec.environment_id for spec in specs]
        answers = list(zip(ids, client.enqueue_many(specs, priority=priority), strict=True))
        return carry_out(client, answers, BUILT, How(not no_wait, timeout, as_json))


def down(
    names: Names,
    force: Force = False,
    yes: Yes = False,
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

    with inputs.connect(redis_url) as client:
        records = [client.status(name) for name in dict.fromkeys(names)]
        if not yes and not really_take_down(records):
            raise exits.Declined
        ids = [record.environment_id for record in records]
        answers = [attempt(partial(client.destroy, force=force), one) for one in ids]
        return carry_out(client, answers, TAKEN_DOWN, How(not no_wait, timeout, as_json))


def cancel(
    names: Names,
    yes: Yes = False,
    no_wait: NoWait = False,
    timeout: Timeout = None,
    as_json: JsonRun = False,
    redis_url: RedisUrl = None,
) -> int:
    """Call off building.

    What was made is taken down, or held where the spec says `on_failure: hold`.

    On a terminal it asks before it takes anything down.
    """
    from envwright.cli.requests import How, attempt, carry_out, really_take_down
    from envwright.cli.waiting import CALLED_OFF
    from envwright.states import UNDER_CONSTRUCTION

    with inputs.connect(redis_url) as client:
        records = [client.status(name) for name in dict.fromkeys(names)]
        doomed = [
            record
            for record in records
            if record.state in UNDER_CONSTRUCTION and record.on_failure == "cleanup"
        ]
        if not yes and not really_take_down(doomed):
            raise exits.Declined
        answers = [attempt(client.cancel, record.environment_id) for record in records]
        return carry_out(client, answers, CALLED_OFF, How(not no_wait, timeout, as_json))


def retry(
    names: SomeNames = None,
    every: Annotated[
        bool,
        typer.Option("--all", metavar=NO_VALUE, help="All that can be retried, instead of names."),
    ] = False,
    state: Annotated[
        list[str] | None,
        typer.Option(
            metavar="STATE",
            help="With --all, only those in this state: change_failed, failed, cleaned or "
            "cleanup_failed. Can be repeated.",
        ),
    ] = None,
    error: Annotated[
        str | None,
        typer.Option(
            metavar="ERROR",
            show_default=False,
            help="With --all, only those that failed of this: a category, AWS's code, or the "
            "class of one, such as throttled.",
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", metavar=NO_VALUE, help="With --all, say how many that is; begin nothing."
        ),
    ] = False,
    yes: Yes = False,
    no_wait: NoWait = False,
    timeout: Timeout = None,
    as_json: JsonRun = False,
    redis_url: RedisUrl = None,
) -> int:
    """Go on with what failed.

    Building goes on at the step that failed, and begins anew after a cleanup.

    A change of instances and a cleanup that failed go on too.

    With --all it asks first on a terminal.
    """
    from envwright.cli.choice import choose, doubt, really_retry, show
    from envwright.cli.requests import How, carry_out

    if every == bool(names):
        raise exits.UsageError("Give names, or --all: `envwright retry --help` shows both.")
    if not every and (state or error is not None or dry_run):
        raise exits.UsageError("--state, --error and --dry-run go with --all, and not with names.")
    with inputs.connect(redis_url) as client:
        ids = [client.resolve(name) for name in dict.fromkeys(names or [])]
        if every:
            choice = choose(client, state or [], error)
            doubtful = doubt(client, choice, error)
            if doubtful:
                typer.echo(doubtful, err=True)
            if dry_run:
                show(choice, as_json)
                return exits.OK
            if not yes and not really_retry(choice):
                raise exits.Declined
            ids = [*choice.ids]
            if not ids and not as_json:
                if not doubtful:
                    typer.echo("There is nothing to retry.", err=True)
                return exits.OK
        answers = list(zip(ids, client.retry_many(ids), strict=True))
        return carry_out(client, answers, None, How(not no_wait, timeout, as_json))
