"""Which account a request is of: its access key says so, so that tests can share one emulator."""

import hashlib
import re
from typing import Final

DEFAULT_ACCOUNT: Final = "123456789012"
"""The account of the access key `local`: it is moto's own default."""

_LOCAL: Final = "local"
_ACCOUNT_ID: Final = re.compile(r"\d{12}")
_ISSUED: Final = re.compile(r"<AccessKeyId>(.*?)</AccessKeyId>")


def account_of(access_key: str) -> str:
    """A key of twelve digits is the account itself; any other one stands for one of its own."""
    if access_key in ("", _LOCAL):
        return DEFAULT_ACCOUNT
    if _ACCOUNT_ID.fullmatch(access_key):
        return access_key
    digest = hashlib.sha256(access_key.encode()).digest()
    return f"{int.from_bytes(digest[:8]) % 10**12:012}"


def key_issued(body: str) -> str | None:
    """The access key in the reply of AssumeRole."""
    found = _ISSUED.search(body)
    return found[1] if found else None


def account_of_role(arn: str) -> str:
    return arn.split(":")[4]
