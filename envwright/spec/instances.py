"""The instances of a spec, in groups of equals."""

from typing import Annotated, Literal

from pydantic import Field

from envwright.spec.fields import DeviceName, Image, InstanceType, PartName, UserData, ZoneNames
from envwright.spec.forms import AsSet, Flag, Whole
from envwright.spec.part import Part
from envwright.spec.tags import Tags


class RootVolume(Part):
    """The EBS volume that an instance starts from."""

    size: Annotated[Whole, Field(ge=1, le=65536)] | None = Field(
        None,
        description="The size in GiB: up to 65536 for gp3, 16384 for gp2, 1024 for standard. Left "
        "out, it is the image's own, which is looked up.",
    )
    type: Literal["gp3", "gp2", "standard"] = Field("gp3", description="The volume type.")
    encrypted: Flag = Field(True, description="Whether the volume is encrypted.")
    device_name: DeviceName | None = Field(
        None,
        description="The image's root device, such as /dev/xvda; looked up when left out. Given "
        "with the size, it saves a call, and a wrong one fails the environment once its instances "
        "run.",
    )


class InstanceGroup(Part):
    """A number of equal instances, spread evenly over zones."""

    count: Annotated[Whole, Field(ge=1, le=100)] = Field(
        1, description="How many instances: 1 to 100."
    )
    types: Annotated[
        tuple[InstanceType, ...],
        Field(min_length=1, json_schema_extra={"uniqueItems": True}),
    ] = Field(
        description="EC2 instance types; the first is preferred, and so far the only one tried."
    )
    image: Image = Field(
        description="An AMI id, or the path of an SSM parameter that holds one, such as "
        "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64."
    )
    zones: ZoneNames | None = Field(
        None,
        description="The zones to spread over, out of those that `network.zones` names. Left out, "
        "all of the network's.",
    )
    tier: PartName | None = Field(
        None, description="The network's tier to stand in, by name. Left out, the first one."
    )
    public_address: Flag | None = Field(
        None,
        description="Whether each instance gets a public address. Left out, it does in a public "
        "tier; in another one it cannot have any.",
    )
    security_groups: Annotated[
        tuple[str, ...],
        AsSet,
        Field(min_length=1, max_length=16, json_schema_extra={"uniqueItems": True}),
    ] = Field(description="Names of the spec's security groups: 1 to 16.")
    user_data: UserData | None = Field(
        None,
        description="What the instances run at their first start: text of up to 16384 bytes, or, "
        "in a spec file, `file:` and a path relative to it.",
        repr=False,
    )
    root_volume: RootVolume = Field(RootVolume(), description="The volume that they start from.")
    tags: Tags = Field({}, description="Tags of these instances and their volumes.")


Instances = dict[PartName, InstanceGroup]
