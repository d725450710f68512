"""What producers without this package leave in Redis, and the answers to it."""

from collections.abc import Mapping
from typing import Any, cast

from envwright.connection import Connection
from envwright.errors import Fault, SpecError
from envwright.priority import Priority
from envwright.spec.limits import MAX_SPEC


class SubmissionStore(Connection):
    """Reads and answers submissions. Raises `StoreUnavailable` from every method."""

    def spec(self, submission_id: str) -> str | None:
        """What a producer without this package left under this id; None when nothing is there.

        Raises `SpecError` when it is not worth reading: too large to be a spec, or not UTF-8.
        """
        key = self._keys.submission(submission_id)
        with self._answering():
            if self._redis.hstrlen(key, "spec") > MAX_SPEC:
                raise SpecError(
                    [Fault("", f"The spec is too large: it may have {MAX_SPEC} bytes.")]
                )
            try:
                return cast(str | None, self._redis.hget(key, "spec"))
            except UnicodeDecodeError:
                raise SpecError([Fault("", "The submission's spec is not UTF-8 text.")]) from None

    def priority(self, submission_id: str) -> Priority:
        """How urgent the producer says it is. Raises `SpecError` where it says anything else."""
        with self._answering():
            try:
                said = cast(
                    str | None, self._redis.hget(self._keys.submission(submission_id), "priority")
                )
                return Priority(said or Priority.NORMAL)
            except ValueError:
                known = ", ".join(Priority)
                raise SpecError(
                    [Fault("", f"The submission's priority must be one of {known}.")]
                ) from None

    def answer(self, submission_id: str, answer: Mapping[str, str], keep_seconds: int) -> None:
        """Put the answer in the place of the submitted spec, and let it expire."""
        key = self._keys.submission(submission_id)
        with self._answering():
            pipe = self._redis.pipeline()
            pipe.delete(key)
            pipe.hset(key, mapping=cast(Any, dict(answer)))
            pipe.expire(key, keep_seconds)
            pipe.execute()
