"""Client tokens: the same token is the same request, and its answer is given again.

Botocore fills a token of its own into each call that has none; then it protects nothing.
"""

import asyncio
import re
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from tests.cloud.calls import Call, Reply, refusal

BY_TOKEN: Final = frozenset(
    {
        "CreateEgressOnlyInternetGateway",
        "CreateFleet",
        "CreateFlowLogs",
        "CreateLaunchTemplate",
        "CreateNatGateway",
        "CreateNetworkAcl",
        "CreateNetworkInterface",
        "CreateRouteTable",
        "CreateVolume",
        "CreateVpcEndpoint",
        "RunInstances",
    }
)
"""The calls that are idempotent by their client token."""

_UNSUCCESSFUL: Final = re.compile(r"<unsuccessful>\s*<item>")
_INSTANCE: Final = re.compile(r"<instanceId>(.*?)</instanceId>")

Ask = Callable[[Mapping[str, Any]], Awaitable[Reply]]
Place = tuple[str, ...]
"""Where a token counts: of launches it does so by availability zone."""


class Tokens:
    """The tokens that were used in one region of an account."""

    def __init__(self) -> None:
        self._used: dict[Place, tuple[Mapping[str, Any], Reply]] = {}
        self._locks: defaultdict[Place, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._terminated: set[str] = set()

    async def answer(self, call: Call, zone: str, ask: Ask) -> Reply:
        """Have it done, if it was not yet. Two at once under one token are one as well."""
        asked = dict(call.parameters)
        token = asked.pop("ClientToken", None)
        if call.action not in BY_TOKEN or token is None:
            return await ask(call.parameters)
        place = (call.action, token, zone)
        async with self._locks[place]:
            if place not in self._used:
                reply = await ask(call.parameters)
                if reply.code is None and not _UNSUCCESSFUL.search(reply.body):
                    self._used[place] = (asked, reply)
                return reply
        asked_before, reply = self._used[place]
        if asked != asked_before:
            told = "The client token was used with other parameters."
            return refusal(call, "IdempotentParameterMismatch", told, 400)
        if self._terminated & set(_INSTANCE.findall(reply.body)):
            told = "The instance of this client token was terminated."
            return refusal(call, "IdempotentInstanceTerminated", told, 400)
        return reply

    def note_terminated(self, instance_ids: list[str]) -> None:
        """Spend the tokens of these instances."""
        self._terminated.update(instance_ids)
