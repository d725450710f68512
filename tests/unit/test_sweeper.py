"""The sweeper's thread: it sends what is due, and nothing but its stop ends it."""

import threading
from collections.abc import Callable, Sequence
from typing import Any, cast

import pytest
from redis.exceptions import RedisError

from config.settings import WorkerSettings
from envwright.names import Step
from envwright.record import RunKind
from envwright.store import Store
from tasks.due import Due
from tasks.line import Line
from tasks.store import WorkerStore
from worker import sweeper
from worker.loop import LoopThread
from worker.sweeper import Sweeper

RAISED = {"capacity": 50, "refill": 15}
DUE = Due("web.eu-west-1", "run", RunKind.PROVISION, Step.SECURITY, 6)


class FakeRecords:
    """Records of environments that live until somebody takes them down."""

    def take_expiring(self, limit: int, again: float) -> list[str]:
        return []

    def read_each(self, environment_ids: list[str]) -> list[None]:
        return []


NO_ENDS = cast(Store, FakeRecords())


class FakeLine:
    """Lets in whom it was given, at its first sweep; then nobody, for ever."""

    def __init__(self, *waiting: Due) -> None:
        self._waiting = [*waiting]
        self.asked_for = self.asked_for_another = 0

    async def admit(self, at_once: Callable[[str], int], grace: float) -> list[Due]:
        self.asked_for = at_once("eu-west-1")
        self.asked_for_another = at_once("123456789012.us-east-1")
        let_in, self._waiting = self._waiting, []
        return let_in


NO_LINE = cast(Line, FakeLine())


class FakeStore:
    """Hands out what it was given, one portion a sweep; then nothing, for ever.

    A run called unsendable stands in for a Redis that refuses.
    """

    def __init__(self, *portions: list[Due] | Exception) -> None:
        self._portions = [*portions]
        self.exhausted = threading.Event()
        self.sent: list[Due] = []

    async def wake_up(self, runs: Sequence[Due]) -> None:
        if any(due.run_id == "unsendable" for due in runs):
            raise RedisError("it is full")
        self.sent += runs

    async def take_due(self, limit: int, grace: float) -> list[Due]:
        if not self._portions:
            self.exhausted.set()
            return []
        portion = self._portions.pop(0)
        if isinstance(portion, Exception):
            raise portion
        return portion


def swept(loop: LoopThread, store: FakeStore, line: Line = NO_LINE) -> None:
    """Let a sweeper work until nothing is due any more."""
    settings = WorkerSettings(sweep_every=0.01)
    one = Sweeper(loop, cast(WorkerStore, store), line, NO_ENDS, settings)
    one.start()
    assert store.exhausted.wait(10)
    one.stop()


def test_what_is_due_is_sent(loop: LoopThread) -> None:
    """With all that the message needs: a run is sent from the step where it stands."""
    store = FakeStore([DUE])

    swept(loop, store)

    assert store.sent == [DUE]


def test_who_is_let_in_is_sent_for(loop: LoopThread) -> None:
    """As what is due is, with the priority of what has not begun."""
    waiting = Due("web.eu-west-1", "run", RunKind.PROVISION, Step.NETWORK, 9)
    store = FakeStore()

    swept(loop, store, cast(Line, FakeLine(waiting)))

    assert store.sent == [waiting]


@pytest.mark.parametrize(
    ("settings", "at_once", "at_once_elsewhere"),
    [
        ({"aws_rate_share": 1.0, "sweep_every": 1.0}, 10, 10),
        ({"aws_rate_share": 1.0, "sweep_every": 2.0}, 20, 20),
        ({"aws_rate_share": 0.01, "sweep_every": 1.0}, 1, 1),
        ({"aws_rate_share": 1.0, "aws_limits": {"own": {"CreateVpc": RAISED}}}, 30, 10),
    ],
)
def test_no_more_are_let_in_than_aws_lets_begin(
    loop: LoopThread, settings: dict[str, Any], at_once: int, at_once_elsewhere: int
) -> None:
    """Twice as many as networks can be made until the next sweep: the others would only stand
    before those who can go on. However few that is, somebody is let in."""
    line = FakeLine()
    told = WorkerSettings(**settings)
    one = Sweeper(loop, cast(WorkerStore, FakeStore()), cast(Line, line), NO_ENDS, told)

    one._admit()

    assert line.asked_for == at_once
    assert line.asked_for_another == at_once_elsewhere


def test_a_full_portion_is_followed_by_the_next_at_once(loop: LoopThread) -> None:
    """A thousand that are due do not wait for a thousand rounds."""
    settings = WorkerSettings(sweep_every=60)
    store = FakeStore([DUE] * sweeper._AT_ONCE, [DUE] * sweeper._AT_ONCE, [DUE])
    one = Sweeper(loop, cast(WorkerStore, store), NO_LINE, NO_ENDS, settings)

    rounds = [one._sweep() for _ in range(3)]

    assert rounds == [sweeper._AT_ONCE, sweeper._AT_ONCE, 1]
    assert len(store.sent) == 2 * sweeper._AT_ONCE + 1


@pytest.mark.parametrize(
    "trouble",
    [
        RedisError("gone"),
        OSError("unreachable"),
        [Due("web.eu-west-1", "unsendable", RunKind.PROVISION, Step.NETWORK)],
        ValueError("what nobody has foreseen"),
    ],
)
def test_no_trouble_ends_it(loop: LoopThread, trouble: Any) -> None:
    """It is the only thing that finds what was lost, so it goes on whatever happens."""
    store = FakeStore(trouble, [DUE])

    swept(loop, store)

    assert store.sent == [DUE]


def test_what_cannot_be_sent_keeps_no_end_from_coming(
    loop: LoopThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each sweep does both, whatever becomes of the first."""
    looked = threading.Event()
    monkeypatch.setattr(sweeper, "carry_out_ends", lambda *_: looked.set() or 0)

    swept(loop, FakeStore(RedisError("gone")))

    assert looked.is_set()


def test_it_stops_when_it_is_told_to(loop: LoopThread) -> None:
    """In the middle of its pause, too."""
    settings = WorkerSettings(sweep_every=60)
    one = Sweeper(loop, cast(WorkerStore, FakeStore()), NO_LINE, NO_ENDS, settings)
    one.start()

    one.halt()
    one.stop()

    assert not one._thread.is_alive()


def test_one_that_is_halted_begins_no_further_sweep(loop: LoopThread) -> None:
    """With a Redis that does not answer each of them would take a time-out, and the worker as long
    to stop."""
    store, halted = FakeStore(), threading.Event()

    class HaltingLine(FakeLine):
        async def admit(self, at_once: Callable[[str], int], grace: float) -> list[Due]:
            one.halt()
            halted.set()
            return []

    settings, line = WorkerSettings(sweep_every=0.01), cast(Line, HaltingLine())
    one = Sweeper(loop, cast(WorkerStore, store), line, NO_ENDS, settings)
    one.start()
    assert halted.wait(10)
    one.stop()

    assert not store.exhausted.is_set()
