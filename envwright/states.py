"""Where an environment can stand, and which moves between its states are legal.

                 ┌────────────── retry ◄────────────────┐
                 ▼                                      │
(new) ──► queued ──► provisioning ──► ready          failed (held)
            │              │            │               │
            ├─── cancel, or failure, on_failure: hold ──┤
            │              ▼            ▼               │
            └─ destroy ─► cleaning ◄────┴─── destroy ◄──┘
                           │   ▲
          cleaned, destroyed   └ pause, retry ─ cleanup_failed

ready ── change ──► changing ──► ready, or change_failed ── retry, change ──► changing
(found in AWS by its tags) ──► recovered ── destroy ──► cleaning
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class State(StrEnum):
    """Where an environment stands."""

    QUEUED = "queued"
    PROVISIONING = "provisioning"
    READY = "ready"
    CHANGING = "changing"
    CHANGE_FAILED = "change_failed"
    FAILED = "failed"
    CLEANING = "cleaning"
    CLEANED = "cleaned"
    CLEANUP_FAILED = "cleanup_failed"
    DESTROYED = "destroyed"
    RECOVERED = "recovered"


AT_REST: Final = frozenset(
    {
        State.READY,
        State.CHANGE_FAILED,
        State.FAILED,
        State.CLEANED,
        State.CLEANUP_FAILED,
        State.DESTROYED,
        State.RECOVERED,
    }
)
"""States at which a run has ended: a caller need not wait any longer."""

TRIED_AGAIN: Final = frozenset({State.CLEANUP_FAILED})
"""Those of them out of which an environment may move by itself."""

HOLDS_NOTHING: Final = frozenset({State.CLEANED, State.DESTROYED})
"""States in which AWS holds nothing of the environment."""

UNDER_CONSTRUCTION: Final = frozenset({State.QUEUED, State.PROVISIONING})
"""States of a run that builds, which can be cancelled."""

RETRYABLE: Final = (State.CHANGE_FAILED, State.FAILED, State.CLEANED, State.CLEANUP_FAILED)
"""States from which `retry` goes on."""

CHANGEABLE: Final = frozenset({State.READY, State.CHANGE_FAILED})
"""States in which instances can be changed."""

LEGAL_MOVES: Final[Mapping[State, frozenset[State]]] = {
    State.QUEUED: frozenset({State.PROVISIONING, State.FAILED, State.CLEANING}),
    State.PROVISIONING: frozenset({State.READY, State.FAILED, State.CLEANING}),
    State.READY: frozenset({State.CHANGING, State.CLEANING}),
    State.CHANGING: frozenset({State.READY, State.CHANGE_FAILED, State.CLEANING}),
    State.CHANGE_FAILED: frozenset({State.CHANGING, State.CLEANING}),
    State.FAILED: frozenset({State.QUEUED, State.CLEANING}),
    State.CLEANING: frozenset({State.CLEANED, State.DESTROYED, State.CLEANUP_FAILED}),
    State.CLEANED: frozenset({State.QUEUED}),
    State.CLEANUP_FAILED: frozenset({State.CLEANING}),
    State.DESTROYED: frozenset({State.QUEUED}),
    State.RECOVERED: frozenset({State.CLEANING}),
}
