"""The single values of a spec, each an annotated type that says in a sentence what it wants.

The limits are AWS's own, from the Amazon EC2, IAM and AWS Systems Manager user guides.
"""

from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import (
    AfterValidator,
    Field,
    PlainSerializer,
    PlainValidator,
    TypeAdapter,
    WithJsonSchema,
)

from envwright.spec.forms import (
    Form,
    fault,
    shown,
    sort_of,
)
from envwright.spec.sshkey import canonical_public_key

MAX_USER_DATA: Final = 16 * 1024
"""How many bytes of user data EC2 takes, before base64."""

_MAX_ZONES: Final = 6
REGION: Final = r"[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}"
"""The form of a region's name."""


# Names


def _free_in_aws(name: str) -> str:
    if name == "default":
        raise fault("Every VPC has a group named `default` already: choose another name.")
    if name.startswith("sg-"):
        raise fault(f"{shown(name)} begins with `sg-`, which AWS keeps for ids: choose another.")
    return name


EnvironmentName = Annotated[
    str,
    Form(
        r"[a-z][a-z0-9-]{0,38}[a-z0-9]",
        "a name: use 2 to 40 lower-case letters, digits and hyphens, with a letter first and no "
        "hyphen at the end.",
    ),
]
PartName = Annotated[
    str,
    Form(
        r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?",
        "a name: use up to 63 lower-case letters, digits and hyphens, with a letter first and no "
        "hyphen at the end.",
    ),
]
SecurityGroupName = Annotated[PartName, AfterValidator(_free_in_aws)]
RegionName = Annotated[str, Form(REGION, "the name of an AWS region, such as eu-west-1.")]
ZoneName = Annotated[
    str,
    Form(
        f"{REGION}[a-z]",
        "the name of an availability zone: that is its region's name and a letter, such as "
        "eu-west-1a (zone ids and local zones are not supported).",
    ),
]
ZoneNames = Annotated[
    tuple[ZoneName, ...],
    Field(min_length=1, max_length=_MAX_ZONES, json_schema_extra={"uniqueItems": True}),
]
RoleArn = Annotated[
    str,
    Form(
        r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]{1,576}",
        "the ARN of a role, such as arn:aws:iam::123456789012:role/envwright.",
    ),
]
ExternalId = Annotated[
    str,
    Form(
        r"[A-Za-z0-9_+=,.@:/-]{2,1224}",
        "an external id: it has 2 to 1,224 letters, digits and any of _+=,.@:/- in it.",
        secret=True,
    ),
]
PrefixListId = Annotated[
    str, Form(r"pl-([0-9a-f]{8}|[0-9a-f]{17})", "the id of a prefix list, such as pl-6da54004.")
]
InstanceType = Annotated[
    str, Form(r"[a-z][a-z0-9-]*\.[a-z0-9-]+", "an EC2 instance type, such as t3.micro.")
]
DeviceName = Annotated[
    str,
    Form(r"/dev/(sd|xvd)[a-z]{1,2}[0-9]{0,2}", "a device name, such as /dev/xvda or /dev/sda1."),
]
Image = Annotated[
    str,
    Form(
        r"ami-([0-9a-f]{8}|[0-9a-f]{17})|(?=.{2,1011}$)(/[A-Za-z0-9_.-]+){1,15}",
        "an image: give an AMI id (ami- and 8 or 17 hexadecimal digits), or the path of an SSM "
        "parameter that holds one (it begins with / and has only letters, digits and _.-/ in it).",
    ),
]
GroupDescription = Annotated[
    str,
    Form(
        r"[A-Za-z0-9 ._:/()#,@\[\]+=&;{}!$*-]{1,255}",
        "a description that AWS takes: it has 1 to 255 letters a-z and A-Z, digits, spaces and "
        "any of ._-:/()#,@[]+=&;{}!$* in it.",
    ),
]
RuleDescription = Annotated[
    str,
    Form(
        r"[A-Za-z0-9 ._:/()#,@\[\]+=;{}!$*-]{0,255}",
        "a description that AWS takes: it has up to 255 letters a-z and A-Z, digits, spaces and "
        "any of ._-:/()#,@[]+=;{}!$* in it.",
    ),
]
KeyPairName = Annotated[
    str,
    Form(
        r"[!-~]([ -~]{0,253}[!-~])?",
        "the name of a key pair: it has 1 to 255 ASCII characters, and no space at either end.",
    ),
]
PublicKey = Annotated[str, AfterValidator(canonical_public_key)]


# Zones

_zone_names: Final[TypeAdapter[tuple[str, ...]]] = TypeAdapter(ZoneNames)


def _read_zones(value: object) -> int | tuple[str, ...]:
    if isinstance(value, list | tuple):
        return _zone_names.validate_python(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise fault("Say how many zones, or list the names of the zones.")
    if not 1 <= value <= _MAX_ZONES:
        raise fault(f"An environment has 1 to {_MAX_ZONES} zones.")
    return value


def _written_zones(zones: int | tuple[str, ...]) -> int | list[str]:
    return zones if isinstance(zones, int) else list(zones)


Zones = Annotated[
    int | tuple[ZoneName, ...],
    PlainValidator(
        _read_zones,
        json_schema_input_type=Annotated[int, Field(ge=1, le=_MAX_ZONES)] | ZoneNames,
    ),
    PlainSerializer(_written_zones, return_type=int | list[str]),
]


# User data


def _read_user_data(value: object) -> str:
    if isinstance(value, Mapping) and set(value) == {"file"}:
        raise fault("Only a spec file can name a user data file: give the text itself here.")
    if isinstance(value, Mapping):
        raise fault("This must be text, or in a spec file a mapping with the one field `file`.")
    if not isinstance(value, str):
        raise fault(f"User data must be text, and this is {sort_of(value)}.")
    if flaw := user_data_flaw(value):
        raise fault(flaw)
    return value


def user_data_flaw(text: str) -> str | None:
    """Why EC2 would not take this user data, without repeating a word of it."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        return "The user data holds half of a surrogate pair, which is no character: remove it."
    if not 1 <= size <= MAX_USER_DATA:
        return f"The user data has {size} bytes: EC2 takes 1 to {MAX_USER_DATA}, before base64."
    return None


UserData = Annotated[
    str,
    PlainValidator(_read_user_data),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "minLength": 1, "maxLength": MAX_USER_DATA},
                {
                    "type": "object",
                    "properties": {
                        "file": {
                            "type": "string",
                            "description": "A path relative to the spec file.",
                        }
                    },
                    "required": ["file"],
                    "additionalProperties": False,
                },
            ]
        }
    ),
]
