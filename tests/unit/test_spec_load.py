"""Spec files: what is read, what is refused with its line, and that faults come together."""

import json
from pathlib import Path

import pytest

from envwright.errors import Fault, SpecError
from envwright.spec import load_spec, read_spec

SPEC = """\
name: web
region: eu-west-1
network: {cidr: 10.20.0.0/16, zones: 2}
"""

GROUP = """\
security: {groups: {web: {}}}
instances:
  web:
    types: [t3.micro]
    image: /aws/image
    security_groups: [web]
    user_data: {file: setup.sh}
"""


def faults_of(text: str, base: Path = Path()) -> tuple[Fault, ...]:
    with pytest.raises(SpecError) as caught:
        read_spec(text, base)
    return caught.value.faults


def test_yaml_and_json_are_the_same_spec(tmp_path: Path):
    """The file's content counts, not its name; JSON may be indented with tabs."""
    data = {"name": "web", "region": "eu-west-1", "network": {"cidr": "10.20.0.0/16", "zones": 2}}
    yaml_file, json_file = tmp_path / "web.yaml", tmp_path / "web.txt"
    yaml_file.write_text(SPEC)
    json_file.write_text("\ufeff" + json.dumps(data, indent="\t"))

    assert load_spec(yaml_file) == load_spec(str(json_file))


def test_a_user_data_file_is_read_beside_the_spec(tmp_path: Path):
    """The path is relative to the spec file, wherever the command is run."""
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "setup.sh").write_bytes("#!/bin/sh\r\necho grüß\n".encode())
    (tmp_path / "specs" / "web.yaml").write_text(SPEC + GROUP)

    spec = load_spec(tmp_path / "specs" / "web.yaml")

    assert spec.instances["web"].user_data == "#!/bin/sh\r\necho grüß\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "setup.sh` cannot be read: no such file or directory."),
        (b"x" * 16385, "setup.sh` is too large: it may have 16384 bytes."),
        (b"ab\xff", "setup.sh` is not UTF-8 text: byte 2 does not fit."),
        (b"", "The user data has 0 bytes"),
    ],
)
def test_a_user_data_file_that_cannot_be_used_is_a_fault(
    content: bytes | None, words: str, tmp_path: Path
):
    """It is told at its place, together with the spec's other faults, in order."""
    if content is not None:
        (tmp_path / "setup.sh").write_bytes(content)
    text = SPEC.replace("eu-west-1", "ireland") + GROUP + "    count: 0\n"

    region, file, count = faults_of(text, tmp_path)

    assert [region.path, count.path] == ["region", "instances.web.count"]
    assert file.path == "instances.web.user_data.file"
    assert words in file.message


def test_a_user_data_folder_is_a_fault(tmp_path: Path):
    """A folder is no text."""
    (tmp_path / "setup.sh").mkdir()

    (fault,) = faults_of(SPEC + GROUP, tmp_path)

    assert "setup.sh` cannot be read: is a directory." in fault.message


@pytest.mark.parametrize(
    "user_data", ["{file: 5}", "{file: a, files: b}", "{fiel: setup.sh}", "{}"]
)
def test_a_user_data_mapping_has_one_form(user_data: str):
    """What merely looks like a file reference is refused where it stands."""
    (fault,) = faults_of(SPEC + GROUP.replace("{file: setup.sh}", user_data))

    assert fault.path == "instances.web.user_data"


