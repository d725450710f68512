"""One call for many callers: what is asked alike at the same time is asked once.

Each caller writes the SDK's own call, and gets the answer that it alone would have got. The first
call goes at once. What comes while it is under way waits for its end, or for the window at most,
and goes together: so who is alone waits for nobody, and the more there are, the fewer calls each
of them costs. A call that was sent already answers nobody who asks after that: he may know of
something that it does not show.

A refusal of many is nobody's: whoever it may mean makes his own call.
"""

import asyncio
from collections.abc import Callable, Hashable, Sequence
from contextvars import Context, copy_context
from typing import Any, Final

from tasks.aws.errors import AwsError, ErrorClass, Halted
from tasks.aws.sharing import Ask, ask_of, list_in
from tasks.aws.wire import Call, Unanswered, Wire
from tasks.lease import Permit

WINDOW: Final = 0.25
"""The most seconds that a call waits for others."""

_OF_NO_CALL: Final = frozenset(
    {ErrorClass.THROTTLED, ErrorClass.TRANSIENT, ErrorClass.EXPIRED, ErrorClass.PERMISSION}
)
"""Errors that do not hang on what is asked for, where it is only read."""

Answer = dict[str, Any]


class Gathering:
    """The way to AWS of one client, on which calls of one sort go together."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._lines: dict[Hashable, _Line] = {}

    async def send(self, call: Call, permit: Permit, attempt: int = 1) -> Answer:
        """As `Wire.send`. A call that was refused by itself is repeated by itself."""
        ask = None if call.alone else ask_of(call)
        try:
            answer = None
            if ask is not None:
                answer = await self._together(_Member(call, ask, permit, attempt))
            if answer is None:
                answer = await self._wire.send(call, permit, attempt)
        except AwsError as error:
            call.alone = error.error_class not in _OF_NO_CALL
            raise
        return answer

    async def _together(self, member: "_Member") -> Answer | None:
        member.permit.check(member.call.changes)
        sort = member.ask.sort
        if sort not in self._lines:
            self._lines[sort] = _Line(self._wire, lambda: self._lines.pop(sort, None))
        self._lines[sort].join(member)
        return await member.answer()


class _Member:
    """A caller who waits."""

    def __init__(self, call: Call, ask: Ask, permit: Permit, attempt: int) -> None:
        self.call = call
        self.ask = ask
        self.permit = permit
        self.attempt = attempt
        self.told: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()
        """His part of an answer; None where his own call has to tell."""
        self.context = copy_context()
        self.batch: _Batch | None = None
        self.waits_again = False
        """Whether a call was refused that he was in, and that another member was meant by."""

    async def answer(self) -> Answer | None:
        """Raises `Halted` as soon as the permit ends; a change that was sent is waited for."""
        try:
            with self.permit.telling_of_its_end(self._leave):
                return await self.told
        finally:
            if self.batch is not None:
                self.batch.end_if_left()

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


class _Batch(Permit):
    """The callers of one call. Their right to make it is what is left of their permits."""

    def __init__(self, members: Sequence[_Member]) -> None:
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
                one.call.in_line += call.in_line
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


class _Line:
    """Calls of one sort: those that wait to be made, and how many are under way."""

    def __init__(self, wire: Wire, when_idle: Callable[[], object]) -> None:
        self._wire = wire
        self._when_idle = when_idle
        self._waiting: list[_Member] = []
        self._values: set[str] = set()
        self._batches: set[asyncio.Task[None]] = set()
        self._start: asyncio.Handle | None = None

    def join(self, member: _Member) -> None:
        ask = member.ask
        if self._waiting and len(self._values.union(ask.values)) > ask.most:
            self._go()
        self._waiting.append(member)
        self._values.update(ask.values)
        if len(self._values) >= ask.most:
            self._go()
        elif self._start is None:
            loop = asyncio.get_running_loop()
            # Soon, so that those who come in the same turn of the loop go along.
            later = loop.call_later(WINDOW, self._proceed) if self._batches else None
            self._start = later or loop.call_soon(self._proceed)

    def _go(self) -> None:
        """Make one call for all who wait."""
        if self._start is not None:
            self._start.cancel()
        self._start = None
        members = [one for one in self._waiting if not one.told.done()]
        self._waiting, self._values = [], set()
        if members:
            batch = _Batch(members)
            # The log of a call for one says whose it is, and that of a call for many lists them.
            context = members[0].context if len(members) == 1 else Context()
            loop = asyncio.get_running_loop()
            batch.task = loop.create_task(self._carry_out(batch), context=context)
            self._batches.add(batch.task)
            batch.task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._batches.discard(task)
        if not self._batches:
            self._proceed()

    def _proceed(self) -> None:
        self._go()
        if not self._batches:
            self._when_idle()

    async def _carry_out(self, batch: _Batch) -> None:
        members = batch.members
        try:
            while members:
                try:
                    return await batch.make(self._wire)
                except Halted:
                    # Of a change, some were left out: those who remain go again.
                    members = batch.members
        except (AwsError, Unanswered) as error:
            self._refuse(members, error)
        except Exception as error:
            for member in members:
                member.fail(error)
        except asyncio.CancelledError:
            for member in members:
                member.told.cancel()
            raise

    def _refuse(self, members: Sequence[_Member], error: AwsError | Unanswered) -> None:
        """Tell an error of all to all; of another, let those whom it names make their own call,
        and the others one together, or whoever was refused twice his own, too."""
        if len(members) == 1:
            members[0].fail(error)
            return
        if _is_of_all(members[0], error):
            for member in members:
                member.fail(_again(error))
            return
        text = error.aws_message if isinstance(error, AwsError) else ""
        named = [one for one in members if any(value in text for value in one.ask.values)]
        for member in members:
            if member in named or member.waits_again or not named:
                member.tell(None)
            elif not member.told.done():
                member.waits_again, member.batch = True, None
                self.join(member)


def _is_of_all(member: _Member, error: AwsError | Unanswered) -> bool:
    """Whether each of many would have been told the same."""
    if isinstance(error, Unanswered) or not member.ask.values:
        return True
    if member.call.changes and error.error_class is ErrorClass.PERMISSION:
        return False
    return error.error_class in _OF_NO_CALL


def _again(error: AwsError | Unanswered) -> AwsError | Unanswered:
    """The same for one more caller, who may write on it."""
    if isinstance(error, Unanswered):
        return Unanswered(str(error))
    return AwsError(
        error.action, error.code, error.aws_message, error.request_id, error.error_class
    )
