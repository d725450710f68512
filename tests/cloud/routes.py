"""What the emulator answers beside AWS's calls, to a test's own eyes."""

from typing import Final

INVENTORY: Final = "/cloud/inventory"
"""What truly exists in an `account`, and in one `region` of it if that is given."""

FORGET: Final = "/cloud/forget"
"""Drop all that an `account` has, in all services and regions."""

ZONE: Final = "/cloud/zone"
"""The availability zone of a `subnet` in an `account` and `region`."""

PROVIDE: Final = "/cloud/provide"
"""Have there be a `bucket`, `log_group`, `instance_profile` or `placement_group` of a `name`."""
