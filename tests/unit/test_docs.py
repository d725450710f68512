"""The documentation names only what there is: links, commands, settings, targets, states, codes."""

import json
import re
import shlex
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from config.settings import WorkerSettings
from envwright.cli.app import app
from envwright.failure import FailureCategory
from envwright.names import Step
from envwright.spec import read_spec
from envwright.states import LEGAL_MOVES, State
from tasks.aws.errors import _CODES, classify
from tests.repository import ROOT, code_in, table

PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
COMMANDS: Any = typer.main.get_command(app)
SHELL = ("sh", "console")

each_page = pytest.mark.parametrize("page", PAGES, ids=NAMES)


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(text: str, *infos: str) -> list[str]:
    """The fenced blocks with one of these info strings."""
    fenced = re.findall(r"^```([^\n]*)\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return [body for info, body in fenced if info.strip() in infos]


def without_code(text: str) -> str:
    fenceless = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"`[^`\n]*`", "", fenceless)


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives a page's headings."""
    seen: Counter[str] = Counter()
    found = set()
    fenceless = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    for heading in re.findall(r"^#{1,6} +(.+?) *$", fenceless, re.MULTILINE):
        slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        found.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return found


def command_lines(text: str) -> Iterator[list[str]]:
    """The words of every `envwright …` that a shell block runs; a console's outputs are none."""
    for info in SHELL:
        for block in blocks(text, info):
            for line in block.replace("\\\n", " ").splitlines():
                if info == "console" and not line.startswith("$ "):
                    continue
                for part in re.split(r"\||&&|;", line.removeprefix("$ ")):
                    words = shlex.split(part, comments=True)
                    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
                        words.pop(0)
                    if words and words[0].rpartition("/")[2] == "envwright":
                        yield words[1:]


