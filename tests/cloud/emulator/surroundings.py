"""What an environment does not make and must find: things of other services, most of them."""

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from moto.backends import get_backend
from moto.ec2.models import ec2_backends, iam_instance_profile
from moto.ec2.responses import instances

from tests.cloud.emulator.clock import Clock
from tests.cloud.emulator.errors import refused


def provide(account: str, region: str, what: str, name: str) -> None:
    """Make it, by moto's own hands: the strict cloud passes on no calls to these services."""
    _MADE[what](account, region, name)


def _bucket(account: str, region: str, name: str) -> None:
    get_backend("s3")[account]["aws"].create_bucket(name, region)


def _log_group(account: str, region: str, name: str) -> None:
    get_backend("logs")[account][region].create_log_group(name, {})


def _instance_profile(account: str, region: str, name: str) -> None:
    get_backend("iam")[account]["aws"].create_instance_profile(name, "/", [])
    _births[account, name] = time.monotonic()


def _placement_group(account: str, region: str, name: str) -> None:
    backend = ec2_backends[account][region]
    backend.__dict__.setdefault("placement_groups", set()).add(name)


def _known_profile(
    account_id: str,
    partition: str,
    iam_instance_profile_arn: str | None,
    iam_instance_profile_name: str | None,
) -> Any:
    """The profile; a refusal in EC2's words where there is none, or none to its knowledge yet."""
    for one in get_backend("iam")[account_id][partition].instance_profiles.values():
        age = time.monotonic() - _births.get((account_id, one.name), 0.0)
        wanted = iam_instance_profile_name in (None, one.name)
        by_arn = iam_instance_profile_arn in (None, one.arn)
        if wanted and by_arn and age >= Clock.terms.durations.instance_profile_unknown:
            return one
    by, value = "name", iam_instance_profile_name
    if value is None:
        by, value = "arn", iam_instance_profile_arn
    told = f"Value ({value}) for parameter iamInstanceProfile.{by} is invalid. "
    raise refused("InvalidParameterValue", told + f"Invalid IAM Instance Profile {by}")


def take_the_place_of_motos() -> None:
    instances.filter_iam_instance_profiles = _known_profile
    iam_instance_profile.filter_iam_instance_profiles = _known_profile


_births: dict[tuple[str, str], float] = {}
"""When instance profiles were made."""

_MADE: Final[Mapping[str, Callable[[str, str, str], None]]] = {
    "bucket": _bucket,
    "instance_profile": _instance_profile,
    "log_group": _log_group,
    "placement_group": _placement_group,
}
