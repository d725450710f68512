"""The callers of one call: their right to it, and how its answer is shared out among them."""

import asyncio
from collections.abc import Sequence
from contextvars import copy_context
from typing import Any

from tasks.aws.errors import Halted
from tasks.aws.pacing import wait_of
from tasks.aws.sharing import Ask, list_in
from tasks.aws.wire import Call, Wire
from tasks.lease import Permit

Answer = dict[str, Any]


class Member:
    """A caller who waits."""

    def __init__(self, call: Call, ask: Ask, permit: Permit, attempt: int) -> None:
        self.call = call
        self.ask = ask
        self.permit = permit
        self.attempt = attempt
        self.told: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()
        """His part of an answer; None where his own call has to tell."""
        self.context = copy_context()
        self.batch: Batch | None = None

    async def answer(self) -> Answer | None:
        """Raises `Halted` as soon as the permit ends; a change that was sent is waited for."""
        try:
            with self.permit.telling_of_its_end(self._leave):
                return await self.told
        except Halted:
            if self.batch is not None and not self.batch.is_sent:
                self.permit.troubles[self.call] = wait_of(self.call.action)
            raise
        finally:
            if self.batch is not None:
                self.batch.end_if_left()
                # They would hold on to each other, and wait for the collector of cycles.
                self.batch = None

    def may(self, change: bool) -> bool:
        """Whether he still waits, and still has the right to what he waits for."""
        if not self.told.done():
            try:
                self.permit.check(change)
            except Halted as halted:
                self.fail(halted)
        return not self.told.done()

    def tell(self, answer: Answer | None) -> None:
        if not self.told.done():
            self.told.set_result(answer)

    def fail(self, error: Exception) -> None:
        if not self.told.done():
            self.told.set_exception(error)

    def _leave(self) -> None:
        is_sent = self.batch is not None and self.batch.is_sent
        if not (is_sent and self.call.changes):
            self.may(change=False)


class Batch(Permit):
    """The callers of one call. Their right to make it is what is left of their permits."""

    def __init__(self, members: Sequence[Member]) -> None:
        flows = sorted((one.permit.flow for one in members), key=lambda one: not one.is_urgent)
        super().__init__(until=float("inf"), margin=0, flow=flows[0])
        self.members = members
        """Those who still wait."""
        self._asked_for = len(members)
        self.is_sent = False
        self.task: asyncio.Task[None] | None = None
        for member in members:
            member.batch = self

    def check(self, changing: bool) -> None:
        """Raises `Halted` where nobody is left, and where a change is asked for by fewer now."""
        self.members = [one for one in self.members if one.may(changing)]
        is_for_fewer = len(self.members) < self._asked_for
        if not self.members or (is_for_fewer and changing):
            raise Halted("Nobody, or fewer, may make this call.")
        self.is_sent = True

    def end_if_left(self) -> None:
        """Give up a call that is not sent when nobody waits for it any more."""
        if self.task and not self.is_sent and all(one.told.done() for one in self.members):
            self.task.cancel()

    async def make(self, wire: Wire) -> None:
        """Tell each of them what is answered to him. Raises as `Wire.send`."""
        self.is_sent = False
        members, first = self.members, self.members[0]
        self._asked_for = len(members)
        attempt = max(one.attempt for one in members)
        if len(members) == 1:
            first.tell(await wire.send(first.call, self, attempt))
            return
        values = dict.fromkeys(value for one in members for value in one.ask.values)
        call = first.ask.call_for(first.call, [*values]) if values else first.call.saying()
        call.was_throttled = any(one.call.was_throttled for one in members)
        try:
            answer = await self._all_pages(wire, call, attempt)
        finally:
            for one in members:
                one.call.was_throttled = call.was_throttled
                one.call.waited += call.waited
        parts = first.ask.parts(answer, [one.ask.values for one in members])
        for member, part in zip(members, parts, strict=True):
            member.tell(part)

    async def _all_pages(self, wire: Wire, call: Call, attempt: int) -> Answer:
        """One answer with the items of all pages, where they are to be shared out."""
        served = [*dict.fromkeys(one.permit.name for one in self.members if one.permit.name)]
        are_shared_out = bool(self.members[0].ask.values)
        answer = page = await wire.send(call, self, attempt, served)
        while are_shared_out and page.get("NextToken") and (name := list_in(page)):
            following = call.saying(NextToken=page["NextToken"])
            page = await wire.send(following, self, attempt, served)
            answer = {**page, name: answer[name] + page[name]}
        return answer
