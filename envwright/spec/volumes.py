"""The EBS volumes of a spec's instances."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from envwright.spec.fields import DeviceName
from envwright.spec.forms import Flag, Form, Whole
from envwright.spec.part import Part

VolumeType: TypeAlias = Literal["gp3", "gp2", "io2", "io1", "st1", "sc1", "standard"]

SnapshotId = Annotated[
    str,
    Form(
        r"snap-([0-9a-f]{8}|[0-9a-f]{17})", "the id of a snapshot, such as snap-0123456789abcdef0."
    ),
]
KmsKey = Annotated[
    str,
    Form(
        r"arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:(key/[A-Za-z0-9-]{1,64}|alias/[A-Za-z0-9/_-]{1,250})"
        r"|alias/[A-Za-z0-9/_-]{1,250}|mrk-[0-9a-f]{32}"
        r"|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        "a KMS key: give its id, its ARN, or its alias, such as alias/disks.",
    ),
]


class _EbsVolume(Part):
    """What the root volume and further ones have in common."""

    size: Annotated[Whole, Field(ge=1, le=65536)] | None = Field(
        None,
        description="The size in GiB, within the type's limits. Left out, it is that of the image "
        "or of the snapshot.",
    )
    encrypted: Flag = Field(True, description="Whether the volume is encrypted.")
    kms_key: KmsKey | None = Field(
        None,
        description="The KMS key to encrypt with: its id, ARN or alias. Left out, it is the "
        "account's default key for EBS.",
    )
    iops: Annotated[Whole, Field(ge=100, le=256000)] | None = Field(
        None,
        description="The IOPS to provision, within the type's limits: io1 and io2 need them, gp3 "
        "has 3000 where they are left out.",
    )
    throughput: Annotated[Whole, Field(ge=125, le=2000)] | None = Field(
        None,
        description="The throughput to provision, in MiB/s, of gp3 alone: 125 to 2000.",
    )


class RootVolume(_EbsVolume):
    """The EBS volume that an instance starts from. It is deleted with the instance."""

    type: Literal["gp3", "gp2", "io2", "io1", "standard"] = Field(
        "gp3", description="The volume type; AWS starts nothing from st1 and sc1."
    )
    device_name: DeviceName | None = Field(
        None,
        description="The image's root device, such as /dev/xvda; looked up when left out. Given "
        "with the size, it saves a call, and a wrong one fails the environment once its instances "
        "run.",
    )


class Volume(_EbsVolume):
    """A further EBS volume of an instance."""

    device_name: DeviceName = Field(description="The name that AWS attaches it by, as /dev/sdf.")
    type: VolumeType = Field("gp3", description="The volume type.")
    snapshot: SnapshotId | None = Field(
        None, description="The snapshot to make it from. Without one it is empty, and needs a size."
    )
    delete_on_termination: Flag = Field(
        True,
        description="Whether it goes with its instance. One that does not is kept when the "
        "environment is taken down, and is yours from then on.",
    )
