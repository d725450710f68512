"""Build many environments as one thing."""

from typing import Annotated

import typer

from envwright.cli import exits, inputs
from envwright.cli.options import NO_VALUE, JsonBulk, NoWait, Order, RedisUrl, Report, Timeout
from envwright.priority import Priority


def bulk(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="Specs as JSON, one a line, `-` is stdin; or a template in YAML, with --values.",
        ),
    ],
    values: Annotated[
        str | None,
        typer.Option(
            metavar="TABLE",
            show_default=False,
            help="A CSV or TSV file, `-` is stdin. Each row is an environment, and fills in the "
            "template's ${column}.",
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", show_default=False, help="What to call the bulk, beside its id."
        ),
    ] = None,
    max_failures: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=0,
            show_default=False,
            help="Pause it when more than so many have failed. It begins with ten then, and more "
            "follow as these get on.",
        ),
    ] = None,
    priority: Order = Priority.LOW,
    bulk_id: Annotated[
        str | None,
        typer.Option(
            "--id",
            metavar="ID",
            show_default=False,
            help="The bulk's id. The same command with the same id goes on where one ended.",
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", metavar=NO_VALUE, help="Check them all, without Redis; begin nothing."
        ),
    ] = False,
    no_wait: NoWait = False,
    timeout: Timeout = None,
    report: Report = None,
    as_json: JsonBulk = False,
    redis_url: RedisUrl = None,
) -> int:
    """Build many environments as one thing, and show how it goes.

    All are checked before the first is asked for. They wait in line and are let in bit by bit.

    `envwright bulks` shows, pauses, retries and takes down what was asked for so.
    """
    from envwright.cli.bulks import requests
    from envwright.cli.bulks.intake import Specs
    from envwright.cli.bulks.report import ReportFile
    from envwright.cli.bulks.source import read_lines, read_table
    from envwright.cli.requests import How
    from envwright.cli.waiting import BUILT

    how = How(not no_wait, timeout, as_json)
    if report is not None and (no_wait or dry_run):
        raise exits.UsageError(
            "--report is written at the end: it goes neither with --no-wait nor with --dry-run."
        )
    file_of_report = None if report is None else ReportFile(report)
    with Specs() as specs:
        if values is None:
            read_lines(specs, file)
        else:
            read_table(specs, file, values)
        if dry_run:
            requests.show_dry_run(specs, as_json)
            return exits.OK
        with inputs.connect(redis_url) as client:
            begun = requests.ask_for(
                client,
                specs,
                name=name,
                priority=priority,
                max_failures=max_failures,
                bulk_id=bulk_id,
            )
            requests.announce(begun, how)
            code = exits.OK
            if how.wait:
                code = requests.see_through(
                    client, begun, BUILT, how, since=begun.created_at, report=file_of_report
                )
            return exits.FAILED if begun.refused else code
