"""What the commands take in: spec files, and the way to Redis."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from envwright.cli.exits import FaultySpecs, UsageError
from envwright.errors import Fault, SpecError

if TYPE_CHECKING:
    from envwright.client import Client
    from envwright.spec import EnvironmentSpec

STDIN: Final = "-"


def read_all(files: Sequence[str]) -> "dict[str, EnvironmentSpec]":
    """The specs in these files. Raises `FaultySpecs` with the faults of all of them."""
    specs: dict[str, EnvironmentSpec] = {}
    faults: dict[str, Sequence[Fault]] = {}
    for file in dict.fromkeys(files):
        try:
            specs[file] = _read(file)
        except SpecError as error:
            faults[file] = error.faults
    if faults:
        raise FaultySpecs(faults)
    return specs


def _read(file: str) -> "EnvironmentSpec":
    from envwright.spec import load_spec, read_spec

    if file != STDIN:
        return load_spec(file)
    try:
        text = sys.stdin.read()
    except UnicodeDecodeError:
        raise SpecError([Fault("", "What came on stdin is not UTF-8 text.")]) from None
    return read_spec(text, Path.cwd())


def connect(redis_url: str | None) -> "Client":
    """A client by the environment's settings. Raises `UsageError` when these are not valid."""
    from pydantic import ValidationError

    from envwright.client import Client

    given: dict[str, Any] = {} if redis_url is None else {"redis_url": redis_url}
    try:
        return Client(**given)
    except ValidationError as error:
        # Values are left out: the URL may hold a password.
        problems = [
            f"ENVWRIGHT_{str(one['loc'][0]).upper()} is not valid: {one['msg']}."
            for one in error.errors(include_input=False, include_url=False)
        ]
        raise UsageError("\n".join(problems)) from None
    except ValueError as error:
        raise UsageError(f"The address of Redis is not valid: {error}.") from None
