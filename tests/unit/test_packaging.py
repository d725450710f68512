"""What is shipped is what was meant: the wheel, the locks, and what the texts say of them."""

import email
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import envwright
from tests.repository import (
    ROOT,
    code_in,
    modules_loaded_by,
    needed_by,
    pins,
    text_files,
)

PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
HEAVY = {"celery", "kombu", "aioboto3", "aiobotocore", "boto3", "botocore"}
# In pieces, so that this file does not name them either.
HOSTS = ["py" + "pi.org", "python" + "hosted.org"]
PLACES = ("root", "home", "Users", "work")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built as `make wheel` builds it, and without the network."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "wheel"),
            *("--no-index", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, ROOT),
        ],
        check=True,
    )
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def unpacked(wheel: Path) -> Path:
    folder = wheel.parent / "unpacked"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def group(name: str) -> Iterator[str]:
    for entry in PYPROJECT["dependency-groups"][name]:
        if isinstance(entry, str):
            yield entry
        else:
            yield from group(entry["include-group"])


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_the_wheel_holds_envwright_alone(wheel: Path) -> None:
    """Names as general as tasks, worker and config never reach another service."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()

    shipped = {name for name in names if not name.startswith("envwright-")}
    sources = {path.relative_to(ROOT).as_posix() for path in (ROOT / "envwright").rglob("*.py")}
    assert {name.partition("/")[0] for name in names} == {
        "envwright",
        f"envwright-{envwright.__version__}.dist-info",
    }
    assert {name for name in shipped if name.endswith(".py")} == sources
    assert "envwright/py.typed" in shipped


def test_the_wheel_says_what_it_needs_and_what_it_brings(unpacked: Path) -> None:
    (information,) = unpacked.glob("*.dist-info")
    header = email.message_from_string((information / "METADATA").read_text())
    commands = (information / "entry_points.txt").read_text()

    assert header["Version"] == envwright.__version__
    assert len(header.get_all("Requires-Dist", [])) == len(PYPROJECT["project"]["dependencies"])
    assert "envwright = envwright.cli:main" in commands


def test_the_wheel_works_with_its_own_dependencies_alone(unpacked: Path) -> None:
    """A service that installs it has neither the worker's packages nor the other floors."""
    dependencies = needed_by(PYPROJECT["project"]["dependencies"])

    loaded = modules_loaded_by(
        "import envwright.cli, envwright.client, kombu.transport.redis\n"
        "from envwright import messages, settings\n"
        "messages.producer(settings.ClientSettings()).signature('any')\n"
        f"assert envwright.__file__.startswith({str(unpacked)!r}), envwright.__file__",
        installed=dependencies,
        path=unpacked,
    )

    assert {"celery", "envwright"} <= loaded
    assert not loaded & {"config", "tasks", "worker", "aioboto3"}


def test_the_command_line_starts_without_celery_and_the_sdk() -> None:
    """`envwright --help` answers at once: what takes long to import waits for its use."""
    assert not modules_loaded_by("import envwright.cli") & HEAVY


def test_the_version_is_the_newest_of_the_changelog() -> None:
    versions = re.findall(r"^## \[(\d[^]]*)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)

    assert versions[0] == envwright.__version__


def test_the_lock_fits_what_the_project_asks_for() -> None:
    """After a change of dependencies: `make lock`."""
    locked = pins("requirements.lock")
    wanted = [*PYPROJECT["project"]["dependencies"], *group("dev")]
    wanted += PYPROJECT["build-system"]["requires"]

    for text in wanted:
        requirement = Requirement(text)
        version = locked.get(canonicalize_name(requirement.name))
        assert version is not None, f"{requirement.name} is not in requirements.lock"
        assert requirement.specifier.contains(version), f"{text}, but {version} is locked"


def test_the_workers_lock_is_a_part_of_the_lock() -> None:
    """What runs in the image is what was tested."""
    small, whole = pins("requirements-worker.lock"), pins("requirements.lock")

    assert small.items() < whole.items()
    for text in [*PYPROJECT["project"]["dependencies"], *group("worker"), *group("build")]:
        assert canonicalize_name(Requirement(text).name) in small


def test_no_file_names_a_package_registry() -> None:
    """Where packages come from is the machine's own setting."""
    pattern = re.compile("|".join(map(re.escape, HOSTS)), re.IGNORECASE)
    texts = dict(text_files())

    assert Path("requirements.lock") in texts
    assert [str(path) for path, text in texts.items() if pattern.search(text)] == []


def test_no_file_names_a_place_on_one_machine() -> None:
    pattern = re.compile(rf"(?<![\w.~{{}}-])/(?:{'|'.join(PLACES)})/[\w.-]")
    found = [
        f"{path}: {match.group()}"
        for path, text in text_files()
        for match in pattern.finditer(text)
    ]

    assert found == []


def test_every_make_target_that_a_text_names_exists() -> None:
    named = {
        (str(path), target)
        for path, text in text_files()
        if path.suffix == ".md"
        for code in code_in(text)
        for target in re.findall(r"\bmake ([a-z][a-z-]*)", code)
    }

    assert {target for _, target in named} >= {"demo", "test", "check"}
    assert {(path, target) for path, target in named if target not in make_targets()} == set()


def test_every_link_between_texts_leads_somewhere() -> None:
    broken = [
        (str(path), target)
        for path, text in text_files()
        if path.suffix == ".md"
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)
        if not (ROOT / path.parent / target).exists()
    ]

    assert broken == []


def test_help_explains_every_make_target() -> None:
    shown = subprocess.run(
        ["make", "--no-print-directory", "help"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout

    explained = {line.split()[0] for line in shown.splitlines() if len(line.split()) > 1}
    assert explained == make_targets()
