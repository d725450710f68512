"""Check specs and describe them, without Redis and without AWS."""

from dataclasses import asdict
from typing import Annotated

import typer

from envwright.cli import exits, inputs
from envwright.cli.options import NO_VALUE, Files, Json


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
