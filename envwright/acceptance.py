"""How requests become runs: decided on the record as it is, written, and told to a worker."""

import logging
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Final

from envwright import requests
from envwright.errors import StoreCorrupt, StoreUnavailable
from envwright.record import Record
from envwright.requests import REFUSALS, Answer, Wish
from envwright.runs import AcceptedRun
from envwright.settings import ClientSettings
from envwright.states import AT_REST
from envwright.store import Store

if TYPE_CHECKING:
    from celery import Celery

CHUNK: Final = 500
"""How many records are read or written at once."""

TRIES: Final = 20
"""How often a request is decided anew, because its record has changed meanwhile."""

logger = logging.getLogger(__name__)


class Acceptance:
    """Answers requests. `wake` sends a run's message, and says whether it could be sent."""

    def __init__(self, store: Store, wake: Callable[[AcceptedRun], bool]) -> None:
        self._store = store
        self._wake = wake

    def ask_all(self, wishes: Sequence[Wish]) -> list[Answer]:
        """Make many requests, so many of them at once that each chunk takes a few round trips."""
        answers: list[Answer] = []
        for start in range(0, len(wishes), CHUNK):
            answers += self._ask_chunk(wishes[start : start + CHUNK])
        return answers

    def _ask_chunk(self, wishes: Sequence[Wish]) -> list[Answer]:
        answers: dict[int, Answer] = {}
        open_ones = list(range(len(wishes)))
        for _ in range(TRIES):
            now = self._store.now()
            seen = self._store.read_each([wishes[index][0] for index in open_ones])
            wanted: dict[int, AcceptedRun] = {}
            for index, record in zip(open_ones, seen, strict=True):
                decided = _decided(wishes[index], record, now)
                if isinstance(decided, AcceptedRun):
                    wanted[index] = decided
                else:
                    answers[index] = decided
            written = self._store.accept(list(wanted.values()))
            self._store.confirm()
            accepted = [index for index, is_so in zip(wanted, written, strict=True) if is_so]
            answers |= {index: requests.ticket_for(wanted[index]) for index in accepted}
            self._wake_all([wanted[index] for index in accepted])
            open_ones = [index for index in open_ones if index not in answers]
            if not open_ones:
                return [answers[index] for index in range(len(wishes))]
        raise contended(wishes[open_ones[0]][0])

    def _wake_all(self, accepted: Iterable[AcceptedRun]) -> None:
        for one in accepted:
            # One time-out is enough: the sweeper finds what nobody is woken up for.
            waits = one.state in AT_REST or one.starts_in_line
            if not waits and not self._wake(one):
                return


def _decided(wish: Wish, record: Record | StoreCorrupt | None, now: float) -> AcceptedRun | Answer:
    if isinstance(record, StoreCorrupt):
        return record
    try:
        return wish[1](record, now)
    except REFUSALS as refusal:
        return refusal


class Messenger:
    """Sends the messages of runs."""

    def __init__(self, settings: ClientSettings) -> None:
        self._settings = settings

    def close(self) -> None:
        if "_celery" in self.__dict__:
            self._celery.close()

    def send(self, wanted: AcceptedRun) -> bool:
        """Send the run's message. It is on record: should this fail, the sweeper sends it."""
        from envwright.messages import message_priority, send_run

        run = wanted.run
        try:
            priority = message_priority(run.kind, run.priority, begun=False)
            send_run(self._celery, wanted.environment_id, run.id, run.kind, wanted.first, priority)
        except Exception as error:
            logger.warning(
                "The run %s of %s is accepted; its message could not be sent (%s), so a worker "
                "will find it by itself.",
                run.id,
                wanted.environment_id,
                error,
            )
            return False
        return True

    @cached_property
    def _celery(self) -> "Celery":
        from envwright.messages import producer

        return producer(self._settings)


def contended(environment_id: str) -> StoreUnavailable:
    return StoreUnavailable(
        f"{environment_id} changed each time that this request was about to be written: try again."
    )
