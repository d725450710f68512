"""Check specs and describe them, and ask a worker what one would make."""

from dataclasses import asdict
from typing import Annotated

import typer

from envwright.cli import exits, inputs
from envwright.cli.options import NO_VALUE, File, Files, Json, RedisUrl, seconds


def validate(files: Files, as_json: Json = False) -> int:
    """Check specs, without Redis and without AWS."""
    from envwright.cli.output import clean, print_json

    specs = inputs.read_all(files)
    if as_json:
        valid = [
            {
                "file": file,
                "environment": one.environment_id,
                "warnings": [asdict(warning) for warning in one.warnings()],
            }
            for file, one in specs.items()
        ]
        print_json("validate", specs=valid)
    else:
        for file, one in specs.items():
            typer.echo(f"{inputs.shown(file)}: valid ({one.environment_id})")
            for warning in one.warnings():
                typer.echo(f"  {clean(str(warning))}")
    return exits.OK


def plan(
    file: File,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            metavar=NO_VALUE,
            help="Also ask AWS, by calls that change nothing, which permissions are missing.",
        ),
    ] = False,
    timeout: Annotated[
        float,
        typer.Option(metavar="SECONDS", parser=seconds, help="How long a worker may take."),
    ] = 60.0,
    as_json: Json = False,
    redis_url: RedisUrl = None,
) -> int:
    """Show what a spec would make, by which calls, and what of the quotas it takes.

    A worker finds it out, and changes nothing.

    Exit code 1 when a permission is missing, or not enough is left of a quota.
    """
    from envwright.cli.plan_view import show_plan

    (spec,) = inputs.read_all([file]).values()
    with inputs.connect(redis_url) as client:
        found = client.plan(spec, check=check, timeout=timeout)
    show_plan(found, spec.warnings(), as_json)
    return exits.FAILED if found.denied or found.short else exits.OK


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
