"""The strict cloud in a process of its own, so that its cost is not the benchmark's.

It is told what to do, and asked what happened, over a pipe; it ends when the other end is closed.
"""

import asyncio
import multiprocessing
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, Final, Self

import uvloop

from tests.cloud import Behaviour, Call, Cloud
from tests.cloud.accounts import DEFAULT_ACCOUNT

_START_TIMEOUT: Final = 30.0
_ANSWER_TIMEOUT: Final = 120.0


@dataclass(frozen=True)
class Calls:
    """The calls that came since the journal was last cleared."""

    by_action: Mapping[str, int]
    mutating: int
    throttled: Mapping[str, int]
    """By action, how many were refused because of the request limits."""
    errors: Mapping[str, int]
    """By action and AWS's code, the other refusals."""
    times: Mapping[str, list[float]]
    """By action, when each came, by this machine's `time.monotonic()`."""

    @classmethod
    def of(cls, journal: list[Call]) -> Self:
        times: dict[str, list[float]] = {}
        for call in journal:
            times.setdefault(call.action, []).append(call.at)
        return cls(
            by_action=Counter(call.action for call in journal),
            mutating=sum(call.mutates for call in journal),
            throttled=Counter(call.action for call in journal if call.code == _THROTTLED),
            errors=Counter(
                f"{call.action} {call.code}"
                for call in journal
                if call.code not in (None, _THROTTLED)
            ),
            times=times,
        )

    @property
    def total(self) -> int:
        return sum(self.by_action.values())

    @property
    def share_throttled(self) -> float:
        return sum(self.throttled.values()) / max(1, self.total)


_THROTTLED: Final = "RequestLimitExceeded"


class CloudProcess:
    """The cloud, for as long as it is entered. `url` is what an SDK is pointed at."""

    def __init__(self, emulator_url: str, behaviour: Behaviour) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(
            target=serve, args=(theirs, emulator_url, behaviour), name="cloud", daemon=True
        )
        self._theirs = theirs

    def __enter__(self) -> Self:
        self._process.start()
        self._theirs.close()
        self.url: str = self._answer(_START_TIMEOUT)
        return self

    def __exit__(self, *_: object) -> None:
        self._pipe.close()
        self._process.join(_START_TIMEOUT)

    @property
    def pid(self) -> int:
        assert self._process.pid is not None  # noqa: S101 - it was entered
        return self._process.pid

    def behave(self, behaviour: Behaviour) -> None:
        """Behave so from now on, towards all accounts."""
        self._ask("behave", behaviour)

    def clear(self) -> None:
        """Forget the calls that came so far; all else stays."""
        self._ask("clear")

    def calls(self, account: str | None = None) -> Calls:
        """The calls since `clear`, of one account or all."""
        calls: Calls = self._ask("calls", account)
        return calls

    def counts(self, account: str = DEFAULT_ACCOUNT) -> dict[str, int]:
        """What truly exists in an account: how many of each kind."""
        counts: dict[str, int] = self._ask("counts", account)
        return counts

    def _ask(self, what: str, *told: Any) -> Any:
        self._pipe.send((what, *told))
        return self._answer(_ANSWER_TIMEOUT)

    def _answer(self, timeout: float) -> Any:
        if not self._pipe.poll(timeout):
            raise TimeoutError(f"The cloud's process did not answer within {timeout:g} s.")
        answer = self._pipe.recv()
        if isinstance(answer, Exception):
            raise answer
        return answer


def serve(pipe: Connection, emulator_url: str, behaviour: Behaviour) -> None:
    """Be such a cloud, over this end of the pipe, until the other one is closed."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_obey(pipe, emulator_url, behaviour))


async def _obey(pipe: Connection, emulator_url: str, behaviour: Behaviour) -> None:
    """Answer over the pipe until it is closed."""
    async with Cloud(emulator_url, behaviour) as cloud:
        pipe.send(cloud.url)
        asked = asyncio.Event()
        asyncio.get_running_loop().add_reader(pipe.fileno(), asked.set)
        # The loop makes it otherwise, and then a long answer would end half-way.
        os.set_blocking(pipe.fileno(), True)
        while True:
            await asked.wait()
            asked.clear()
            while pipe.poll():
                try:
                    what, *told = pipe.recv()
                except EOFError:
                    return
                pipe.send(await _done(cloud, what, told))


async def _done(cloud: Cloud, what: str, told: list[Any]) -> Any:
    try:
        match what:
            case "behave":
                return cloud.behave(*told)
            case "clear":
                return cloud.journal.clear()
            case "calls":
                (account,) = told
                return Calls.of([one for one in cloud.journal if account in (None, one.account)])
            case "counts":
                return (await cloud.inventory(*told)).counts
            case _:
                raise ValueError(f"The cloud's process knows no {what!r}.")
    except Exception as error:
        return error
