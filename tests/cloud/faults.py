"""What can go wrong with a call: before its effect, after it, or with what the caller sees of it.

A fault is handed the call, and the way on to the emulator, which gives the true reply.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from tests.cloud.calls import Call, Reply, refusal

Forward = Callable[[], Awaitable[Reply]]
Fault = Callable[[Call, Forward], Awaitable[Reply]]


ANY: Final = "*"
"""As `action` of a rule: for every action."""

ALWAYS: Final = sys.maxsize - 1
"""As `times` of a rule: for every call from then on."""


class ReplyLost(Exception):
    """The connection is dropped instead of a reply."""


def refused(code: str, message: str = "Refused by the test.", status: int = 400) -> Fault:
    """The call is refused with this code, and has no effect."""

    async def fault(call: Call, forward: Forward) -> Reply:
        return refusal(call, code, message, status)

    return fault


def throttled() -> Fault:
    return refused("RequestLimitExceeded", "Request limit exceeded.", 503)


def failed(*, after_effect: bool) -> Fault:
    """The call is answered with an internal error, which does not say whether it was done."""

    async def fault(call: Call, forward: Forward) -> Reply:
        if after_effect:
            await forward()
        return refusal(call, "InternalError", "An internal error has occurred.", 500)

    return fault


def dropped(*, after_effect: bool) -> Fault:
    """The connection is dropped, so that the caller cannot tell whether the call was done."""

    async def fault(call: Call, forward: Forward) -> Reply:
        if after_effect:
            await forward()
        raise ReplyLost

    return fault


def dying(kill: Callable[[], object], *, after_effect: bool) -> Fault:
    """The caller is killed at this call, before or after its effect."""

    async def fault(call: Call, forward: Forward) -> Reply:
        if after_effect:
            await forward()
        kill()
        raise ReplyLost

    return fault


def hiding(prefix: str) -> Fault:
    """DescribeTags does not show what has an id that begins so, such as `vpc-`."""

    async def fault(call: Call, forward: Forward) -> Reply:
        return (await forward()).without_tags_of(lambda one: one.startswith(prefix))

    return fault


class Held:
    """The call goes on only when the test lets it; then it meets the next fault, if there is one.

    `after_effect` says whether its effect is there meanwhile.
    """

    def __init__(self, *, after_effect: bool = False, then: Fault | None = None) -> None:
        self.arrived, self.released = asyncio.Event(), asyncio.Event()
        self._after_effect = after_effect
        self._then = then

    async def __call__(self, call: Call, forward: Forward) -> Reply:
        reply = await forward() if self._after_effect else None
        self.arrived.set()
        await self.released.wait()
        if self._then is not None:
            return await self._then(call, forward)
        return reply or await forward()


class Pages:
    """DescribeTags gives pages, of as many tags as are asked for: moto answers with all of them."""

    def __init__(self) -> None:
        self.given = 0

    async def __call__(self, call: Call, forward: Forward) -> Reply:
        first, size = int(call.parameters.get("NextToken", 0)), int(call.parameters["MaxResults"])
        reply = await forward()
        head, *items = reply.body.split("<item>")
        items[-1], tail = items[-1].split("</item>")[0] + "</item>", items[-1].split("</item>")[1]
        some = items[first : first + size]
        self.given += 1
        more = f"<nextToken>{first + size}</nextToken>" if first + size < len(items) else ""
        body = head + "".join(f"<item>{one}" for one in some) + tail
        end = "</DescribeTagsResponse>"
        return Reply(reply.status, body.replace(end, more + end), reply.content_type)


@dataclass
class Rule:
    """Which calls a fault is for: of those that fit, the ones with these numbers from 1."""

    action: str
    fault: Fault
    numbers: range
    where: Callable[[Call], bool] | None
    account: str | None = None
    seen: int = 0

    def takes(self, call: Call) -> bool:
        if self.action not in (ANY, call.action) or self.account not in (None, call.account):
            return False
        if self.where and not self.where(call):
            return False
        self.seen += 1
        return self.seen in self.numbers
