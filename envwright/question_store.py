"""Where in Redis a question to the workers and its answer meet."""

from dataclasses import dataclass
from typing import Any, Final, cast

from envwright.connection import Connection
from envwright.errors import NotAnswered
from envwright.settings import ClientSettings

QUESTION_KEPT: Final = 900
"""Seconds for which a question lies in Redis."""

_TAKEN_UP: Final = "taken_up"

TAKE_UP: Final = """
if redis.call('HEXISTS', KEYS[1], 'question') == 0 then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], 1)
redis.call('EXPIRE', KEYS[1], ARGV[2])
return 1
"""

ANSWER: Final = """
if redis.call('HEXISTS', KEYS[1], 'question') == 0 then return 0 end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
"""
"""Written only where a question waits: else an answer that may be secret would lie about."""


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

    def __init__(self, settings: ClientSettings) -> None:
        super().__init__(settings)
        self._take_up = self._redis.register_script(TAKE_UP)
        self._answer = self._redis.register_script(ANSWER)

    def put(self, question_id: str, sort: str, text: str, patience: float) -> None:
        """Leave a question for a worker."""
        key = self._keys.question(question_id)
        fields = {"sort": sort, "question": text, "patience": str(patience)}
        with self._answering():
            pipe = self._redis.pipeline()
            pipe.hset(key, mapping=cast(Any, fields))
            pipe.expire(key, QUESTION_KEPT)
            pipe.execute()

    def asked(self, question_id: str) -> Asked | None:
        """The question; None when it is answered already, or nobody waits for it any more."""
        key = self._keys.question(question_id)
        with self._answering():
            found = cast(list[str | None], self._redis.hmget(key, ["sort", "question", "patience"]))
        sort, text, patience = found
        if sort is None or text is None or patience is None:
            return None
        return Asked(sort, text, float(patience))

    def take_up(self, question_id: str) -> bool:
        """Say that a worker has begun to look; False when nobody waits for it any more."""
        key = self._keys.question(question_id)
        with self._answering():
            return bool(self._take_up(keys=[key], args=[_TAKEN_UP, QUESTION_KEPT]))

    def is_taken_up(self, question_id: str) -> bool:
        """Whether a worker has begun to look."""
        with self._answering():
            return bool(self._redis.hexists(self._keys.question(question_id), _TAKEN_UP))

    def answer(self, question_id: str, text: str, kept: int) -> bool:
        """Put an answer, as JSON, in the place of the question, for `kept` seconds.

        False when it was answered already, or nobody waits for it any more: then nothing is.
        """
        return self._replace(question_id, "answer", text, kept)

    def refuse(self, question_id: str, why: str) -> bool:
        """Put a sentence on why there is no answer in the place of the question, as `answer`."""
        return self._replace(question_id, "refusal", why, QUESTION_KEPT)

    def answered(self, question_id: str) -> str | None:
        """The answer as JSON; None while there is none. Raises `NotAnswered` for a refusal."""
        with self._answering():
            key = self._keys.question(question_id)
            answer, refusal = cast(list[str | None], self._redis.hmget(key, ["answer", "refusal"]))
        if refusal is not None:
            raise NotAnswered(refusal)
        return answer

    def forget(self, question_id: str) -> None:
        """Leave nothing of a question, or of its answer."""
        with self._answering():
            self._redis.delete(self._keys.question(question_id))

    def _replace(self, question_id: str, field: str, text: str, kept: int) -> bool:
        key = self._keys.question(question_id)
        with self._answering():
            return bool(self._answer(keys=[key], args=[field, text, kept]))
