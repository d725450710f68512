"""Look at bulks, pause them, go on with them, and take them down."""

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from envwright.cli import exits, inputs
from envwright.cli.options import Force, Json, JsonBulk, NoWait, RedisUrl, Timeout, Yes

Bulk = Annotated[str, typer.Argument(metavar="BULK", help="A bulk, by id or by name.")]

_HELP = ("-h", "--help")


class ListedByDefault(TyperGroup):
    """`envwright bulks` alone is `envwright bulks list`, with its options."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        is_bare = not args or (args[0].startswith("-") and args[0] not in _HELP)
        return super().parse_args(ctx, ["list", *args] if is_bare else args)


bulks = typer.Typer(
    cls=ListedByDefault,
    help="List bulks; show, watch, pause, resume, retry one, or take it down.",
    rich_markup_mode="rich",
)


@bulks.command("list")
def list_bulks(as_json: Json = False, redis_url: RedisUrl = None) -> int:
    """List all bulks, the newest first."""
    from envwright.cli.bulks.views import show_bulks

    with inputs.connect(redis_url) as client:
        show_bulks(client, as_json)
    return exits.OK


@bulks.command()
def show(bulk: Bulk, as_json: Json = False, redis_url: RedisUrl = None) -> int:
    """Show how a bulk stands, and why members failed; with --json, each of its members."""
    from envwright.cli.bulks.requests import found
    from envwright.cli.bulks.views import show_bulk

    with inputs.connect(redis_url) as client:
        show_bulk(client, found(client, bulk), as_json)
    return exits.OK


@bulks.command()
def watch(
    bulk: Bulk, timeout: Timeout = None, as_json: JsonBulk = False, redis_url: RedisUrl = None
) -> int:
    """Show how a bulk goes until nobody works on it any more."""
    from envwright.cli.bulks import requests
    from envwright.cli.requests import How

    with inputs.connect(redis_url) as client:
        it = requests.found(client, bulk)
        return requests.see_through(client, it, None, How(True, timeout, as_json))


@bulks.command()
def pause(bulk: Bulk, as_json: Json = False, redis_url: RedisUrl = None) -> int:
    """Let no more of a bulk in. Those that a worker has begun go on."""
    from envwright.cli.bulks.requests import found
    from envwright.cli.bulks.views import tell_paused

    with inputs.connect(redis_url) as client:
        tell_paused(client.pause_bulk(found(client, bulk).id), as_json)
    return exits.OK


@bulks.command()
def resume(bulk: Bulk, as_json: Json = False, redis_url: RedisUrl = None) -> int:
    """Go on with a bulk that was paused, or has paused by itself.

    Failures are counted anew from then on.
    """
    from envwright.cli.bulks.requests import found
    from envwright.cli.bulks.views import tell_resumed

    with inputs.connect(redis_url) as client:
        tell_resumed(client.resume_bulk(found(client, bulk).id), as_json)
    return exits.OK


@bulks.command()
def retry(
    bulk: Bulk,
    no_wait: NoWait = False,
    timeout: Timeout = None,
    as_json: JsonBulk = False,
    redis_url: RedisUrl = None,
) -> int:
    """Go on with those of a bulk that failed, also where it was paused."""
    from envwright.cli.bulks import requests
    from envwright.cli.requests import How
    from envwright.cli.waiting import BUILT

    with inputs.connect(redis_url) as client:
        it, now = requests.found(client, bulk), client.now()
        answer = requests.ask_all(it, it.failed, lambda told: client.retry_bulk(it.id, told=told))
        how = How(not no_wait, timeout, as_json)
        return requests.follow_up(client, it, answer, BUILT, how, since=now)


@bulks.command()
def down(
    bulk: Bulk,
    force: Force = False,
    yes: Yes = False,
    no_wait: NoWait = False,
    timeout: Timeout = None,
    as_json: JsonBulk = False,
    redis_url: RedisUrl = None,
) -> int:
    """Take all environments of a bulk down. What waits in line is not begun.

    On a terminal it asks first.
    """
    from envwright.cli.bulks import requests
    from envwright.cli.requests import How
    from envwright.cli.waiting import TAKEN_DOWN

    with inputs.connect(redis_url) as client:
        it, now = requests.found(client, bulk), client.now()
        if not yes and not requests.really_take_down(it):
            raise exits.Declined
        answer = requests.ask_all(
            it, it.total, lambda told: client.destroy_bulk(it.id, force=force, told=told)
        )
        how = How(not no_wait, timeout, as_json)
        return requests.follow_up(client, it, answer, TAKEN_DOWN, how, since=now)
