"""One region of one account: the way of a call through what AWS does and moto does not."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from tests.cloud.behaviour import Behaviour
from tests.cloud.calls import Call, Reply, refusal
from tests.cloud.faults import Fault, dropped, failed, throttled
from tests.cloud.launches import Launches
from tests.cloud.visibility import Visibility

Ask = Callable[[Mapping[str, Any]], Awaitable[Reply]]
"""Have moto do a call, with these parameters."""


class Region:
    """What AWS remembers of one account in one region, beside the resources themselves."""

    def __init__(self) -> None:
        self._visibility = Visibility()
        self._launches = Launches()

    async def answer(self, call: Call, behaviour: Behaviour, ask: Ask) -> Reply:
        """What the caller gets of AWS behaving so. Raises `ReplyLost`."""
        span = behaviour.latencies.get(call.action, behaviour.latency)
        half = behaviour.seconds(span, call, "latency") / 2
        await _pass(half)

        async def forward() -> Reply:
            return await self._effect(call, behaviour, ask)

        fault = _by_chance(call, behaviour)
        reply = await (fault(call, forward) if fault else forward())
        await _pass(half)
        return reply

    async def _effect(self, call: Call, behaviour: Behaviour, ask: Ask) -> Reply:
        if refused := self._refused(call, behaviour):
            return refused
        match call.action:
            case "RunInstances":
                reply = await self._launches.launch(call, ask)
            case "TerminateInstances":
                reply = await self._launches.terminate(call, ask)
            case _:
                reply = await ask(call.parameters)
        self._visibility.note(call, reply)
        return self._visibility.as_seen(call, reply, behaviour)

    def _refused(self, call: Call, behaviour: Behaviour) -> Reply | None:
        if call.action in behaviour.denied:
            told = "You are not authorized to perform this operation."
            return refusal(call, "UnauthorizedOperation", told, 403)
        return self._visibility.unknown(call, behaviour)


_FAULTS: Final[Mapping[str, Fault]] = {
    "throttled": throttled(),
    "failed_before": failed(after_effect=False),
    "failed_after": failed(after_effect=True),
    "dropped_before": dropped(after_effect=False),
    "dropped_after": dropped(after_effect=True),
}


def _by_chance(call: Call, behaviour: Behaviour) -> Fault | None:
    """At most one of the faults that the behaviour makes likely."""
    for name, fault in _FAULTS.items():
        probability = getattr(behaviour, name)
        if probability and behaviour.chance(call, name) < probability:
            return fault
    return None


async def _pass(seconds: float) -> None:
    if seconds:
        await asyncio.sleep(seconds)
