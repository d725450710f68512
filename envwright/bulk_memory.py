"""Bulks in this process's memory: the part of `envwright.testing` that is about them."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from envwright.bulk import Bulk, Member
from envwright.bulk_store import BulkStore, unknown_bulk
from envwright.priority import Priority
from envwright.record import Record


class InMemoryBulkStore(BulkStore):
    """Keeps bulks in this process. Nobody lets members in, and no failure pauses a bulk."""

    def __init__(
        self,
        now: Callable[[], float],
        read: Callable[[Sequence[str]], list[Record | None]],
        members: Mapping[str, Mapping[str, None]],
    ) -> None:
        """`members` are the environments that were accepted, by their bulk."""
        self._now = now
        self._read = read
        self._members = members
        self._opened: dict[str, Bulk] = {}
        self._refused: dict[str, dict[str, str]] = {}
        self._existing: dict[str, set[str]] = {}

    def close(self) -> None:
        """Nothing is open."""

    def open(
        self, bulk_id: str, name: str | None, priority: Priority, max_failures: int | None
    ) -> Bulk:
        if bulk_id not in self._opened:
            self._opened[bulk_id] = Bulk(
                id=bulk_id,
                name=name,
                priority=priority,
                max_failures=max_failures,
                created_at=self._now(),
                counted_at=self._now(),
            )
        self._change(bulk_id, sealed_at=None)
        return self.read(bulk_id)

    def seal(self, bulk_id: str) -> None:
        self._change(bulk_id, sealed_at=self._now())

    def read(self, bulk_id: str) -> Bulk:
        if bulk_id not in self._opened:
            raise unknown_bulk(bulk_id)
        ids = list(self._members.get(bulk_id, {}))
        records = [one for one in self._read(ids) if one is not None]
        states = Counter(one.state for one in records)
        counted = {
            "counted_at": self._now(),
            "total": len(ids),
            "waiting": sum(one.waits_in_line for one in records),
            "states": dict(states),
            "last_change_at": max((one.updated_at for one in records), default=None),
            "refused": len(self._refused.get(bulk_id, {})),
            "existing": len(self._existing.get(bulk_id, ())),
        }
        return self._opened[bulk_id].model_copy(update=counted)

    def ids(self, name: str | None = None) -> list[str]:
        found = [one.id for one in self._opened.values() if name is None or one.name == name]
        return found[::-1]

    def note_answers(
        self, bulk_id: str, refused: Mapping[str, str], granted: Sequence[str]
    ) -> None:
        members = set(self._members.get(bulk_id, {}))
        before = self._refused.get(bulk_id, {})
        self._refused[bulk_id] = {
            one: why for one, why in {**before, **refused}.items() if one not in granted
        }
        self._existing[bulk_id] = (self._existing.get(bulk_id, set()) | set(granted)) - members

    def pause(self, bulk_id: str) -> None:
        self._change(bulk_id, paused_at=self._now())

    def resume(self, bulk_id: str) -> None:
        self._change(bulk_id, paused_at=None, paused_because=None, failures=0)

    def member_ids(self, bulk_id: str) -> Iterator[list[str]]:
        if ids := list(self._members.get(bulk_id, {})):
            yield ids

    def members(self, environment_ids: Sequence[str]) -> list[Member]:
        return [
            Member(
                environment_id=one,
                state=None if record is None else record.state,
                failure=None if record is None else record.last_failure,
            )
            for one, record in zip(environment_ids, self._read(environment_ids), strict=True)
        ]

    def refused(self, bulk_id: str) -> Iterator[tuple[str, str]]:
        yield from self._refused.get(bulk_id, {}).items()

    def _change(self, bulk_id: str, **fields: object) -> None:
        self._opened[bulk_id] = self._opened[bulk_id].model_copy(update=fields)
