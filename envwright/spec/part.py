"""What every part of a spec is, and the part that says whose account to build in.

A part alone is checked field by field. What fields must agree on (`envwright.spec.checks`) is
checked when a whole `envwright.spec.EnvironmentSpec` is made.
"""

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from envwright.spec.fields import ExternalId, RoleArn
from envwright.spec.unsound import Unsound


class Part(BaseModel):
    """A part of a spec. It cannot be changed, and takes no field that it does not know."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, serialize_by_alias=True
    )

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name in type(self).model_fields:
                raise Unsound(name)
            return super().__getattr__(name)


class Account(Part):
    """The AWS account to build in, by a role that the worker assumes there."""

    role_arn: RoleArn = Field(description="The ARN of the role to assume.")
    external_id: ExternalId | None = Field(
        None, description="The external id that the role's trust policy asks for.", repr=False
    )

    @property
    def account_id(self) -> str:
        return self.role_arn.split(":")[4]
