"""The instances of a spec, in groups of equals."""

from typing import Annotated, Literal

from pydantic import Field

from envwright.spec.fields import Image, InstanceType, PartName, UserData, ZoneNames
from envwright.spec.forms import AsSet, Flag, Whole
from envwright.spec.instance_options import (
    Hostname,
    Metadata,
    PlacementGroup,
    PrivateAddress,
    ProfileName,
    Spot,
)
from envwright.spec.part import Part
from envwright.spec.tags import Tags
from envwright.spec.volumes import RootVolume, Volume


class InstanceGroup(Part):
    """A number of equal instances, spread evenly over zones."""

    count: Annotated[Whole, Field(ge=1, le=100)] = Field(
        1, description="How many instances: 1 to 100."
    )
    types: Annotated[
        tuple[InstanceType, ...],
        Field(min_length=1, json_schema_extra={"uniqueItems": True}),
    ] = Field(
        description="EC2 instance types, the preferred one first. Where AWS has none of it in any "
        "of the zones, the next one is tried."
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
    volumes: tuple[Volume, ...] = Field((), description="Further volumes of each instance.")
    instance_profile: ProfileName | None = Field(
        None, description="The name of an existing IAM instance profile."
    )
    private_address: PrivateAddress | None = Field(
        None,
        description="The private IPv4 address, of a group of one: a free one of a subnet of the "
        "group's.",
    )
    elastic_address: Flag = Field(
        False, description="Whether each instance gets an Elastic IP address."
    )
    source_dest_check: Flag = Field(
        True,
        description="Whether an instance gets only packets to and from itself. A router or NAT "
        "instance needs false.",
    )
    termination_protection: Flag = Field(
        False,
        description="Whether AWS refuses to terminate them; then only `down --force` takes the "
        "environment down.",
    )
    shutdown_behavior: Literal["stop", "terminate"] = Field(
        "stop", description="What becomes of an instance that shuts itself down."
    )
    detailed_monitoring: Flag = Field(
        False, description="Whether metrics come each minute instead of each five."
    )
    ebs_optimized: Flag | None = Field(
        None,
        description="Whether the way to the volumes is their own. Left out, it is as the type has "
        "it.",
    )
    credit_mode: Literal["standard", "unlimited"] | None = Field(
        None,
        description="The CPU credits of burstable types (T2, T3, T3a, T4g). Left out, it is AWS's "
        "default of the type.",
    )
    spot: Spot | None = Field(None, description="Launch spot instances, if given.")
    tenancy: Literal["default", "dedicated"] = Field(
        "default", description="Whether they run on hardware that is yours alone."
    )
    placement_group: PlacementGroup | None = Field(
        None, description="The existing placement group to launch into."
    )
    metadata: Metadata = Field(Metadata(), description="The instance metadata service.")
    hostname: Hostname | None = Field(
        None, description="Their names in DNS. Left out, they are as the subnet has it."
    )
    tags: Tags = Field(
        {}, description="Tags of these instances, their volumes and network interfaces."
    )

    @property
    def keeps_volumes(self) -> bool:
        """Whether a volume of it outlives its instance."""
        return not all(volume.delete_on_termination for volume in self.volumes)


Instances = dict[PartName, InstanceGroup]
