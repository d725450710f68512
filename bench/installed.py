"""What a side needs to be installed: put into place for the rivals, and how large it is.

What is not in the project's own environment goes into `.bench/`, once.
"""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from worker.processes import ROOT

PLACE: Final = ROOT / ".bench"
RIVALS: Final = ROOT / "bench" / "rivals"
_MIB: Final = 2**20
_OF_PIP: Final = frozenset({"pip", "setuptools"})
"""They are in every new environment, and nothing of a side."""


class NotHere(RuntimeError):
    """Something cannot be installed on this machine."""


def environment(name: str) -> Path:
    """A Python environment for `bench/rivals/<name>/requirements.lock`, made if it is missing."""
    lock = RIVALS / name / "requirements.lock"
    place = PLACE / name
    if not _is_of(place, lock):
        _run(sys.executable, "-m", "venv", "--clear", str(place))
        pip = (str(place / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "-qq")
        locked = ("--require-hashes", "--no-deps", "--only-binary", ":all:", "-r", str(lock))
        _run(*pip, "install", *locked)
        _mark(place, lock)
    return place


def node_modules(name: str) -> Path:
    """The folder of the Node project in `bench/rivals/<name>`, with all that it names."""
    source, place = RIVALS / name, PLACE / f"{name}-project"
    if not _is_of(place, source / "package.json"):
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        shutil.copy(source / "package.json", place)
        # What a lock would hold is where each package came from: another place on each machine.
        quietly = ("--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error")
        _run("npm", "install", "--prefix", str(place), *quietly)
        _mark(place, source / "package.json")
    shutil.copy(source / "app.js", place)
    return place


def mib_of_folder(folder: Path) -> float:
    return sum(file.lstat().st_size for file in folder.rglob("*") if not file.is_dir()) / _MIB


def mib_of_environment(place: Path) -> float:
    """All packages of an environment but for those that install packages."""
    (packages,) = (place / "lib").glob("python*/site-packages")
    found = metadata.distributions(path=[str(packages)])
    return sum(_size(one) for one in found if canonicalize_name(one.name) not in _OF_PIP) / _MIB


def mib_of_packages(*names: str) -> float:
    """These packages of the environment that runs, and all that they need."""
    return sum(_size(metadata.distribution(name)) for name in _with_needs(names)) / _MIB


def mib_of_lock(lock: Path) -> float:
    """The packages that a lock names, as far as this machine has a use for them."""
    lines = lock.read_text(encoding="utf-8").splitlines()
    wanted = [Requirement(line.rstrip(" \\")) for line in lines if line[:1].isalnum()]
    here = [one.name for one in wanted if one.marker is None or one.marker.evaluate()]
    return sum(_size(metadata.distribution(name)) for name in here) / _MIB


def _with_needs(names: Iterable[str]) -> set[str]:
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name in found:
            continue
        found.add(name)
        needs = map(Requirement, metadata.requires(name) or ())
        waiting += [
            one.name for one in needs if one.marker is None or one.marker.evaluate({"extra": ""})
        ]
    return found


def _size(package: metadata.Distribution) -> int:
    files = [Path(str(package.locate_file(file))) for file in package.files or ()]
    return sum(file.stat().st_size for file in files if file.is_file())


def _is_of(place: Path, description: Path) -> bool:
    stamp = place / "installed"
    return stamp.is_file() and stamp.read_text() == _digest(description)


def _mark(place: Path, description: Path) -> None:
    (place / "installed").write_text(_digest(description))


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _run(*command: str) -> None:
    program = shutil.which(command[0])
    if program is None:
        raise NotHere(f"there is no {command[0]} on this machine")
    done = subprocess.run([program, *command[1:]], check=False, capture_output=True, text=True)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["it said nothing"]
        raise NotHere(f"{Path(program).name} failed: {said[0]}")
