"""Which processes a test has started, whoever their parent is by now."""

import os
import uuid
from pathlib import Path
from typing import Final

import psutil

MARK: Final = "TEST_PROCESS_MARK"
"""The environment variable that a process hands on to all that come of it."""


class Trail:
    """Finds the processes that were started with its mark, or that work in its directory.

    The mark alone does not do: Redis puts its title over the memory that its environment was in.
    """

    def __init__(self, directory: Path) -> None:
        self.mark = uuid.uuid4().hex
        self.directory = directory.resolve()

    def living(self) -> list[psutil.Process]:
        """Those that run now, but for the process that asks."""
        return [
            process
            for process in psutil.process_iter()
            if process.pid != os.getpid() and self._leads_to(process)
        ]

    def described(self) -> list[str]:
        """Those that run now, for a message."""
        return [
            f"{process.pid}: {' '.join(process.as_dict(['cmdline'])['cmdline'] or ['?'])}"
            for process in self.living()
        ]

    def _leads_to(self, process: psutil.Process) -> bool:
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                return False
            inside = Path(process.cwd()).is_relative_to(self.directory)
            return inside or process.environ().get(MARK) == self.mark
        except psutil.Error:
            # It has ended meanwhile, or belongs to another user: not one of ours.
            return False
