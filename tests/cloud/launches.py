"""RunInstances and TerminateInstances: what client tokens make of them."""

import asyncio
import re
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from tests.cloud.calls import Call, Reply, refusal

_INSTANCE: Final = re.compile(r"<instanceId>(.*?)</instanceId>")
_NO_INTERFACE: Final = "InvalidNetworkInterfaceID.NotFound"

Ask = Callable[[Mapping[str, Any]], Awaitable[Reply]]


class Launches:
    """A launch under a token that was used is the same launch (EC2: ensuring idempotency)."""

    def __init__(self) -> None:
        self._launches: dict[str, tuple[Mapping[str, Any], Reply]] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._terminated: set[str] = set()

    async def launch(self, call: Call, ask: Ask) -> Reply:
        asked = dict(call.parameters)
        token = asked.pop("ClientToken", call.request_id)
        async with self._locks[token]:
            if token not in self._launches:
                reply = await ask(call.parameters)
                if reply.code is None:
                    self._launches[token] = (asked, reply)
                return reply
        asked_before, reply = self._launches[token]
        if asked != asked_before:
            told = "The client token was used with other parameters."
            return refusal(call, "IdempotentParameterMismatch", told, 400)
        if self._terminated & set(_INSTANCE.findall(reply.body)):
            told = "The instance of this client token was terminated."
            return refusal(call, "IdempotentInstanceTerminated", told, 400)
        return reply

    async def terminate(self, call: Call, ask: Ask) -> Reply:
        """AWS terminates the terminated again; moto stumbles over the interface they had."""
        reply = await ask(call.parameters)
        ids = call.values("InstanceId")
        if reply.code == _NO_INTERFACE:
            for one in ids:
                await ask({"Version": call.parameters["Version"], "InstanceId.1": one})
            items = "".join(f"<item><instanceId>{one}</instanceId></item>" for one in ids)
            reply = Reply(200, f"<R><requestId/><instancesSet>{items}</instancesSet></R>")
        if reply.code is None:
            self._terminated |= set(ids)
        return reply
