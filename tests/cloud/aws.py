"""The emulator under the strict cloud, as a process."""

import sys

from worker.processes import LOCALHOST, Child
from worker.servers import MOTO_VALIDATION, LocalAws, inherited_environment
from worker.stack import ROOT


class Emulator(LocalAws):
    """moto made quick and strict (see `tests.cloud.emulator`)."""

    def _run(self) -> Child:
        command = [
            sys.executable,
            "-m",
            "tests.cloud.emulator",
            "-H",
            LOCALHOST,
            "-p",
            str(self.port),
        ]
        environment = inherited_environment() | MOTO_VALIDATION
        return Child(self.name, command, self.directory / "aws.log", environment, ROOT)
