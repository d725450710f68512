"""What `status`, `list`, `outputs` and `events` show."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from envwright.cli import output_tables, tables
from envwright.cli.exits import Interrupted, UsageError
from envwright.cli.lines import JsonDisplay, LineDisplay
from envwright.cli.output import clean, console, described, plain, print_json
from envwright.cli.painter import Painter, marks_for
from envwright.cli.results import Report
from envwright.cli.timeline import Timeline
from envwright.cli.watch import Watch, since
from envwright.errors import NotAllowed, NotAnswered
from envwright.record import Record
from envwright.sight import Sight
from envwright.states import State
from envwright.targets import instances_of

if TYPE_CHECKING:
    from envwright.client import Client


_PATIENCE: Final = 5.0
"""Seconds that a worker has to say how AWS has the instances."""


def show_status(client: "Client", name: str, as_json: bool, *, ask: bool) -> None:
    """One environment: how it stands, its steps, its resources, why it failed, its instances.

    To `ask` is to have a worker look at the instances in AWS.
    """
    record = client.status(name)
    seen, unseen = _look(client, record) if ask else (None, None)
    if as_json:
        print_json("status", environment=described(record), seen=plain(seen), unseen=unseen)
        return
    out = console()
    timeline = Timeline()
    timeline.hear(record, since(record.run.id, client.events(record.environment_id)))
    now = client.now()
    painter = Painter(marks_for(out), out.width, now)
    out.print(*painter.in_full(record, timeline, height=0), sep="\n")
    out.print()
    out.print(tables.indented(tables.about(record, now)))
    if record.resources:
        out.print()
        out.print(tables.indented(tables.resources(record, now)))
    if seen is not None and seen.instances:
        out.print()
        out.print(tables.indented(output_tables.seen(seen, now, out.width)))
    elif unseen is not None:
        sys.stderr.write(f"How AWS has the instances is not known. {clean(unseen)}\n")
    if record.failure is not None or record.cleanup_failure is not None:
        out.print()
        Report(out, marks_for(out)).failed(record)


def _look(client: "Client", record: Record) -> tuple[Sight | None, str | None]:
    """How AWS has the instances, or why that is not known; neither, where there are none."""
    if not instances_of(record):
        return None, None
    try:
        return client.look(record.environment_id, _PATIENCE), None
    except NotAnswered as error:
        return None, str(error)


def show_console(client: "Client", name: str, instance: str, timeout: float, as_json: bool) -> None:
    """What an instance has written to its console, line by line."""
    said = client.console(name, instance, timeout)
    if as_json:
        print_json("console", instance=instance, console=plain(said))
        return
    if not said.text:
        sys.stderr.write("AWS has nothing of its console yet: try again in some minutes.\n")
    sys.stdout.writelines(f"{clean(line)}\n" for line in said.text.splitlines())


def show_list(client: "Client", states: Sequence[str], as_json: bool) -> None:
    """All environments, or those in the given states. Raises `UsageError` for an unknown state."""
    unknown = [state for state in states if state not in set(State)]
    if unknown:
        raise UsageError(f"There is no state {unknown[0]}; the states are {', '.join(State)}.")
    found = [one for one in client.environments() if not states or one.state in states]
    if as_json:
        print_json("list", environments=[described(one) for one in found])
        return
    out = console()
    if found:
        out.print(tables.environments(found, client.now(), out.width))
    elif states:
        sys.stderr.write(f"No environment is {' or '.join(states)}.\n")
    else:
        sys.stderr.write(
            "There are no environments to show: `envwright up FILE` builds one, and `envwright "
            "recover` finds those whose records were lost.\n"
        )


def show_outputs(client: "Client", name: str, as_json: bool) -> None:
    """The outputs of an environment. Raises `NotAllowed` while it has none."""
    record = client.status(name)
    if record.outputs is None:
        raise NotAllowed(_no_outputs(record))
    if as_json:
        outputs = plain(record.outputs)
        print_json(
            "outputs",
            environment=record.environment_id,
            outputs=outputs,
            expires_at=record.expires_at,
        )
    else:
        out = console()
        out.print(output_tables.outputs_in_full(record.outputs, out.width))


def _no_outputs(record: Record) -> str:
    said = f"{record.environment_id} is {record.state}: only a ready environment has outputs."
    if record.recovered:
        return f"{said} This one was recovered {tables.WISH_IS_LOST}."
    if record.at_rest:
        return said
    return f"{said} `envwright watch {record.environment_id}` waits for it."


def show_end(client: "Client", record: Record, as_json: bool) -> None:
    """When an environment ends, after that was moved."""
    if as_json:
        print_json("extended", environment=described(record))
    elif end := tables.end(record, client.now()):
        console().print(f"{record.environment_id} is destroyed at {end}.")
    else:
        console().print(f"{record.environment_id} lives until somebody takes it down.")


def show_events(client: "Client", name: str, as_json: bool) -> None:
    """The history of an environment."""
    environment_id = client.resolve(name)
    history = client.events(environment_id)
    if as_json:
        for event in history:
            print_json("event", lines=True, environment=environment_id, event=plain(event))
    else:
        console().print(tables.events(history))


def follow_events(client: "Client", name: str, as_json: bool) -> None:
    """The history of an environment and what comes, a line an event, until Ctrl-C."""
    environment_id = client.status(name).environment_id
    with JsonDisplay() if as_json else LineDisplay() as display:
        watch = Watch(client, {environment_id: None}, endless=True, on_outage=display.show_outage)
        try:
            for update in watch:
                display.show(update)
        except KeyboardInterrupt:
            raise Interrupted("Stopped following; what runs goes on.") from None
