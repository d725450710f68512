"""One region of one account: the way of a call through what AWS does and moto does not."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final, Protocol

from tests.cloud import service_quotas
from tests.cloud.behaviour import Behaviour
from tests.cloud.buckets import Buckets
from tests.cloud.calls import Call, Reply, refusal
from tests.cloud.faults import Fault, dropped, failed, throttled
from tests.cloud.tokens import Tokens
from tests.cloud.visibility import Visibility, with_unsuccessful

_NO_CAPACITY: Final = "InsufficientInstanceCapacity"
_SUBNET: Final = ("SubnetId", "NetworkInterface.1.SubnetId")


class Emulator(Protocol):
    """What a region asks of the emulator."""

    async def ask(self, parameters: Mapping[str, Any]) -> Reply:
        """Have moto do the call, with these parameters."""

    async def zone_of(self, subnet_id: str) -> str | None:
        """The availability zone of a subnet."""


class Region:
    """What AWS remembers of one account in one region, beside the resources themselves."""

    def __init__(self) -> None:
        self._visibility = Visibility()
        self._tokens = Tokens()
        self._buckets = Buckets()

    @property
    def ever_made(self) -> frozenset[str]:
        """The ids that creates have given here."""
        return self._visibility.ever_made

    async def answer(self, call: Call, behaviour: Behaviour, emulator: Emulator) -> Reply:
        """What the caller gets of AWS behaving so. Raises `ReplyLost`."""
        span = behaviour.latencies.get(call.action, behaviour.latency)
        half = behaviour.seconds(span, call, "latency") / 2
        await _pass(half)

        async def forward() -> Reply:
            return await self._effect(call, behaviour, emulator)

        fault = _by_chance(call, behaviour)
        reply = await (fault(call, forward) if fault else forward())
        await _pass(half)
        return reply

    async def _effect(self, call: Call, behaviour: Behaviour, emulator: Emulator) -> Reply:
        if refused := self._refused(call, behaviour):
            return refused
        if call.service == service_quotas.SERVICE:
            return service_quotas.answer(call, behaviour.quotas)
        unseen = self._visibility.unseen(call, behaviour)

        async def ask(parameters: Mapping[str, Any]) -> Reply:
            return await emulator.ask({k: v for k, v in parameters.items() if k not in unseen})

        reply = await self._tokens.answer(call, await _zone(call, emulator), ask)
        reply = with_unsuccessful(call, reply, unseen.values())
        if reply.code == _NO_CAPACITY:
            # moto has only one status for all errors.
            reply = Reply(500, reply.body, reply.content_type)
        if call.action == "TerminateInstances" and reply.code is None:
            self._tokens.note_terminated(call.values("InstanceId"))
        self._visibility.note(call, reply)
        return self._visibility.as_seen(call, reply, behaviour)

    def _refused(self, call: Call, behaviour: Behaviour) -> Reply | None:
        """What AWS answers before it looks at what there is."""
        if behaviour.limited and (refused := self._buckets.refused(call, behaviour.time_scale)):
            return refused
        if call.action in behaviour.denied:
            return _denied(call)
        if unknown := self._visibility.unknown(call, behaviour):
            return unknown
        if call.parameters.get("DryRun") == "true":
            told = "Request would have succeeded, but DryRun flag is set."
            return refusal(call, "DryRunOperation", told, 412)
        if call.action == "RunInstances" and _strikes("out_of_capacity", call, behaviour):
            told = "We currently do not have sufficient capacity."
            return refusal(call, _NO_CAPACITY, told, 500)
        return None


def _denied(call: Call) -> Reply:
    told = "You are not authorized to perform this operation."
    if call.in_json:
        return refusal(call, "AccessDeniedException", told, 400)
    return refusal(call, "UnauthorizedOperation", told, 403)


async def _zone(call: Call, emulator: Emulator) -> str:
    """Where a launch is to be; of another call nothing."""
    if call.action != "RunInstances":
        return ""
    for name in _SUBNET:
        if subnet := call.parameters.get(name):
            return await emulator.zone_of(subnet) or ""
    return str(call.parameters.get("Placement.AvailabilityZone", ""))


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
        if _strikes(name, call, behaviour):
            return fault
    return None


def _strikes(name: str, call: Call, behaviour: Behaviour) -> bool:
    probability = getattr(behaviour, name)
    return bool(probability) and behaviour.chance(call, name) < probability


async def _pass(seconds: float) -> None:
    if seconds:
        await asyncio.sleep(seconds)
