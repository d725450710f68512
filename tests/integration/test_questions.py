"""Questions to workers, and what is left of them in Redis: nothing that nobody waits for."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from envwright.errors import NotAnswered
from envwright.question_store import QuestionStore
from envwright.questions import Questions
from envwright.settings import ClientSettings
from envwright.sight import Console, ReadConsole
from envwright.survey import Place
from tasks.lease import Look
from tests.everything import REGION
from tests.surveys import RedisKeys
from worker import questions as answering
from worker.loop import LoopThread

SECRET = "canary-5e1f"
QUESTION = ReadConsole(place=Place(region=REGION), instance="i-0123456789abcdef0")
ANSWER = Console(text=SECRET).model_dump_json()


@pytest.fixture
def settings(redis_url: str, key_prefix: str) -> ClientSettings:
    return ClientSettings(redis_url=redis_url, key_prefix=key_prefix, queue=key_prefix)


@pytest.fixture
def store(settings: ClientSettings) -> Iterator[QuestionStore]:
    store = QuestionStore(settings)
    yield store
    store.close()


@pytest.fixture
def keys(settings: ClientSettings) -> Iterator[RedisKeys]:
    with RedisKeys(settings) as keys:
        yield keys


@pytest.fixture
def work(store: QuestionStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """A worker's task for a question, without a worker."""

    @contextmanager
    def looking(seconds: float) -> Iterator[Look]:
        yield Look(seconds)

    loop = LoopThread()
    loop.start()
    monkeypatch.setattr(answering, "_store", lambda: store)
    here = SimpleNamespace(current=lambda: SimpleNamespace(loop=loop, looking=looking))
    monkeypatch.setattr(answering, "runtime", here)
    yield answering.answer.run
    loop.stop()


def before_the_answer_is_read(
    store: QuestionStore, monkeypatch: pytest.MonkeyPatch, act: Callable[[str], object]
) -> None:
    """Have a worker do this whenever somebody looks for an answer."""
    real = QuestionStore.answered

    def answered(self: QuestionStore, question_id: str) -> str | None:
        act(question_id)
        return real(self, question_id)

    monkeypatch.setattr(QuestionStore, "answered", answered)


def test_an_answer_that_comes_too_late_is_kept_nowhere(
    settings: ClientSettings, store: QuestionStore, keys: RedisKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody would ever fetch it, and a console may hold secrets."""
    asked: list[str] = []
    before_the_answer_is_read(store, monkeypatch, asked.append)
    with Questions(settings) as questions, pytest.raises(NotAnswered, match="No worker"):
        questions.ask(QUESTION, 0.1)

    assert keys.left() == []
    assert not store.take_up(asked[0])
    assert not store.answer(asked[0], ANSWER, 60)
    assert not store.refuse(asked[0], "AWS is out of reach.")
    assert keys.left() == []


def test_of_two_workers_that_answer_the_first_is_heard(
    settings: ClientSettings, store: QuestionStore, keys: RedisKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message may come twice: the second answer changes nothing, before it is read and after."""
    asked: list[str] = []

    def answer(question_id: str) -> None:
        asked.append(question_id)
        assert store.take_up(question_id)
        assert store.answer(question_id, ANSWER, 60)
        assert not store.refuse(question_id, "AWS is out of reach.")

    before_the_answer_is_read(store, monkeypatch, answer)
    with Questions(settings) as questions:
        assert questions.ask(QUESTION, 10).text == SECRET

    assert not store.answer(asked[0], ANSWER, 60)
    assert keys.left() == []


def test_an_answer_of_another_version_is_not_quoted(
    settings: ClientSettings, store: QuestionStore, keys: RedisKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    before_the_answer_is_read(
        store, monkeypatch, lambda one: store.answer(one, f'{{"output": "{SECRET}"}}', 60)
    )

    with Questions(settings) as questions, pytest.raises(NotAnswered, match="version") as caught:
        questions.ask(QUESTION, 10)

    assert SECRET not in str(caught.getrepr(chain=True))
    assert keys.left() == []


def test_a_question_of_a_newer_version_is_refused_in_a_sentence(
    store: QuestionStore, work: Callable[[str], None]
) -> None:
    """Whoever asked need not wait for the end of the time, and user data is not quoted."""
    store.put("newer", "console", f'{{"lines": "{SECRET}"}}', 10)

    work("newer")

    with pytest.raises(NotAnswered, match=r"cannot read the question console .*: upgrade"):
        store.answered("newer")


def test_a_worker_that_fails_at_a_question_says_so(
    store: QuestionStore, work: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else whoever asked would be told that none has answered. Its log has the error."""

    async def broken(*_: object) -> Console:
        raise KeyError("a bug")

    monkeypatch.setitem(answering.ANSWERS, ReadConsole, broken)  # type: ignore[arg-type]
    store.put("broken", QUESTION.sort, QUESTION.model_dump_json(), 10)

    with pytest.raises(KeyError):
        work("broken")

    with pytest.raises(NotAnswered, match="The worker failed at the question: its log"):
        store.answered("broken")


def test_what_a_worker_finds_for_nobody_is_dropped(
    store: QuestionStore,
    work: Callable[[str], None],
    keys: RedisKeys,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Whoever asked went away while it looked."""

    async def slow(*_: object) -> Console:
        store.forget("late")
        return Console(text=SECRET)

    monkeypatch.setitem(answering.ANSWERS, ReadConsole, slow)  # type: ignore[arg-type]
    store.put("late", QUESTION.sort, QUESTION.model_dump_json(), 10)

    with caplog.at_level(logging.INFO):
        work("late")

    assert keys.left() == []
    assert SECRET not in caplog.text
