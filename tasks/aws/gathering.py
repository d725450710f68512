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
from contextvars import Context
from typing import Final

from tasks.aws.batch import Answer, Batch, Member
from tasks.aws.errors import AwsError, ErrorClass, Halted
from tasks.aws.sharing import ask_of
from tasks.aws.wire import Call, Unanswered, Wire
from tasks.lease import Permit

WINDOW: Final = 0.25
"""The most seconds that a call waits for others."""

_OF_NO_CALL: Final = frozenset(
    {ErrorClass.THROTTLED, ErrorClass.TRANSIENT, ErrorClass.EXPIRED, ErrorClass.PERMISSION}
)
"""Errors that do not hang on what is asked for, where it is only read."""


class Gathering:
    """The way to AWS of one client, on which calls of one sort go together."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._batchers: dict[Hashable, _Batcher] = {}

    async def send(self, call: Call, permit: Permit, attempt: int = 1) -> Answer:
        """As `Wire.send`. A call that was refused by itself is repeated by itself."""
        ask = None if call.alone else ask_of(call)
        try:
            answer = None
            if ask is not None:
                answer = await self._together(Member(call, ask, permit, attempt))
            if answer is None:
                answer = await self._wire.send(call, permit, attempt)
        except AwsError as error:
            call.alone = error.error_class not in _OF_NO_CALL
            raise
        return answer

    async def _together(self, member: Member) -> Answer | None:
        member.permit.check(member.call.changes)
        sort = member.ask.sort
        if sort not in self._batchers:
            self._batchers[sort] = _Batcher(self._wire, lambda: self._batchers.pop(sort, None))
        self._batchers[sort].join(member)
        return await member.answer()


class _Batcher:
    """Calls of one sort: those that wait to be made, and how many are under way."""

    def __init__(self, wire: Wire, when_idle: Callable[[], object]) -> None:
        self._wire = wire
        self._when_idle = when_idle
        self._waiting: list[Member] = []
        self._values: set[str] = set()
        self._batches: set[asyncio.Task[None]] = set()
        self._start: asyncio.Handle | None = None

    def join(self, member: Member) -> None:
        ask = member.ask
        further = sum(value not in self._values for value in ask.values)
        if len(self._values) + further > ask.most:
            self._go()
        self._waiting.append(member)
        self._values.update(ask.values)
        if self._start is None:
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
            batch = Batch(members)
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

    async def _carry_out(self, batch: Batch) -> None:
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

    def _refuse(self, members: Sequence[Member], error: AwsError | Unanswered) -> None:
        """Tell an error of all to all. Of another, those make their own call whom it may mean;
        the others have theirs done, or go together again."""
        if len(members) == 1:
            members[0].fail(error)
        elif isinstance(error, Unanswered) or _is_of_all(members[0], error):
            for member in members:
                member.fail(_again(error))
        elif error.items:
            done = {"Unsuccessful": [], "ResponseMetadata": {"RequestId": error.request_id}}
            for member in members:
                is_refused = not error.items.isdisjoint(member.ask.values)
                member.tell(None if is_refused else done)
        else:
            named = [one for one in members if _names(error, one)]
            for member in members:
                if member in named or not named:
                    member.tell(None)
                elif not member.told.done():
                    member.batch = None
                    self.join(member)


def _is_of_all(member: Member, error: AwsError) -> bool:
    """Whether each of many would have been told the same."""
    if not member.ask.values:
        return True
    if member.call.changes and error.error_class is ErrorClass.PERMISSION:
        return False
    return error.error_class in _OF_NO_CALL and not error.items


def _names(error: AwsError, member: Member) -> bool:
    return any(value in error.aws_message for value in member.ask.values)


def _again(error: AwsError | Unanswered) -> AwsError | Unanswered:
    """The same for one more caller, who may write on it."""
    if isinstance(error, Unanswered):
        return Unanswered(str(error))
    return AwsError(
        error.action, error.code, error.aws_message, error.request_id, error.error_class
    )
