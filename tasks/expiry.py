"""What a sweep does about the ends of environments: it warns of them, and carries them out."""

from typing import Final

import structlog

from envwright.errors import NotAllowed, StoreCorrupt
from envwright.expiry import MovedExpiry, forgotten, warned
from envwright.record import Record
from envwright.runs import AcceptedRun, expired
from envwright.states import HOLDS_NOTHING
from envwright.store import Store

LOOK_AGAIN: Final = 60.0
"""Seconds until an end is looked at again that nothing could be done about, or nobody has."""

logger = structlog.get_logger(__name__)


def carry_out_ends(store: Store, limit: int) -> int:
    """Do what is to be done about the ends that must be looked at; returns how many these were.

    Raises `StoreUnavailable`. Several workers may do so at once: each change is written only
    where the record is still as it was seen.
    """
    taken = store.take_expiring(limit, LOOK_AGAIN)
    for environment_id, seen in zip(taken, store.read_each(taken), strict=True):
        if isinstance(seen, StoreCorrupt):
            logger.error("record_not_readable", environment=environment_id, error=str(seen))
        elif seen is not None:
            _carry_out(store, seen)
    return len(taken)


def _carry_out(store: Store, seen: Record) -> None:
    try:
        wanted = _wanted(seen, store.now())
    except NotAllowed as refusal:
        # It is being taken down. Should that fail for good, the end comes after it.
        logger.info("end_put_off", environment=seen.environment_id, why=str(refusal))
        return
    if isinstance(wanted, AcceptedRun) and store.accept([wanted]) == [True]:
        logger.info("environment_expired", environment=seen.environment_id, run=wanted.run.id)
    elif isinstance(wanted, MovedExpiry) and store.move_expiry(wanted):
        logger.info("end_looked_at", environment=seen.environment_id, ends_at=wanted.expiry.at)


def _wanted(seen: Record, now: float) -> AcceptedRun | MovedExpiry | None:
    """What is to be written; None before its time. Raises `NotAllowed`."""
    expiry = seen.expiry
    if expiry is None or expiry.at is None or seen.state in HOLDS_NOTHING:
        return forgotten(seen)
    if expiry.look_at is not None and now < expiry.look_at:
        return None
    if expiry.warn_at is not None:
        return warned(seen, expiry.at, now)
    return expired(seen, now)
