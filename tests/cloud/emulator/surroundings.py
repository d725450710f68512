"""What an environment does not make and must find: things of other services than EC2."""

from collections.abc import Callable, Mapping
from typing import Final

from moto.backends import get_backend


def provide(account: str, region: str, what: str, name: str) -> None:
    """Make it, by moto's own hands: the strict cloud passes on no calls to these services."""
    _MADE[what](account, region, name)


def _bucket(account: str, region: str, name: str) -> None:
    get_backend("s3")[account]["aws"].create_bucket(name, region)


def _log_group(account: str, region: str, name: str) -> None:
    get_backend("logs")[account][region].create_log_group(name, {})


_MADE: Final[Mapping[str, Callable[[str, str, str], None]]] = {
    "bucket": _bucket,
    "log_group": _log_group,
}
