"""The whole spec, and how it is made of plain data."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, Self

from pydantic import Field, ValidationError, model_validator

from envwright.errors import Fault, SpecError
from envwright.spec.checks import across
from envwright.spec.durations import Deadline, TimeToLive
from envwright.spec.earlier import as_written, renewed
from envwright.spec.faults import explained, faults_in_order, with_text_keys
from envwright.spec.fields import EnvironmentName, RegionName
from envwright.spec.forms import Flaw, refuse_any
from envwright.spec.instances import Instances
from envwright.spec.limits import excess
from envwright.spec.network import Network
from envwright.spec.part import Account, Part
from envwright.spec.rule_limits import above_default_quotas
from envwright.spec.security import Security
from envwright.spec.sound import sound
from envwright.spec.tags import Tags

DEFAULT_DEADLINE: Final = 3600


class EnvironmentSpec(Part):
    """What one environment shall be: a network, its security, and its instances."""

    name: EnvironmentName = Field(
        description="The environment's name, 2 to 40 characters; one per region and account."
    )
    region: RegionName = Field(description="The AWS region to build in, such as eu-west-1.")
    account: Account | None = Field(
        None,
        description="The account to build in. Left out, it is that of the worker's credentials.",
    )
    tags: Tags = Field({}, description="Tags of every resource, beside envwright's own.")
    on_failure: Literal["cleanup", "hold"] = Field(
        "cleanup",
        description="What happens when building fails: `cleanup` takes down what was made, `hold` "
        "keeps it for a look.",
    )
    deadline: Deadline = Field(
        DEFAULT_DEADLINE,
        description="How long building may take, 1 minute to 24 hours: 90s, 30m, 2h, or seconds.",
    )
    ttl: TimeToLive | None = Field(
        None,
        description="How long it may live, counted from when it is asked for, or let in where it "
        "waits in line: 30m, 8h, 7d, or seconds; 5 minutes to 365 days. Then it is destroyed. Left "
        "out, it lives until somebody takes it down.",
    )
    network: Network = Field(description="The VPC and its subnets.")
    security: Security = Field(Security(), description="The security groups and the key pair.")
    instances: Instances = Field({}, description="The instances, in named groups of equals.")

    @model_validator(mode="before")
    @classmethod
    def _as_said_today(cls, data: Any) -> Any:
        return renewed(data)

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        refuse_any(across(self))
        return self

    @property
    def environment_id(self) -> str:
        """The environment's id: the same name in the same region and account is the same one."""
        own = f"{self.name}.{self.region}"
        return f"{own}.{self.account.account_id}" if self.account else own

    def warnings(self) -> list[Fault]:
        """What AWS takes only where the account's quotas were raised, each with its place."""
        return faults_in_order(above_default_quotas(self), self.model_dump())

    def canonical_json(self) -> str:
        """The spec with its defaults filled in, in one form, from which it can be parsed again."""
        return json.dumps(
            self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), ensure_ascii=False
        )

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON, in hex: the same wish written in two ways has one."""
        return hashlib.sha256(self.canonical_json().encode()).hexdigest()


def parse_spec(data: Mapping[str, Any], *, found: Sequence[Flaw] = ()) -> EnvironmentSpec:
    """Make a spec of plain data, as it comes from JSON or YAML.

    `found` are flaws that whoever read the data knows of already; they are told with the rest.
    Raises `SpecError` with every fault, in the order in which they stand in the data.
    """
    if too_much := excess(data):
        raise SpecError([Fault("", too_much)])
    written, misnamed = with_text_keys(data)
    texts = renewed(written)
    flaws = [*misnamed, *found]
    spec = None
    try:
        spec = EnvironmentSpec.model_validate(texts)
    except ValidationError as error:
        told = {loc for loc, _ in misnamed}
        flaws += [flaw for flaw in explained(EnvironmentSpec, texts, error) if flaw[0] not in told]
    # Outside of the handler: pydantic's error holds the data, and would travel with ours.
    if spec is None or flaws:
        flaws += across(sound(EnvironmentSpec, texts))
        raise SpecError(faults_in_order([as_written(one, written) for one in flaws], written))
    return spec


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a spec file, for editors and other checkers."""
    schema = EnvironmentSpec.model_json_schema(by_alias=True, mode="validation")
    _close(schema)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "envwright environment spec",
    }


def _close(schema: Any) -> None:
    """Let a mapping hold no names but those of its pattern; pydantic leaves the others free."""
    if isinstance(schema, dict):
        if "patternProperties" in schema:
            schema["additionalProperties"] = False
        for part in schema.values():
            _close(part)
    elif isinstance(schema, list):
        for part in schema:
            _close(part)
