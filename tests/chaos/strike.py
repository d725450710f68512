"""The ways in which one call goes wrong: its worker dies around it, or its reply does not come."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from typing import Final

from tasks.scripts import ADVANCE, NOTE
from tests.chaos.workers import WorkerProcess
from tests.chaos.world import CALM, World
from tests.cloud import Call, Reply
from tests.cloud.calls import refusal
from tests.cloud.faults import Forward, ReplyLost
from tests.cloud.kinds import ID, MADE_BY, prefix_of
from tests.redis_proxy import Toward, Verdict

_RECORDS: Final = tuple(
    hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest().encode()
    for script in (NOTE, ADVANCE)
)
"""How Redis knows the two scripts that write down what a call has brought about."""


_ANSWER: Final = b"$7\r\nwritten\r\n"


LATE: Final = 5.0
"""Seconds by which what is made shows late, from a call on where that is the trouble."""


class Trouble(StrEnum):
    """What happens at a call."""

    KILLED_BEFORE_IT_IS_SENT = "killed before it is sent"
    KILLED_BEFORE_THE_REPLY = "killed after its effect and before the reply"
    KILLED_BEFORE_THE_RECORD = "killed after the reply and before it is recorded"
    KILLED_AFTER_THE_RECORD = "killed after it is recorded and before the message is acknowledged"
    REPLY_DROPPED = "the reply is dropped"
    ERROR_AFTER_EFFECT = "a 500 after the effect"
    SHOWN_LATE = "what it made shows 5 s late"

    @property
    def kills(self) -> bool:
        return self.value.startswith("killed")


class Strike:
    """One trouble at one place of a worker's life: a fault for the cloud, a watch for the proxy."""

    def __init__(self, trouble: Trouble, world: World, worker: WorkerProcess) -> None:
        self.reached = False
        """Whether the place was come to: a strike that never fell proves nothing."""
        self._trouble = trouble
        self._world = world
        self._worker = worker
        self._sought: Callable[[bytes], bool] | None = None
        self._unanswered = 0
        self._is_recorded = False

    async def at_call(self, call: Call, forward: Forward) -> Reply:
        """As a fault of the cloud: strike at this call, or at what is written of it."""
        if self._trouble is Trouble.KILLED_BEFORE_IT_IS_SENT:
            self._kill()
            raise ReplyLost
        if self._trouble is Trouble.SHOWN_LATE:
            self.reached = True
            self._world.cloud.behave(replace(CALM, id_lag=LATE, tag_lag=LATE))
            return await forward()
        reply = await forward()
        match self._trouble:
            case Trouble.KILLED_BEFORE_THE_REPLY:
                self._kill()
                raise ReplyLost
            case Trouble.REPLY_DROPPED:
                self.reached = True
                raise ReplyLost
            case Trouble.ERROR_AFTER_EFFECT:
                self.reached = True
                return refusal(call, "InternalError", "An internal error has occurred.", 500)
            case _:
                self.at_record_of(*_made_by(call, reply))
                return reply

    def at_record_of(self, *words: str) -> None:
        """Strike at the next record that holds one of these words; at the very next without."""
        wanted = [word.encode() for word in words]
        self._sought = lambda chunk: not wanted or any(word in chunk for word in wanted)
        self._world.proxy.watch = self._watch

    async def _watch(self, toward: Toward, chunk: bytes) -> Verdict:
        if toward is Toward.CLIENT:
            self._unanswered -= chunk.count(_ANSWER)
            if self._is_recorded and self._unanswered <= 0:
                self._kill()
                return Verdict.CLOSE
            return Verdict.PASS
        if not any(script in chunk for script in _RECORDS):
            return Verdict.PASS
        self._unanswered += 1
        if self._sought is not None and self._sought(chunk):
            self._sought = None
            if self._trouble is Trouble.KILLED_BEFORE_THE_RECORD:
                self._kill()
                return Verdict.CLOSE
            self._is_recorded = True
        return Verdict.PASS

    def _kill(self) -> None:
        self.reached = True
        self._is_recorded = False
        self._world.replace(self._worker)


def _made_by(call: Call, reply: Reply) -> list[str]:
    """The ids that a create has given, by which its record is known; none of any other call."""
    kinds = MADE_BY.get(call.action, ())
    return [one for one in ID.findall(reply.body) if prefix_of(one) in kinds]