BAD_TEXTS = {
    "twice": (SPEC + "name: other\n", "Line 4, column 1: `name` stands here for the second time"),
    "twice deeper": (
        SPEC + "tags: {a: x, b: x,\n  a: y}\n",
        "Line 5, column 3: `a` stands here for the second time, after line 4",
    ),
    "twice in JSON": ('{"name": "web",\n "name": "web"}', "Line 2, column 2: `name` stands here"),
    "documents": (SPEC + "---\n" + SPEC, "a second document begins"),
    "syntax": ("name: [web\nregion: x", "Line 2, column 7: this is not valid YAML"),
    "tab": ("network:\n\tcidr: x", "Line 2, column 1: this is not valid YAML"),
    "tag": ("name: !Ref web", "Line 1, column 7: a spec knows no such tag"),
    "python tag": ("name: !!python/object/apply:os.getpid []", "a spec knows no such tag"),
    "alias": ("name: *web", "Line 1, column 7: this alias has no anchor"),
    "control": ("name: w\x00b", "Character 8 of the text is one that YAML does not allow."),
    "date": (SPEC + "tags: {until: 2026-02-30}", "looks like a date or a number and is none"),
    "circle": ("tags: &a {b: *a}", "an alias here contains itself"),
    "depth": ("[" * 5000, "nested too deeply"),
    "JSON depth": ('{"a":' * 100_000, "nested too deeply"),
}


@pytest.mark.parametrize(("text", "words"), BAD_TEXTS.values(), ids=BAD_TEXTS)
def test_text_that_cannot_be_trusted_is_refused_with_its_place(text: str, words: str):
    """YAML's silent traps are faults, and a syntax error is a sentence."""
    (fault,) = faults_of(text)

    assert fault.path == ""
    assert words in fault.message
    assert "\n" not in fault.message


@pytest.mark.parametrize("link", ["[*{0}, *{0}]", "{{x: *{0}, y: *{0}}}", "{{<<: [*{0}, *{0}]}}"])
def test_an_alias_bomb_is_refused(link: str):
    """A few lines must not unfold into gigabytes."""
    lines = ["a0: &a0 {k: v}"]
    lines += [f"a{n}: &a{n} " + link.format(f"a{n - 1}") for n in range(1, 60)]

    (fault,) = faults_of("\n".join(lines))

    assert fault.message == "Written out, the aliases make this too large to be a spec."


def test_anchors_and_merges_may_be_used():
    """What saves typing is fine as long as it says one thing."""
    text = SPEC + GROUP.replace("  web:\n", "  web: &web\n").replace("{file: setup.sh}", "echo")

    spec = read_spec(text + "  api: {<<: *web, count: 3}\n", Path())

    assert spec.instances["api"].count == 3
    assert spec.instances["api"].image == spec.instances["web"].image


def test_a_date_as_a_tag_must_be_quoted():
    """YAML makes a date of it; which text was meant is not for us to guess."""
    (fault,) = faults_of(SPEC + "tags: {until: 2026-12-31}")

    assert str(fault) == (
        "tags.until: A tag's value must be text, and this one is a date: put it in quotes."
    )


@pytest.mark.parametrize("key", ["on", "7", "null", "2026-12-31"])
def test_a_name_that_yaml_does_not_read_as_text_must_be_quoted(key: str):
    """YAML's `on` is a truth value, which no caller means as a name."""
    (fault,) = faults_of(SPEC + f"tags: {{{key}: x}}")

    assert fault.message.endswith("put it in quotes.")


def test_a_syntax_error_does_not_repeat_the_text():
    """The line at fault may be user data with a password in it."""
    for text in ("user_data: |\n  x\n hunter2: [", "a: *hunter2", "a: !hunter2 x", "hunter2: 'x"):
        (fault,) = faults_of(text)

        assert "hunter2" not in fault.message


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "web.yaml` cannot be read: no such file or directory."),
        (b"name: \xff", "web.yaml` is not UTF-8 text: byte 6 does not fit."),
        (b" " * (1024 * 1024 + 1), "web.yaml` is too large: it may have 1048576 bytes."),
    ],
)
def test_a_spec_file_that_cannot_be_read_is_a_fault(
    content: bytes | None, words: str, tmp_path: Path
):
    """Nobody gets a traceback for a wrong path."""
    if content is not None:
        (tmp_path / "web.yaml").write_bytes(content)

    with pytest.raises(SpecError) as caught:
        load_spec(tmp_path / "web.yaml")

    assert words in str(caught.value)
