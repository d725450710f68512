"""How many files and connections this process may have open."""

import resource
from typing import Final

import structlog

from config.settings import WorkerSettings

_OTHERS: Final = 300
"""Connections to Redis, the broker's, the log, and what libraries keep open."""

_ENOUGH: Final = 65_536
"""Where there is no limit at all; some programs go through all files that they may have."""

logger = structlog.get_logger(__name__)


def allow_files(settings: WorkerSettings) -> None:
    """Raise the soft limit to the hard one, since the usual 1024 is below what steps may need.

    A connection that cannot be opened is tried again, so a low limit makes a worker slow and
    not wrong: it is told in the log.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = _ENOUGH if hard == resource.RLIM_INFINITY else min(hard, _ENOUGH)
    if allowed > soft != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    needed = settings.connections_a_client + _OTHERS
    if allowed < needed:
        logger.warning("few_files_allowed", allowed=allowed, needed=needed)