@each_page
def test_links_lead_somewhere(page: Path) -> None:
    """A relative link names a file that is there, and an anchor that the file has."""
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(page.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page

        assert file.exists(), f"{target}: there is no such file"
        if anchor:
            assert anchor in anchors(file.read_text(encoding="utf-8")), f"{target}: no such heading"


@each_page
def test_shown_commands_are_understood(page: Path) -> None:
    """Each command line parses: its command, its options and its arguments exist."""
    for words in command_lines(page.read_text(encoding="utf-8")):
        try:
            understand(words)
        except typer.Exit:
            pass  # --help and its like end the parsing well
        except Exception as error:
            pytest.fail(f"envwright {shlex.join(words)}: {error!r}")


def understand(words: list[str]) -> None:
    """Parse a command line, down to the last of its sub-commands. Raises typer's errors."""
    name, command, parent = "envwright", COMMANDS, None
    while hasattr(command, "resolve_command"):
        context = command.make_context(name, [*words], parent=parent)
        name, command, words = command.resolve_command(
            context, context._protected_args + context.args
        )
        parent = context
    command.make_context(name, words, parent=parent).close()


OF_OPTIONS = {
    str(parameter.envvar)
    for command in COMMANDS.commands.values()
    for parameter in command.params
    if getattr(parameter, "envvar", None)
}
"""Variables that stand for an option of a command."""


def test_a_mistyped_command_is_found() -> None:
    text = "```sh\nX=1 envwright up --no-such-option a.yaml | cat  # why\n```\n"
    (words,) = command_lines(text)

    assert words == ["up", "--no-such-option", "a.yaml"]
    with pytest.raises(Exception, match="no-such-option"):
        understand(words)
    with pytest.raises(Exception, match="paws"):
        understand(["bulks", "paws", "labs"])


@each_page
def test_commands_in_the_text_exist(page: Path) -> None:
    for code in re.findall(r"`([^`\n]+)`", page.read_text(encoding="utf-8")):
        if match := re.match(r"envwright (?:-\S+ )*([a-z][a-z-]*)", code):
            assert match[1] in COMMANDS.commands, f"`{code}`: there is no such command"


@each_page
def test_settings_exist(page: Path) -> None:
    prefix = str(WorkerSettings.model_config["env_prefix"])
    settings = {f"{prefix}{name.upper()}" for name in WorkerSettings.model_fields}
    named = set(re.findall(rf"\b{prefix}[A-Z][A-Z_]*\b", page.read_text(encoding="utf-8")))

    assert named - settings - OF_OPTIONS == set()


@each_page
def test_make_targets_exist(page: Path) -> None:
    (phony,) = re.findall(r"^\.PHONY: (.+)$", text_of("Makefile"), re.MULTILINE)
    code = "\n".join(one.strip("`") for one in code_in(page.read_text(encoding="utf-8")))
    named = set(re.findall(r"^make ([a-z-]+)", code, re.MULTILINE))

    assert named <= set(phony.split())


@each_page
def test_files_named_as_code_exist(page: Path) -> None:
    """A path of ours in backticks is one that is there, or a pattern with a placeholder."""
    floors = "envwright|tasks|config|worker|docs|tests|examples"
    for code in re.findall(r"`([^`\n]+)`", page.read_text(encoding="utf-8")):
        if re.fullmatch(rf"(?:{floors})/[\w./-]*", code):
            assert (ROOT / code).exists(), f"`{code}` is not there"


@each_page
def test_specs_are_valid(page: Path) -> None:
    """A YAML block whose info string is `yaml spec` is a whole spec."""
    for block in blocks(page.read_text(encoding="utf-8"), "yaml spec"):
        read_spec(block, ROOT)


def test_there_are_examples_to_check() -> None:
    """What finds specs and commands in the pages does find some."""
    assert blocks(text_of("README.md"), "yaml spec")
    assert [*command_lines(text_of("README.md"))]


@each_page
def test_json_blocks_are_json(page: Path) -> None:
    for block in blocks(page.read_text(encoding="utf-8"), "json"):
        assert json.loads(block)


def test_the_glossary_defines_each_word_once_and_the_pages_use_it() -> None:
    words = [row[0].strip("*") for row in table(text_of("docs/concepts.md"), "## Glossary")]
    prose = " ".join(text_of(name).lower() for name in NAMES)

    assert [word for word, times in Counter(words).items() if times > 1] == []
    # At least once beside its definition, or it need not be a word of ours.
    assert [word for word in words if len(re.findall(rf"\b{word}", prose)) < 2] == []


def test_the_states_are_those_of_the_record() -> None:
    text = text_of("docs/concepts.md")
    rows = table(text, "## States")
    (diagram,) = [one for one in blocks(text, "mermaid") if one.startswith("stateDiagram")]
    moves = set(re.findall(r"^ +(\w+) --> (\w+):", diagram, re.MULTILINE))

    assert [row[0].strip("`") for row in rows] == [str(state) for state in State]
    assert moves == {(str(a), str(b)) for a, to in LEGAL_MOVES.items() for b in to}


def test_the_steps_are_those_of_the_chain() -> None:
    rows = table(text_of("docs/concepts.md"), "## Steps")

    assert [row[0].strip("`") for row in rows] == [str(step) for step in Step]


def test_every_category_of_failure_is_explained() -> None:
    rows = table(text_of("docs/operations.md"), "## Why a run failed")

    assert [row[0].strip("`") for row in rows] == [str(one) for one in FailureCategory]


def test_the_logged_events_are_logged() -> None:
    rows = table(text_of("docs/operations.md"), "### Logs")
    named = {word for row in rows for word in re.findall(r"`(\w+)`", row[0])}
    code = " ".join(
        file.read_text(encoding="utf-8") for floor in ("worker", "tasks") for file in files(floor)
    )

    assert named
    assert {word for word in named if f'"{word}"' not in code} == set()


def files(floor: str) -> Iterator[Path]:
    return (ROOT / floor).rglob("*.py")


def test_the_table_of_errors_is_that_of_the_code() -> None:
    rows = {row[0].strip("`"): row[1] for row in table(text_of("docs/aws.md"), "## Errors")}

    for error_class, codes in _CODES.items():
        known = set(re.findall(r"`([A-Z][\w.]+)`", rows[error_class]))
        assert known - {"NotFoundException"} == codes
    for name, cell in rows.items():
        for code in re.findall(r"`([A-Z]\w*\.?\w*)`", cell):
            assert classify(code, 400) == name, code


def test_the_decisions_are_listed_and_have_their_fields() -> None:
    index = text_of("docs/README.md")
    decisions = [one for one in ROOT.glob("docs/adr/*.md") if not one.name.startswith("0000")]
    fields = ("- Status: ", "- Date: ", "## Context", "## Decision", "## Consequences")

    assert decisions
    for page in decisions:
        text = page.read_text(encoding="utf-8")
        assert f"(adr/{page.name})" in index
        assert text.startswith(f"# {page.name[:4]}: ")
        assert [field for field in fields if f"\n{field}" not in text] == []


def test_the_readme_is_short() -> None:
    assert len(text_of("README.md").splitlines()) <= 120
