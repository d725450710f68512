"""Questions about AWS, which a caller asks and a worker answers.

Callers have no credentials for AWS. So the question lies in Redis, since it may hold what is
secret, and the message that wakes a worker up holds the question's id alone.
"""

import time
import uuid
from abc import abstractmethod
from contextlib import suppress
from typing import ClassVar, Final, Generic, Self, TypeVar

from pydantic import ValidationError

from envwright.errors import NotAnswered, StoreUnavailable
from envwright.messages import producer, send_question
from envwright.question_store import QuestionStore
from envwright.settings import ClientSettings
from envwright.spec.part import Part
from envwright.value import Value

A = TypeVar("A", bound=Value)

_PAUSE: Final = 0.2


class Question(Part, Generic[A]):
    """What a worker is asked."""

    sort: ClassVar[str]
    """By which a worker knows what is asked."""

    answer: ClassVar[type[Value]]
    """What the answer is read as."""

    kept: ClassVar[int] = 900
    """Seconds for which the answer lies in Redis, where nobody fetches it."""

    @property
    @abstractmethod
    def asks(self) -> str:
        """The question in words, such as "what AWS holds in eu-west-1"."""


class Questions:
    """Asks workers."""

    def __init__(self, settings: ClientSettings) -> None:
        self._settings = settings
        self._store = QuestionStore(settings)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._store.close()

    def ask(self, question: Question[A], timeout: float) -> A:
        """What a worker answers.

        Raises `NotAnswered` when it cannot, or none does in `timeout` seconds, and
        `StoreUnavailable` when Redis does not answer.
        """
        question_id = uuid.uuid4().hex
        self._store.put(question_id, question.sort, question.model_dump_json(), timeout)
        try:
            self._send(question_id, question)
            told = self._wait(question_id, question, timeout)
        finally:
            # Nobody waits for it any more: what may be secret need not lie there any longer.
            self._forget(question_id)
        try:
            answer: A = question.answer.model_validate_json(told)  # type: ignore[assignment]
        except ValidationError:
            raise NotAnswered(
                f"The worker's answer to {question.asks} cannot be read: its version of envwright "
                f"is another one, so upgrade the workers, or what asks."
            ) from None  # pydantic's error quotes its input, and with it a console's output
        return answer

    def _send(self, question_id: str, question: Question[A]) -> None:
        try:
            with producer(self._settings) as app:
                send_question(app, question_id)
        except Exception as error:
            raise StoreUnavailable(f"No worker could be asked {question.asks}: {error}.") from error

    def _wait(self, question_id: str, question: Question[A], timeout: float) -> str:
        deadline = time.monotonic() + timeout
        while (told := self._store.answered(question_id)) is None:
            if time.monotonic() > deadline:
                raise NotAnswered(self._silence(question_id, question, timeout))
            time.sleep(_PAUSE)
        return told

    def _forget(self, question_id: str) -> None:
        # Redis forgets it by itself, a little later.
        with suppress(StoreUnavailable):
            self._store.forget(question_id)

    def _silence(self, question_id: str, question: Question[A], timeout: float) -> str:
        silence = f"No worker has answered within {timeout:g} s {question.asks}"
        if self._store.is_taken_up(question_id):
            return (
                f"{silence}, though one looks: check that AWS has such a region and can be reached "
                f"from there (the worker's log names each call), or wait longer."
            )
        return (
            f"{silence}: check that one runs and reads the queue {self._settings.queue}, or wait "
            f"longer."
        )
