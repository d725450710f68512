"""The emulator under the strict cloud, as a process."""

from typing import ClassVar

from worker.servers import LocalAws


class Emulator(LocalAws):
    """moto made quick and strict (see `tests.cloud.emulator`)."""

    module: ClassVar = "tests.cloud.emulator"
