"""What callers ask of a bulk: many environments as one thing."""

import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any, Final

from envwright import requests
from envwright.acceptance import CHUNK, Acceptance
from envwright.bulk import FAILED_MEMBERS, Bulk, BulkAnswer, Member
from envwright.bulk_store import BulkStore
from envwright.errors import StoreCorrupt, UnknownBulk
from envwright.new_run import new_id
from envwright.priority import Priority
from envwright.requests import Answer, Ticket, Wish
from envwright.runs import retried
from envwright.spec import EnvironmentSpec, parse_spec

logger = logging.getLogger(__name__)

Told = Callable[[Sequence[Answer]], None]
"""What is to be done with answers, a chunk of them at a time."""

_ID: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")


class BulkRequests:
    """The part of the client that is about bulks."""

    _acceptance: Acceptance
    _bulks: BulkStore

    def enqueue_bulk(
        self,
        specs: Iterable[EnvironmentSpec | Mapping[str, Any]],
        *,
        name: str | None = None,
        priority: Priority = Priority.LOW,
        max_failures: int | None = None,
        bulk_id: str | None = None,
        told: Told | None = None,
    ) -> Bulk:
        """Ask for many environments as one thing; returns as soon as all are on record.

        They wait in line and are let in bit by bit. `specs` are taken up in chunks, so they need
        not fit into memory; `told` is handed the answers of each chunk, in order. A refusal is an
        answer, too. An environment that is there already, with the same spec, is no member.
        When more than `max_failures` members have failed, the bulk pauses by itself; and it begins
        slowly, so that what fails all of them is seen on a few.

        After a `StoreUnavailable` half-way, what was accepted stays so. The same specs again under
        the same `bulk_id` make no second runs, and go on with the others. A spec that is not valid
        (`SpecError`) ends it alike: read by `parse_spec` beforehand, all are checked first.

        Raises `ValueError` for a `bulk_id` that is none: it has up to 64 letters, digits, `_`, `.`
        and `-`; and for `max_failures` that are no number from 0 on.
        """
        wanted = (
            _checked(bulk_id) if bulk_id else new_id(),
            name,
            Priority(priority),
            _countable(max_failures),
        )
        waiting = (one if isinstance(one, EnvironmentSpec) else parse_spec(one) for one in specs)
        chunk = list(islice(waiting, CHUNK))  # A fault in the first ones leaves no empty bulk.
        opened = self._bulks.open(*wanted)
        while chunk:
            wishes = [
                requests.in_order(requests.for_spec(one), opened.priority, opened.id)
                for one in chunk
            ]
            answers = self._acceptance.ask_all(wishes)
            granted = [one.environment_id for one in answers if isinstance(one, Ticket)]
            self._bulks.note_answers(opened.id, _refused(wishes, answers), granted)
            if told is not None:
                told(answers)
            chunk = list(islice(waiting, CHUNK))
        self._bulks.seal(opened.id)
        return self._bulks.read(opened.id)

    def bulk(self, bulk_id: str) -> Bulk:
        """A bulk, its members counted by their state. Raises `UnknownBulk`."""
        return self._bulks.read(bulk_id)

    def bulks(self, name: str | None = None) -> Iterator[Bulk]:
        """All bulks, the newest first; or those of this name. The log names what cannot be read."""
        for bulk_id in self._bulks.ids(name):
            try:
                bulk = self._bulks.read(bulk_id)
            except (UnknownBulk, StoreCorrupt) as error:
                logger.warning("%s", error)
                continue
            yield bulk

    def bulk_members(self, bulk_id: str) -> Iterator[Member]:
        """The environments of a bulk, in the order in which they were asked for.

        Raises `UnknownBulk`.
        """
        self._bulks.read(bulk_id)
        for some in self._bulks.member_ids(bulk_id):
            yield from self._bulks.members(some)

    def bulk_refusals(self, bulk_id: str) -> Iterator[tuple[str, str]]:
        """The environments that are no members since their specs were refused, and why.

        Raises `UnknownBulk`.
        """
        self._bulks.read(bulk_id)
        yield from self._bulks.refused(bulk_id)

    def pause_bulk(self, bulk_id: str) -> Bulk:
        """Let no more of a bulk's members in. Those that a worker has begun go on.

        Raises `UnknownBulk`.
        """
        self._bulks.read(bulk_id)
        self._bulks.pause(bulk_id)
        return self._bulks.read(bulk_id)

    def resume_bulk(self, bulk_id: str) -> Bulk:
        """Go on with a bulk that was paused; failures are counted anew. Raises `UnknownBulk`."""
        self._bulks.read(bulk_id)
        self._bulks.resume(bulk_id)
        return self._bulks.read(bulk_id)

    def retry_bulk(self, bulk_id: str, *, told: Told | None = None) -> BulkAnswer:
        """Put a bulk's failed members in line again, and go on with it where it was paused.

        Members whose cleanup failed are cleaned up first: ask again for them. `told` is handed the
        answers of each chunk, as by `enqueue_bulk`. Raises `UnknownBulk`.
        """
        self.resume_bulk(bulk_id)
        return self._ask_members(
            bulk_id,
            lambda one: one.state in FAILED_MEMBERS,
            lambda one: requests.about(one, retried),
            told,
        )

    def destroy_bulk(
        self, bulk_id: str, *, force: bool = False, told: Told | None = None
    ) -> BulkAnswer:
        """Take all of a bulk's members down; what waits in line has ended with that.

        `force` lifts termination protection, as `destroy` does; without it those that are
        protected are refused. `told` is handed the answers of each chunk. Raises `UnknownBulk`.
        """
        self.pause_bulk(bulk_id)
        destroy = partial(requests.destroy, force=force)
        return self._ask_members(
            bulk_id, lambda one: True, lambda one: requests.about(one, destroy), told
        )

    def _ask_members(
        self,
        bulk_id: str,
        concerns: Callable[[Member], bool],
        wish: Callable[[str], Wish],
        told: Told | None,
    ) -> BulkAnswer:
        bulk, accepted, refused = self._bulks.read(bulk_id), 0, dict[str, str]()
        for some in self._bulks.member_ids(bulk_id):
            wishes = [
                requests.in_order(wish(one.environment_id), bulk.priority, bulk.id)
                for one in self._bulks.members(some)
                if concerns(one)
            ]
            answers = self._acceptance.ask_all(wishes)
            if told is not None:
                told(answers)
            accepted += sum(isinstance(one, Ticket) and one.accepted for one in answers)
            refused |= _refused(wishes, answers)
        return BulkAnswer(accepted=accepted, refused=refused)


def _refused(wishes: Sequence[Wish], answers: Sequence[Answer]) -> dict[str, str]:
    return {
        environment_id: str(answer)
        for (environment_id, _), answer in zip(wishes, answers, strict=True)
        if not isinstance(answer, Ticket)
    }


def _checked(bulk_id: str) -> str:
    if not _ID.fullmatch(bulk_id) or bulk_id in tuple(Priority):
        raise ValueError(
            f"{bulk_id!r} cannot be the id of a bulk: it may have up to 64 letters, digits, `_`, "
            f"`.` and `-`, and must not be the name of a priority."
        )
    return bulk_id


def _countable(max_failures: int | None) -> int | None:
    if max_failures is None or (type(max_failures) is int and max_failures >= 0):
        return max_failures
    raise ValueError(
        f"{max_failures!r} cannot be `max_failures`: it must be a whole number from 0 on, or None."
    )
