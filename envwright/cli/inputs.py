"""What the commands take in: spec files, and the way to Redis."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from envwright.cli.exits import FaultySpecs, UsageError
from envwright.cli.output import clean
from envwright.errors import Fault, SpecError

if TYPE_CHECKING:
    from envwright.client import Client
    from envwright.spec import EnvironmentSpec
    from envwright.survey import Place

STDIN: Final = "-"


def read_all(files: Sequence[str]) -> "dict[str, EnvironmentSpec]":
    """The specs in these files. Raises `FaultySpecs` with what is wrong with all of them."""
    specs: dict[str, EnvironmentSpec] = {}
    faults: dict[str, Sequence[Fault]] = {}
    unread: dict[str, str] = {}
    for file in dict.fromkeys(files):
        try:
            specs[file] = _read(file)
        except SpecError as error:
            faults[file] = error.faults
        except OSError as error:
            unread[file] = (error.strerror or str(error)).lower()
    if faults or unread:
        raise FaultySpecs(faults, unread)
    return specs


def read_distinct(files: Sequence[str]) -> "list[EnvironmentSpec]":
    """The specs in these files, each of an environment of its own.

    Raises `FaultySpecs`, and `UsageError` where two of them are the same environment.
    """
    for file in files:
        if files.count(file) > 1:
            raise UsageError(f"{shown(file)} is given {files.count(file)} times: give it once.")
    specs = read_all(files)
    first: dict[str, str] = {}
    for file, spec in specs.items():
        other = first.setdefault(spec.environment_id, file)
        if other != file:
            raise UsageError(
                f"{shown(other)} and {shown(file)} both describe {spec.environment_id}: leave one "
                f"of them out, or give it another name or region."
            )
    return list(specs.values())


def shown(file: str) -> str:
    """A file as it is called in sentences."""
    return "stdin" if file == STDIN else clean(file)


def _read(file: str) -> "EnvironmentSpec":
    from envwright.spec import load_spec, read_spec

    if file != STDIN:
        # Why a file cannot be opened is no fault of a spec.
        Path(file).open("rb").close()
        return load_spec(file)
    try:
        text = sys.stdin.read()
    except UnicodeDecodeError:
        raise SpecError([Fault("", "What came on stdin is not UTF-8 text.")]) from None
    return read_spec(text, Path.cwd())


def places(regions: Sequence[str], role_arn: str | None, external_id: str | None) -> "list[Place]":
    """The regions of an account, to look in. Raises `UsageError` for what is no such place."""
    from pydantic import ValidationError

    from envwright.spec.faults import explained
    from envwright.survey import Place

    if not regions:
        raise UsageError("Which regions to look in is not said: give --region.")
    account = None if role_arn is None else {"role_arn": role_arn, "external_id": external_id}
    found = []
    for region in dict.fromkeys(regions):
        data = {"region": region, "account": account}
        try:
            found.append(Place.model_validate(data))
        except ValidationError as error:
            sentences = [sentence for _, sentence in explained(Place, data, error)]
            raise UsageError("\n".join(sentences)) from None
    return found


def places_on_record(client: "Client") -> "list[Place]":
    """Wherever the records say that there are environments. Raises `UsageError` without any."""
    from envwright.survey import Place

    found = {(one.identity.region, one.identity.account) for one in client.environments()}
    if not found:
        raise UsageError("There are no records that say where to look: give --region.")
    told = [Place(region=region, account=account) for region, account in found]
    return sorted(told, key=str)


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
            _problem(str(one["loc"][0]), one["msg"])
            for one in error.errors(include_input=False, include_url=False)
        ]
        raise UsageError("\n".join(problems)) from None
    except ValueError as error:
        raise UsageError(f"The address of Redis is not valid: {error}.") from None


def _problem(setting: str, why: str) -> str:
    if setting == "redis_url":
        return "The address of Redis is not valid: it begins with redis:// or rediss://."
    return f"ENVWRIGHT_{setting.upper()} is not valid: {why}."
