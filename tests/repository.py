"""The repository as the tests of packaging and deployment see it."""

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Set
from importlib import metadata
from pathlib import Path
from typing import Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT: Final = Path(__file__).parents[1]

_LOADED_BY: Final = """
import sys
sys.modules.update(dict.fromkeys({hidden}))  # what is None there cannot be imported
before = set(sys.modules)
{code}
print(*sorted({{name.partition(".")[0] for name in set(sys.modules) - before}}))
"""


def text_files() -> Iterator[tuple[Path, str]]:
    """All files of the repository, with their text; what git ignores is none of them."""
    if not (ROOT / ".git").exists():
        if os.environ.get("CI"):
            pytest.fail("this is no git checkout (in CI this is an error)")
        pytest.skip("this is no git checkout, so nothing says which files belong to it")
    listed = subprocess.run(
        # CI may run as another user than the one who made the clone.
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "-co", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        path = ROOT / name
        if path.is_file():
            yield path.relative_to(ROOT), path.read_text(encoding="utf-8")


def code_in(markdown: str) -> list[str]:
    """What a Markdown text sets as code: its fenced blocks, and its words in backticks."""
    fenced = re.findall(r"^```.*?^```", markdown, re.DOTALL | re.MULTILINE)
    return fenced + re.findall(r"`([^`\n]+)`", markdown)


def pins(lock: str) -> dict[str, str]:
    """The versions that a lock names, by distribution."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9][a-z0-9.-]*)==([^ ;\\]+)", text, re.MULTILINE))


def modules_loaded_by(code: str, installed: Set[str] | None = None, path: Path = ROOT) -> set[str]:
    """The top-level modules that a fresh interpreter imports when it runs this code.

    With `installed`, it runs as if of all distributions only these were installed. Our own code
    comes from `path`.
    """
    done = subprocess.run(
        # -P: not from the current directory.
        [sys.executable, "-P", "-c", _LOADED_BY.format(hidden=_hidden(installed), code=code)],
        env=os.environ | {"PYTHONPATH": str(path)},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def _hidden(installed: Set[str] | None) -> list[str]:
    return [
        module
        for module, distributions in metadata.packages_distributions().items()
        if installed is not None
        and installed.isdisjoint(canonicalize_name(name) for name in distributions)
    ]


def needed_by(requirements: Iterable[str]) -> set[str]:
    """The names of all distributions that these requirements bring, directly or not."""
    waiting = [Requirement(text) for text in requirements]
    seen: set[tuple[str, str]] = set()
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        for extra in requirement.extras | {""}:
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            for text in metadata.requires(name) or ():
                further = Requirement(text)
                if further.marker is None or further.marker.evaluate({"extra": extra}):
                    waiting.append(further)
    return {name for name, _ in seen}


def table(text: str, heading: str) -> list[list[str]]:
    """The cells of the first table under a heading, without its own two head lines."""
    part = text.split(f"\n{heading}\n", 1)[1].split("\n#", 1)[0]
    rows = re.findall(r"^\|(.+)\|$", part, re.MULTILINE)
    return [[cell.strip() for cell in row.split("|")] for row in rows[2:]]
