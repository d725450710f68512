"""The HTTP layer itself: between the SDK and moto."""

import asyncio
import re
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from math import inf
from typing import Any, Final, Self

import aiohttp
from aiohttp import web

from tests.cloud.calls import Call, Reply, call_from, refusal
from tests.cloud.faults import Fault, ReplyLost, Rule

_POLLS: Final = frozenset({"DescribeInstanceStatus"})
_ID: Final = re.compile(r"\b(?:vpc|subnet|igw|sg|key|i|vol)-[0-9a-f]{8,}\b")
_INSTANCE: Final = re.compile(r"<instanceId>(.*?)</instanceId>")
_NO_INTERFACE: Final = "InvalidNetworkInterfaceID.NotFound"
_PASSED_ON: Final = ("Authorization", "Content-Type", "X-Amz-Date", "X-Amz-Target")

Ask = Callable[[Mapping[str, Any]], Awaitable[Reply]]
"""Have moto do a call, with these parameters."""


class Cloud:
    """An AWS to point an SDK at, for as long as it is entered.

    async with Cloud(moto_url) as cloud:
        cloud.inject("CreateVpc", dropped(after_effect=True))
    """

    def __init__(self, moto_url: str) -> None:
        self.journal: list[Call] = []
        self.tag_lag = 0.0
        """Seconds after a create for which DescribeTags does not show what it made."""
        self.under_way = 0
        """How many calls moto has not answered yet."""
        self._moto_url = moto_url
        self._rules: list[Rule] = []
        self._born: dict[str, float] = {}
        self._launches: dict[tuple[str, str, str], tuple[Mapping[str, Any], Reply]] = {}
        self._token_locks: defaultdict[tuple[str, str, str], asyncio.Lock] = defaultdict(
            asyncio.Lock
        )
        self._terminated: set[str] = set()

    async def __aenter__(self) -> Self:
        # moto closes every connection, and says so: none is kept.
        connector = aiohttp.TCPConnector(limit=0, force_close=True)
        self._session = aiohttp.ClientSession(connector=connector)
        self._runner = web.ServerRunner(web.Server(self._answer), shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()
        await self._session.close()

    def inject(
        self,
        action: str,
        fault: Fault,
        *,
        first: int = 1,
        times: int = 1,
        where: Callable[[Call], bool] | None = None,
    ) -> None:
        """Let this happen to an action: from its `first` call from now on, `times` in a row."""
        self._rules.append(Rule(action, fault, range(first, first + times), where))

    def heal(self) -> None:
        """Forget all rules."""
        self._rules.clear()

    def calls(self, action: str) -> list[Call]:
        return [call for call in self.journal if call.action == action]

    def done(self, action: str) -> int:
        """How often an action had its effect: a launch that is replayed has none of its own."""
        return sum(call.took_effect for call in self.calls(action))

    @property
    def mutating(self) -> list[str]:
        """The actions of all calls that change something, in their order."""
        return [call.action for call in self.journal if call.mutates]

    @property
    def reading(self) -> list[str]:
        """The actions of all other calls, the polls apart."""
        return [
            call.action for call in self.journal if not call.mutates and call.action not in _POLLS
        ]

    def counted(self) -> str:
        """How often each action was called, as a table for a message."""
        counts = Counter(call.action for call in self.journal)
        return "\n".join(f"{count:4}  {action}" for action, count in sorted(counts.items()))

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        body = await request.read()
        call = call_from(request.headers, body.decode())
        self.journal.append(call)
        headers = {name: request.headers[name] for name in _PASSED_ON if name in request.headers}
        forward = partial(self._forward, call, partial(self._ask_moto, call, headers))
        fault = next((rule.fault for rule in [r for r in self._rules if r.takes(call)]), None)
        try:
            reply = await (fault(call, forward) if fault else forward())
        except ReplyLost:
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        reply = reply.with_request_id(call.request_id)
        call.status, call.code = reply.status, reply.code
        return web.Response(
            status=reply.status,
            text=reply.body,
            content_type=reply.content_type,
            headers={"x-amzn-requestid": call.request_id},
        )

    async def _forward(self, call: Call, ask: Ask) -> Reply:
        match call.action:
            case "RunInstances":
                reply = await self._launch(call, ask)
            case "TerminateInstances":
                reply = await self._terminate(call, ask)
            case _:
                reply = await ask(call.parameters)
        now = asyncio.get_running_loop().time()
        if call.mutates:
            for one in _ID.findall(reply.body):
                self._born.setdefault(one, now)
        if call.action == "DescribeTags":
            return reply.without_tags_of(lambda one: self._born.get(one, -inf) > now - self.tag_lag)
        return reply

    async def _terminate(self, call: Call, ask: Ask) -> Reply:
        """AWS terminates the terminated again; moto stumbles over the interface they had."""
        reply = await ask(call.parameters)
        ids = [one for name, one in call.parameters.items() if name.startswith("InstanceId.")]
        if reply.code == _NO_INTERFACE:
            for one in ids:
                await ask({"Version": call.parameters["Version"], "InstanceId.1": one})
            items = "".join(f"<item><instanceId>{one}</instanceId></item>" for one in ids)
            reply = Reply(200, f"<R><requestId/><instancesSet>{items}</instancesSet></R>")
        if reply.code is None:
            self._terminated |= set(ids)
        return reply

    async def _launch(self, call: Call, ask: Ask) -> Reply:
        """A launch under a token that was used is the same launch (EC2: ensuring idempotency)."""
        asked = dict(call.parameters)
        key = (call.account, call.region, asked.pop("ClientToken", call.request_id))
        async with self._token_locks[key]:
            if key not in self._launches:
                reply = await ask(call.parameters)
                if reply.code is None:
                    self._launches[key] = (asked, reply)
                return reply
        asked_before, reply = self._launches[key]
        if asked != asked_before:
            told = "The client token was used with other parameters."
            return refusal(call, "IdempotentParameterMismatch", told, 400)
        if self._terminated & set(_INSTANCE.findall(reply.body)):
            told = "The instance of this client token was terminated."
            return refusal(call, "IdempotentInstanceTerminated", told, 400)
        return reply

    async def _ask_moto(
        self, call: Call, headers: Mapping[str, str], parameters: Mapping[str, Any]
    ) -> Reply:
        body = call.encoded(parameters)
        self.under_way += 1
        try:
            async with self._session.post(self._moto_url, data=body, headers=headers) as answer:
                call.took_effect = answer.status < 400
                return Reply(answer.status, await answer.text(), answer.content_type)
        finally:
            self.under_way -= 1
