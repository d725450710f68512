"""Where in Redis a question to the workers and its answer meet."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from envwright.connection import Connection
from envwright.errors import NotAnswered

QUESTION_KEPT: Final = 900
"""Seconds for which a question lies in Redis."""

_TAKEN_UP: Final = "taken_up"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as it lies in Redis."""

    sort: str
    text: str
    """JSON."""
    patience: float
    """How many seconds its asker waits."""


class QuestionStore(Connection):
    """Every method raises `StoreUnavailable` when Redis does not answer."""

    def put(self, question_id: str, sort: str, text: str, patience: float) -> None:
        """Leave a question for a worker."""
        fields = {"sort": sort, "question": text, "patience": str(patience)}
        self._replace(question_id, fields, QUESTION_KEPT)

    def asked(self, question_id: str) -> Asked | None:
        """The question; None when it is answered already, or nobody waits for it any more."""
        key = self._keys.question(question_id)
        with self._answering():
            found = cast(list[str | None], self._redis.hmget(key, ["sort", "question", "patience"]))
        sort, text, patience = found
        if sort is None or text is None or patience is None:
            return None
        return Asked(sort, text, float(patience))

    def take_up(self, question_id: str) -> None:
        """Say that a worker has begun to look."""
        key = self._keys.question(question_id)
        with self._answering():
            pipe = self._redis.pipeline()
            pipe.hset(key, _TAKEN_UP, "1")
            pipe.expire(key, QUESTION_KEPT)
            pipe.execute()

    def is_taken_up(self, question_id: str) -> bool:
        """Whether a worker has begun to look."""
        with self._answering():
            return bool(self._redis.hexists(self._keys.question(question_id), _TAKEN_UP))

    def answer(self, question_id: str, text: str, kept: int) -> None:
        """Put an answer, as JSON, in the place of the question, for `kept` seconds."""
        self._replace(question_id, {"answer": text}, kept)

    def refuse(self, question_id: str, why: str) -> None:
        """Put a sentence on why there is no answer in the place of the question."""
        self._replace(question_id, {"refusal": why}, QUESTION_KEPT)

    def answered(self, question_id: str) -> str | None:
        """The answer as JSON; None while there is none. Raises `NotAnswered` for a refusal."""
        with self._answering():
            key = self._keys.question(question_id)
            answer, refusal = cast(list[str | None], self._redis.hmget(key, ["answer", "refusal"]))
        if refusal is not None:
            raise NotAnswered(refusal)
        return answer

    def forget(self, question_id: str) -> None:
        """Leave nothing of a question that was answered."""
        with self._answering():
            self._redis.delete(self._keys.question(question_id))

    def _replace(self, question_id: str, fields: Mapping[Any, Any], kept: int) -> None:
        key = self._keys.question(question_id)
        with self._answering():
            pipe = self._redis.pipeline()
            pipe.delete(key)
            pipe.hset(key, mapping=fields)
            pipe.expire(key, kept)
            pipe.execute()
