"""The lease as a running step sees it: whether it may still act, and why it no longer may."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from envwright.names import Step
from tasks.aws.errors import Halted, Trouble
from tasks.store import Hold

# A laptop or a virtual machine that was suspended must find its lease gone, so the clock has to
# run on meanwhile; CLOCK_MONOTONIC stops on Linux.
_CLOCK: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def clock() -> float:
    """Seconds on a clock that never goes back and runs on while the machine is suspended."""
    return time.clock_gettime(_CLOCK)


class End(StrEnum):
    """Why a step was halted before its work was done."""

    STOPPING = "the worker is stopping"
    REPLACED = "another run has taken this one's place"
    LOST = "the lease was lost"
    DEADLINE = "the deadline has passed"
    FAILED = "another resource of the step failed"


@dataclass(frozen=True, slots=True)
class Flow:
    """Whose calls wait together for AWS's request limits: flows take turns."""

    name: str
    is_urgent: bool = False
    """Whether they go before all that are not."""


NORMAL: Final = Flow("normal")
LOOKING: Final = Flow("look", is_urgent=True)
"""Questions: each is a few calls, and somebody sits and waits for the answer."""


class Permit:
    """The right to call AWS, until it ends or is ended."""

    def __init__(self, until: float, margin: float, flow: Flow = NORMAL) -> None:
        """`until` is a time of `clock()`; nothing is changed in its last `margin` seconds."""
        self.until = until
        self.flow = flow
        self.end: End | None = None
        self.name = ""
        """The environment that it is for, where it is for one."""
        self.troubles: dict[object, Trouble] = {}
        """Why calls are being made again, by the call: one that is answered leaves the others."""
        self._margin = margin
        self._ended = asyncio.Event()
        self._told_of_end: set[Callable[[], None]] = set()

    @property
    def trouble(self) -> Trouble | None:
        """Why a call is being made again; None when none is."""
        return next(iter(self.troubles.values()), None)

    def halt(self, end: End) -> None:
        """Let no further call begin. What is under way is left to finish and be recorded."""
        if self.end is None:
            self.end = end
            self._ended.set()
            for tell in tuple(self._told_of_end):
                tell()

    @contextmanager
    def telling_of_its_end(self, tell: Callable[[], None]) -> Iterator[None]:
        """Have this called when it is ended meanwhile; at once, if it has ended already."""
        self._told_of_end.add(tell)
        try:
            if self.end is not None:
                tell()
            yield
        finally:
            self._told_of_end.discard(tell)

    def check(self, changing: bool) -> None:
        """Raises `Halted` when no call (or none that changes anything) may begin now."""
        if self.end is None and clock() > self.until - (self._margin if changing else 0):
            self.halt(End.LOST)
        if self.end is not None:
            raise Halted(f"Nothing further is begun: {self.end}.")

    async def wait_for_turn(self, turn: asyncio.Future[None]) -> None:
        """Wait until this is done, or raise `Halted` as soon as the permit ends."""

        def leave() -> None:
            if not turn.done():
                turn.set_result(None)

        with self.telling_of_its_end(leave):
            await turn
        self.check(changing=False)

    async def wait_for(self, event: asyncio.Event) -> None:
        """Wait until this is set, or raise `Halted` as soon as the permit ends."""
        waits = [asyncio.ensure_future(one.wait()) for one in (event, self._ended)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        self.check(changing=False)

    async def pause(self, seconds: float) -> None:
        """Sleep, or raise `Halted` as soon as the permit ends."""
        try:
            async with asyncio.timeout(seconds):
                await self._ended.wait()
        except TimeoutError:
            return
        self.check(changing=False)


class Lease(Permit):
    """The right of this worker to act on one environment."""

    def __init__(
        self,
        hold: Hold,
        until: float,
        margin: float,
        step: Step | None = None,
        flow: Flow = NORMAL,
    ) -> None:
        super().__init__(until, margin, flow)
        self.name = hold.environment_id
        self.hold = hold
        self.step = step


class Look(Permit):
    """The right to look at AWS for some seconds, outside of any run."""

    def __init__(self, seconds: float) -> None:
        super().__init__(clock() + seconds, margin=0, flow=LOOKING)

    def check(self, changing: bool) -> None:
        """Raises `Halted` when its time is over, and `RuntimeError` for what is no look."""
        if changing:
            raise RuntimeError("Only a run may change anything in AWS.")
        if clock() > self.until:
            self.halt(End.DEADLINE)
        super().check(changing)

    @contextmanager
    def telling_of_its_end(self, tell: Callable[[], None]) -> Iterator[None]:
        """As for every permit: but of this one nobody says when its time is over."""
        left = max(0.0, self.until - clock())
        timer = asyncio.get_running_loop().call_later(left, self.halt, End.DEADLINE)
        try:
            with super().telling_of_its_end(tell):
                yield
        finally:
            timer.cancel()
