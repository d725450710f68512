"""Change instances of an environment, and read the console of one."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Final

import typer

from envwright.cli import exits, inputs
from envwright.cli.options import Json, JsonRun, Name, NoWait, RedisUrl, Timeout, Yes, seconds

Targets = Annotated[
    list[str],
    typer.Argument(
        metavar="INSTANCE_OR_GROUP",
        help="Instances by id, and groups of instances by name, as `status` shows them.",
        show_default=False,
    ),
]

_REQUIRED: Final = ...
"""As a default, Typer's own mark of what must be given."""

_ABOUT: Final = {
    "stop": "Stop instances; without any named, all of them.\n\n"
    "Their public addresses are given back. What is stopped already stays so.",
    "start": "Start instances that are stopped; without any named, all of them.\n\n"
    "It waits until they have passed their status checks.",
    "reboot": "Reboot instances; without any named, all of them.",
    "terminate": "Terminate instances, and put none in their place.\n\n"
    "A later `replace` of their group does.",
    "replace": "Terminate instances, and make new ones in their place.\n\n"
    "A group has as many as its spec asks for afterwards.",
}


def _command(verb: str, unnamed: Any = ()) -> Callable[..., int]:
    """The command of this verb; `unnamed` is what it means where no target is named."""

    def command(
        name: Name,
        targets: Targets = unnamed,
        yes: Yes = False,
        no_wait: NoWait = False,
        timeout: Timeout = None,
        as_json: JsonRun = False,
        redis_url: RedisUrl = None,
    ) -> int:
        from envwright.change import Operation
        from envwright.cli.requests import How, attempt, carry_out, really_change
        from envwright.cli.waiting import BUILT

        operation = Operation(verb)
        meant = tuple(dict.fromkeys(targets))
        with inputs.connect(redis_url) as client:
            record = client.status(name)
            if not yes and not really_change(record, operation, meant):
                raise exits.Declined
            request = partial(client.change, operation=operation, instances=meant)
            answers = [attempt(request, record.environment_id)]
            return carry_out(client, answers, BUILT, How(not no_wait, timeout, as_json))

    command.__doc__ = f"{_ABOUT[verb]}\n\nOn a terminal it asks first."
    return command


def console(
    name: Name,
    instance: Annotated[str, typer.Argument(metavar="INSTANCE", help="An instance, by its id.")],
    timeout: Annotated[
        float,
        typer.Option(
            metavar="SECONDS", parser=seconds, help="How long a worker may take to fetch it."
        ),
    ] = 30.0,
    as_json: Json = False,
    redis_url: RedisUrl = None,
) -> int:
    """Print what an instance has written to its console; a worker asks AWS for it.

    It may hold secrets, and is kept nowhere.
    """
    from envwright.cli.views import show_console

    with inputs.connect(redis_url) as client:
        show_console(client, name, instance, timeout, as_json)
    return exits.OK


stop = _command("stop")
start = _command("start")
reboot = _command("reboot")
terminate = _command("terminate", unnamed=_REQUIRED)
replace = _command("replace", unnamed=_REQUIRED)
