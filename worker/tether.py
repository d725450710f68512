"""Run a command that dies with the process that started it, even when that one is SIGKILLed.

    python tether.py <pid of the parent> <command> <argument>...

Only the kernel can tell a child that its parent is gone without a chance to say so. Linux does
when the child has asked for it (prctl(2), PR_SET_PDEATHSIG), and the wish survives an exec. So
this small program asks and then becomes the command. The other way, a `preexec_fn`, would run
Python between fork and exec, where a lock held by another thread of the parent hangs it for ever.

It is run by its path, isolated and without `site`, so it imports nothing of the project.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def die_with(parent: int) -> None:
    """Have the kernel SIGKILL this process when its parent is gone."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0) != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), "prctl(PR_SET_PDEATHSIG)")
    # A parent that died before the line above sends nothing any more.
    if os.getppid() != parent:
        sys.exit("the process that started this one is gone already")


def main() -> None:
    parent, *command = sys.argv[1:]
    die_with(int(parent))
    try:
        os.execvp(command[0], command)  # noqa: S606 - no shell is what is wanted
    except OSError as error:
        sys.exit(f"cannot run {command[0]}: {error.strerror}")


if __name__ == "__main__":
    main()
