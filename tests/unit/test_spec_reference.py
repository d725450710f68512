"""The JSON Schema, the examples and the reference page say the same as the models."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from envwright.spec import json_schema, load_spec

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))
REFERENCE = (ROOT / "docs" / "spec.md").read_text()

HEADINGS = {
    "": "The environment",
    "Account": "Account",
    "Network": "Network",
    "Tier": "Tier",
    "ExistingVpc": "Existing VPC",
    "ExistingSubnets": "Existing subnets",
    "Dns": "DNS",
    "Dhcp": "DHCP",
    "FlowLog": "Flow log",
    "Endpoint": "Endpoint",
    "Security": "Security",
    "SecurityGroup": "Security group",
    "ExistingGroup": "Existing group",
    "Rule": "Rule",
    "KeyPair": "Key pair",
    "InstanceGroup": "Instances",
    "RootVolume": "Root volume",
    "Volume": "Volume",
    "Spot": "Spot",
    "PlacementGroup": "Placement group",
    "Metadata": "Metadata",
    "Hostname": "Hostname",
}


def objects() -> dict[str, dict[str, Any]]:
    """The schema of each part; the spec itself has no name."""
    schema = json_schema()
    return {"": schema, **schema["$defs"]}


def fields() -> list[tuple[str, str]]:
    return [(part, field) for part, schema in objects().items() for field in schema["properties"]]


def rows(heading: str) -> dict[str, str]:
    """The fields of the reference's table under a heading, each with its default."""
    section = re.search(rf"^##+ {heading}\n(.*?)(?=^##|\Z)", REFERENCE, re.M | re.S)
    assert section, f"docs/spec.md has no section {heading}"
    return dict(re.findall(r"^\| `(\w+)` \| (.*?) ?\| \S", section[1], re.M))


def written_default(part: str, field: str) -> str:
    """A field's default as the reference writes it: nothing for a required one."""
    schema = objects()[part]
    if field in schema.get("required", []):
        return ""
    default = schema["properties"][field]["default"]
    if isinstance(default, dict):
        return "`{}`"
    if part == "Network" and field == "tiers":
        default = [{name: tier[name] for name in ("name", "access")} for tier in default]
    return f"`{default}`" if isinstance(default, str) and default else f"`{json.dumps(default)}`"


def test_the_schema_is_a_valid_one_of_its_draft():
    """Editors get a draft 2020-12 schema that names and explains the spec."""
    schema = json_schema()

    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["title"]
    assert schema["description"]
    assert "$id" not in schema


@pytest.mark.parametrize(("part", "field"), fields())
def test_the_schema_explains_every_field(part: str, field: str):
    """Whoever completes a field in an editor sees what it is for."""
    assert objects()[part]["properties"][field]["description"].endswith(".")


@pytest.mark.parametrize("part", objects())
def test_the_schema_takes_no_unknown_field(part: str):
    """A misspelt field is seen while it is typed."""
    assert objects()[part]["additionalProperties"] is False


def test_the_reference_has_a_section_for_every_part():
    """A part that is added must be documented."""
    assert set(HEADINGS) == set(objects())


@pytest.mark.parametrize("part", HEADINGS)
def test_the_reference_names_every_field_with_its_default(part: str):
    """No field more, none less, and each default as the models have it."""
    expected = {field: written_default(part, field) for field in objects()[part]["properties"]}

    assert rows(HEADINGS[part]) == expected


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_examples_are_valid(path: Path):
    """What a newcomer copies works, for us and for any JSON Schema checker."""
    Draft202012Validator(json_schema()).validate(yaml.safe_load(path.read_text()))

    assert load_spec(path).environment_id.endswith(".eu-west-1")


def test_there_are_examples():
    """The tests above check something."""
    assert {path.name for path in EXAMPLES} >= {
        "web.yaml",
        "unknown-image.yaml",
        "existing-vpc.yaml",
    }


@pytest.mark.parametrize(
    ("user_data", "is_valid"),
    [("echo", True), ({"file": "setup.sh"}, True), ({"path": "setup.sh"}, False), (7, False)],
)
def test_the_schema_takes_user_data_as_text_or_file(user_data: object, is_valid: bool):
    """A spec file may name a file where a spec holds text."""
    data = yaml.safe_load((ROOT / "examples" / "web.yaml").read_text())
    data["instances"]["web"]["user_data"] = user_data

    assert Draft202012Validator(json_schema()).is_valid(data) is is_valid
