"""What the spec leaves to AWS to say: zones by count, images by name, an image's root device.

Each answer is kept in the record, so that a step that is done again asks for the very same
resources: a launch with another image would not go under its client token.
"""

from typing import Any

from envwright.failure import FailureCategory
from envwright.spec import InstanceGroup
from tasks import known
from tasks.aws.errors import AwsError
from tasks.context import Context
from tasks.existing import look_up_existing
from tasks.failures import ResourceError, StepError


async def look_up_zones(context: Context) -> None:
    """Find the region's first zones, where the spec only counts them.

    Subnets that exist come first, since the zones are theirs.
    """
    await look_up_existing(context)
    asked = context.spec.network.zones
    if not isinstance(asked, int) or known.ZONES in context.lookups:
        return
    answer = await context.ec2.describe_availability_zones(
        Filters=[
            {"Name": "zone-type", "Values": ["availability-zone"]},
            {"Name": "state", "Values": ["available"]},
        ]
    )
    names = sorted(zone["ZoneName"] for zone in answer["AvailabilityZones"])
    if len(names) < asked:
        raise StepError(
            FailureCategory.SPEC,
            f"network.zones asks for {asked} zones, and {context.spec.region} has "
            f"{len(names)} for this account ({', '.join(names)}): ask for fewer.",
        )
    await context.remember(known.ZONES, names[:asked])


async def look_up_images(context: Context) -> None:
    """Find the image of each instance group, and the root volume where the spec leaves it open.

    Raises `ResourceError` for the group whose image cannot be found.
    """
    for name, group in context.spec.instances.items():
        try:
            await _look_up_image(context, group)
        except (AwsError, StepError) as error:
            raise ResourceError(f"instance/instances/{name}", error) from error


async def _look_up_image(context: Context, group: InstanceGroup) -> None:
    parameter = known.image(group.image)
    if known.is_path(group.image) and parameter not in context.lookups:
        await context.remember(parameter, await _read_parameter(context, group.image))
    image, asked = context.known.image_of(group), group.root_volume
    is_complete = asked.device_name is not None and asked.size is not None
    if not is_complete and known.root_volume(image) not in context.lookups:
        found = await _describe_root_volume(context, image)
        await context.remember(known.root_volume(image), found)


async def _read_parameter(context: Context, path: str) -> str:
    """The AMI id that an SSM parameter holds (Systems Manager guide: public parameters)."""
    answer = await context.ssm.get_parameter(Name=path)
    value = answer["Parameter"]["Value"]
    if not value.startswith("ami-"):
        raise StepError(
            FailureCategory.SPEC,
            f"The SSM parameter {path} does not hold an AMI id: correct the spec's image.",
        )
    return value


async def _describe_root_volume(context: Context, image: str) -> dict[str, Any]:
    """An image's root device, its size in GiB, and the sizes of its further EBS volumes."""
    answer = await context.ec2.describe_images(ImageIds=[image])
    if not answer["Images"]:
        raise StepError(
            FailureCategory.SPEC,
            f"AWS shows no image {image} in {context.spec.region}: correct the spec.",
        )
    found = answer["Images"][0]
    root = found.get("RootDeviceName")
    volumes = {
        mapping["DeviceName"]: mapping["Ebs"]
        for mapping in found["BlockDeviceMappings"]
        if "DeviceName" in mapping and "Ebs" in mapping
    }
    if root is not None and root in volumes:
        return {
            "device_name": root,
            "size": volumes[root]["VolumeSize"],
            "brought_along": {
                device: ebs["VolumeSize"] for device, ebs in volumes.items() if device != root
            },
        }
    raise StepError(
        FailureCategory.SPEC,
        f"The image {image} has no EBS volume as its root device, and envwright launches no "
        f"other: choose another image.",
    )
