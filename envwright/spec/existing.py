"""What exists already and is not the environment's: it is used, never changed, never deleted."""

from typing import Annotated, Final

from pydantic import Field

from envwright.spec.forms import AsSet, Form
from envwright.spec.part import Part
from envwright.spec.tags import KnownTags

_DIGITS: Final = "([0-9a-f]{8}|[0-9a-f]{17})"

VpcId = Annotated[str, Form(f"vpc-{_DIGITS}", "the id of a VPC, such as vpc-0123456789abcdef0.")]
SubnetId = Annotated[
    str, Form(f"subnet-{_DIGITS}", "the id of a subnet, such as subnet-0123456789abcdef0.")
]
SecurityGroupId = Annotated[
    str, Form(f"sg-{_DIGITS}", "the id of a security group, such as sg-0123456789abcdef0.")
]


class Existing(Part):
    """Named in one way: by id, or by all of some tags, which nothing else of its kind has."""

    tags: KnownTags | None = Field(
        None, description="Tags that it carries, and nothing else of its kind beside it."
    )


class ExistingVpc(Existing):
    """A VPC that exists: give `id` or `tags`."""

    id: VpcId | None = Field(None, description="The VPC's id.")


class ExistingSubnets(Existing):
    """A tier's subnets that exist, one in each zone: give `ids` or `tags`."""

    ids: (
        Annotated[
            tuple[SubnetId, ...],
            AsSet,
            Field(min_length=1, max_length=6, json_schema_extra={"uniqueItems": True}),
        ]
        | None
    ) = Field(None, description="The subnets' ids, one for each zone.")


class ExistingGroup(Existing):
    """A security group that exists in the VPC: give `id` or `tags`."""

    id: SecurityGroupId | None = Field(None, description="The group's id.")
