"""Look at environments, and change nothing."""

from typing import Annotated

import typer

from envwright.cli import exits, inputs
from envwright.cli.options import (
    NO_VALUE,
    Json,
    JsonEvents,
    JsonWatch,
    Name,
    Names,
    RedisUrl,
    Timeout,
)


def status(
    name: Name,
    on_record: Annotated[
        bool,
        typer.Option(
            "--on-record",
            metavar=NO_VALUE,
            help="Show only what is on record: ask no worker how AWS has the instances.",
        ),
    ] = False,
    as_json: Json = False,
    redis_url: RedisUrl = None,
) -> int:
    """Show an environment: its steps, its resources, why it failed, and its instances.

    A worker is asked how AWS has the instances now. Without an answer, the record has to do.
    """
    from envwright.cli.views import show_status

    with inputs.connect(redis_url) as client:
        show_status(client, name, as_json, ask=not on_record)
    return exits.OK


def list_environments(
    state: Annotated[
        list[str] | None,
        typer.Option(
            metavar="STATE",
            help="Only those in this state, and can be repeated: queued, provisioning, ready, "
            "changing, change_failed, failed, cleaning, cleaned, cleanup_failed, destroyed or "
            "recovered.",
        ),
    ] = None,
    as_json: Json = False,
    redis_url: RedisUrl = None,
) -> int:
    """List all environments, the newest first."""
    from envwright.cli.views import show_list

    with inputs.connect(redis_url) as client:
        show_list(client, state or [], as_json)
    return exits.OK


def watch(
    names: Names, timeout: Timeout = None, as_json: JsonWatch = False, redis_url: RedisUrl = None
) -> int:
    """Watch environments until nobody works on them any more.

    Exit code 0 when all end ready or destroyed.
    """
    from envwright.cli.waiting import SETTLED, Awaited, wait_for

    with inputs.connect(redis_url) as client:
        records = [client.status(name) for name in names]
        awaited = [
            Awaited(one.environment_id, one.run.id, SETTLED, is_ours=False) for one in records
        ]
        return wait_for(client, awaited, timeout=timeout, as_json=as_json)


def outputs(name: Name, as_json: Json = False, redis_url: RedisUrl = None) -> int:
    """Show the ids, zones and addresses of a ready environment."""
    from envwright.cli.views import show_outputs

    with inputs.connect(redis_url) as client:
        show_outputs(client, name, as_json)
    return exits.OK


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

    with inputs.connect(redis_url) as client:
        (follow_events if follow else show_events)(client, name, as_json)
    return exits.OK
