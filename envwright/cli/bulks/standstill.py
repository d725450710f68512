"""Why nothing happens in a bulk, where that is so: what a person who watches it should look at."""

from enum import StrEnum
from typing import Final

from envwright.bulk import Bulk, BulkState
from envwright.cli.output import duration

_FIRST_SILENCE: Final = 15.0
"""Seconds after which we ask whether a worker runs, where none was ever seen."""

_SILENCE: Final = 65.0
"""Seconds without a sweep after which none runs: `ENVWRIGHT_SWEEP_EVERY` is 60 at most."""

_LONGEST_WAIT: Final = 300.0
"""Seconds in which some member changes: none waits longer for AWS without a word about why."""


class Standstill(StrEnum):
    """Why nothing happens."""

    NO_WORKER = "no_worker"
    NOT_LET_IN = "not_let_in"
    NO_CHANGE = "no_change"


def standstill(bulk: Bulk) -> Standstill | None:
    """Why nothing happens in it; None where something does, or nothing is to."""
    is_held = bulk.state is BulkState.PAUSED and not bulk.under_way
    if is_held or bulk.state in (BulkState.OPEN, BulkState.DONE):
        return None
    since_begin = bulk.counted_at - bulk.created_at
    if bulk.swept_at is None:
        return Standstill.NO_WORKER if since_begin > _FIRST_SILENCE else None
    if bulk.counted_at - bulk.swept_at > _SILENCE:
        return Standstill.NO_WORKER
    if bulk.started_at is None:
        return Standstill.NOT_LET_IN if since_begin > _FIRST_SILENCE else None
    return Standstill.NO_CHANGE if _unchanged(bulk) > _LONGEST_WAIT else None


def in_words(bulk: Bulk) -> str:
    """Why nothing happens, for how long, and what to look at; empty where something does."""
    match standstill(bulk):
        case Standstill.NO_WORKER if bulk.swept_at is None:
            return "No worker has been seen yet, and nothing happens without one: is one running?"
        case Standstill.NO_WORKER:
            silence = duration(bulk.counted_at - (bulk.swept_at or 0))
            return (
                f"No worker has been seen for {silence}, and nothing happens without one: start "
                f"one; how the last one ended is in its log."
            )
        case Standstill.NOT_LET_IN:
            return "A worker runs and lets others in first: `envwright bulks` shows other bulks."
        case Standstill.NO_CHANGE:
            return (
                f"Nothing has changed for {duration(_unchanged(bulk))}: `envwright list --state "
                f"provisioning` shows what its members wait for."
            )
        case None:
            return ""


def _unchanged(bulk: Bulk) -> float:
    return bulk.counted_at - max(bulk.last_change_at or 0, bulk.started_at or bulk.created_at)
