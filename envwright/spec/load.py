"""Spec files: YAML or JSON, with user data in files beside them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from envwright.errors import Fault, SpecError
from envwright.spec.environment import EnvironmentSpec, parse_spec
from envwright.spec.fields import MAX_USER_DATA, user_data_flaw
from envwright.spec.forms import Flaw, shown
from envwright.spec.limits import MAX_SPEC


class Unread(Exception):
    """A file that could not be read; the message says why."""


def load_spec(path: str | Path) -> EnvironmentSpec:
    """Read a spec from a YAML or JSON file. Raises `SpecError` with every fault.

    `user_data: {file: …}` is read relative to the spec file's folder.
    """
    path = Path(path)
    try:
        text = read_text(path, MAX_SPEC)
    except Unread as error:
        raise SpecError([Fault("", str(error))]) from None
    return read_spec(text, path.parent)


def read_spec(text: str, base: str | Path) -> EnvironmentSpec:
    """Read a spec from YAML or JSON text; `base` is the folder that its files are relative to.

    Raises `SpecError` with every fault.
    """
    from envwright.spec.yamlfile import Unreadable, parse_text

    try:
        data = parse_text(text)
    except Unreadable as error:
        raise SpecError([Fault("", str(error))]) from None
    return spec_from(data, base)


def spec_from(data: Any, base: str | Path) -> EnvironmentSpec:
    """A spec of plain data; `base` is the folder that the files in it are relative to.

    Raises `SpecError` with every fault.
    """
    data, flaws = _with_user_data(data, Path(base))
    return parse_spec(data, found=flaws)


def _with_user_data(data: Any, base: Path) -> tuple[Any, list[Flaw]]:
    """The data with each user data file's text in place; a stand-in where it cannot be read."""
    groups = data.get("instances") if isinstance(data, Mapping) else None
    if not isinstance(groups, Mapping):
        return data, []
    read = dict(groups)
    flaws: list[Flaw] = []
    for name, group in groups.items():
        if (file := _named_file(group)) is None:
            continue
        try:
            text = _read_user_data(base / file)
        except Unread as error:
            text = "unread"
            flaws.append((("instances", str(name), "user_data", "file"), str(error)))
        read[name] = {**group, "user_data": text}
    return {**data, "instances": read}, flaws


def _named_file(group: object) -> str | None:
    user_data = group.get("user_data") if isinstance(group, Mapping) else None
    if isinstance(user_data, Mapping) and set(user_data) == {"file"}:
        file = user_data["file"]
        return file if isinstance(file, str) else None
    return None


def _read_user_data(path: Path) -> str:
    text = read_text(path, MAX_USER_DATA)
    if sentence := user_data_flaw(text):
        raise Unread(sentence)
    return text


def read_text(path: Path, limit: int) -> str:
    """The text of a file of at most `limit` bytes. Raises `Unread` with a sentence."""
    file = shown(path, longest=4096)
    try:
        with path.open("rb") as stream:
            content = stream.read(limit + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise Unread(f"{file} cannot be read: {reason[:1].lower()}{reason[1:]}.") from None
    if len(content) > limit:
        raise Unread(f"{file} is too large: it may have {limit} bytes.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unread(f"{file} is not UTF-8 text: byte {error.start} does not fit.") from None
