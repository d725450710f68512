"""Bulks in Redis, as callers see them. Their members go in line with `Store.accept`."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast

from pydantic import ValidationError

from envwright.bulk import Bulk, Member
from envwright.connection import Connection
from envwright.errors import StoreCorrupt, UnknownBulk
from envwright.failure import Failure
from envwright.priority import Priority
from envwright.scripts import COUNT_MEMBERS
from envwright.settings import ClientSettings
from envwright.states import State

_COUNTED_AT_ONCE: Final = 1000
"""Members that one script counts: Redis does nothing else for a few milliseconds."""

_READ_AT_ONCE: Final = 500


def unknown_bulk(bulk_id: str) -> UnknownBulk:
    return UnknownBulk(f"There is no bulk {bulk_id}: `envwright bulks` shows all.")


def _member(
    environment_id: str, state: str | None, cleanup_failure: str | None, failure: str | None
) -> Member:
    why = cleanup_failure or failure
    try:
        return Member(
            environment_id=environment_id,
            state=None if state is None else State(state),
            failure=Failure.model_validate_json(why) if why else None,
        )
    except ValueError:
        return Member(environment_id=environment_id, state=None)


class BulkStore(Connection):
    """Opens, reads and pauses bulks. Raises `StoreUnavailable` from every method."""

    def __init__(self, settings: ClientSettings) -> None:
        super().__init__(settings)
        self._count_members = self._redis.register_script(COUNT_MEMBERS)

    def open(
        self, bulk_id: str, name: str | None, priority: Priority, max_failures: int | None
    ) -> Bulk:
        """Write a bulk down, or open one again: what it is stays as it was said first."""
        key, now = self._keys.bulk(bulk_id), self.now()
        first = {"created_at": f"{now:.3f}", "priority": str(priority)}
        if name is not None:
            first["name"] = name
        if max_failures is not None:
            first["max_failures"] = str(max_failures)
        with self._answering():
            pipe = self._redis.pipeline()
            if not self._redis.exists(key):
                for field, value in first.items():
                    pipe.hsetnx(key, field, value)
            pipe.hdel(key, "sealed_at")
            pipe.zadd(self._keys.bulks, {bulk_id: now}, nx=True)
            pipe.execute()
        return self.read(bulk_id)

    def seal(self, bulk_id: str) -> None:
        """Say that it has all its members."""
        self._set(bulk_id, {"sealed_at": f"{self.now():.3f}"})
        self.confirm()

    def read(self, bulk_id: str) -> Bulk:
        """The bulk, and its members counted. Raises `UnknownBulk`, and `StoreCorrupt`."""
        with self._answering():
            pipe = self._redis.pipeline(transaction=False)
            pipe.hgetall(self._keys.bulk(bulk_id))
            pipe.zcard(self._keys.bulk_members(bulk_id))
            pipe.hlen(self._keys.bulk_refused(bulk_id))
            pipe.scard(self._keys.bulk_existing(bulk_id))
            pipe.get(self._keys.swept)
            fields, total, refused, existing, swept_at = pipe.execute()
        if not fields:
            raise unknown_bulk(bulk_id)
        counted = self._counted(bulk_id, total) | {
            "id": bulk_id,
            "total": total,
            "refused": refused,
            "existing": existing,
            "swept_at": swept_at,
            "counted_at": self.now(),
        }
        try:
            return Bulk.model_validate(fields | counted)
        except ValidationError as error:
            wrong = ", ".join(str(one["loc"][0]) for one in error.errors())
            raise StoreCorrupt(
                f"What Redis holds of the bulk {bulk_id} cannot be read ({wrong}): find out who "
                f"changed {self._keys.bulk(bulk_id)}."
            ) from None

    def ids(self, name: str | None = None) -> list[str]:
        """The ids of all bulks, the newest first; or only of those with this name."""
        with self._answering():
            found = cast(list[str], self._redis.zrange(self._keys.bulks, 0, -1, desc=True))
            if name is None:
                return found
            pipe = self._redis.pipeline(transaction=False)
            for one in found:
                pipe.hget(self._keys.bulk(one), "name")
            return [one for one, its in zip(found, pipe.execute(), strict=True) if its == name]

    def note_answers(
        self, bulk_id: str, refused: Mapping[str, str], granted: Sequence[str]
    ) -> None:
        """Write down whose specs were refused, and why, and who of the others is no member."""
        refused_key = self._keys.bulk_refused(bulk_id)
        existing_key = self._keys.bulk_existing(bulk_id)
        with self._answering():
            pipe = self._redis.pipeline()
            if refused:
                pipe.hset(refused_key, mapping=cast(Any, dict(refused)))
            if granted:
                # Who asks again may be granted what was refused, or was there, the first time.
                pipe.hdel(refused_key, *granted)
                pipe.srem(existing_key, *granted)
                members = self._keys.bulk_members(bulk_id)
                scores: list[Any] = self._redis.zmscore(members, list(granted))
                others = [one for one, score in zip(granted, scores, strict=True) if score is None]
                if others:
                    pipe.sadd(existing_key, *others)
            pipe.execute()

    def pause(self, bulk_id: str) -> None:
        """Let no more of its members in."""
        self._set(bulk_id, {"paused_at": f"{self.now():.3f}"})
        self.confirm()

    def resume(self, bulk_id: str) -> None:
        """Let its members in again, and count anew who failed and who got ready."""
        with self._answering():
            pipe = self._redis.pipeline()
            pipe.hdel(self._keys.bulk(bulk_id), "paused_at", "paused_because", "failures")
            pipe.delete(self._keys.bulk_ready(bulk_id))
            pipe.execute()
        self.confirm()

    def member_ids(self, bulk_id: str) -> Iterator[list[str]]:
        """The ids of its members, in chunks, in the order in which they were asked for."""
        start = 0
        while True:
            with self._answering():
                some = cast(
                    list[str],
                    self._redis.zrange(
                        self._keys.bulk_members(bulk_id), start, start + _READ_AT_ONCE - 1
                    ),
                )
            if not some:
                return
            yield some
            start += len(some)

    def members(self, environment_ids: Sequence[str]) -> list[Member]:
        """How these environments stand."""
        with self._answering():
            pipe = self._redis.pipeline(transaction=False)
            for one in environment_ids:
                pipe.hmget(self._keys.record(one), "state", "cleanup_failure", "failure")
            answers = pipe.execute()
        return [_member(one, *have) for one, have in zip(environment_ids, answers, strict=True)]

    def refused(self, bulk_id: str) -> Iterator[tuple[str, str]]:
        """The environments whose specs were refused, and why."""
        with self._answering():
            yield from self._redis.hscan_iter(self._keys.bulk_refused(bulk_id))

    def _set(self, bulk_id: str, fields: Mapping[str, str]) -> None:
        with self._answering():
            self._redis.hset(self._keys.bulk(bulk_id), mapping=cast(Any, dict(fields)))

    def _counted(self, bulk_id: str, total: int) -> dict[str, Any]:
        states: dict[str, int] = {}
        waiting, changed = 0, 0.0
        for first in range(0, total, _COUNTED_AT_ONCE):
            with self._answering():
                answer: Any = self._count_members(
                    keys=[self._keys.bulk_members(bulk_id)],
                    args=[self._keys.record(""), first, first + _COUNTED_AT_ONCE - 1],
                )
            waiting += answer[0]
            changed = max(changed, float(answer[1]))
            for state, count in zip(answer[2][::2], answer[2][1::2], strict=True):
                if state in tuple(State):
                    states[state] = states.get(state, 0) + count
        return {"states": states, "waiting": waiting, "last_change_at": changed or None}
