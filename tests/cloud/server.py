"""The HTTP layer itself: between the SDK and moto."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, Self

import aiohttp
from aiohttp import web

from tests.cloud.accounts import DEFAULT_ACCOUNT, account_of_role, key_issued
from tests.cloud.behaviour import Behaviour, Span
from tests.cloud.calls import Call, Reply, call_from, refusal
from tests.cloud.faults import Fault, ReplyLost, Rule
from tests.cloud.inventory import Inventory
from tests.cloud.region import Region
from tests.cloud.routes import FORGET, INVENTORY, PROVIDE, ZONE

_POLLS: Final = frozenset({"DescribeInstanceStatus"})
_PASSED_ON: Final = ("Authorization", "Content-Type", "X-Amz-Date", "X-Amz-Target")
_STATED: Final = ("text/xml", "application/xml", "application/x-amz-json")


class Cloud:
    """An AWS to point an SDK at, for as long as it is entered.

    async with Cloud(moto_url) as cloud:
        cloud.inject("CreateVpc", dropped(after_effect=True))
    """

    def __init__(self, emulator_url: str, behaviour: Behaviour | None = None) -> None:
        self.journal: list[Call] = []
        self.under_way = 0
        """How many calls moto has not answered yet."""
        self._emulator_url = emulator_url
        self._behaviour = behaviour or Behaviour()
        self._behaviours: dict[str, Behaviour] = {}
        self._regions: defaultdict[tuple[str, str], Region] = defaultdict(Region)
        self._numbers: Counter[tuple[str, ...]] = Counter()
        self._assumed: dict[str, str] = {}
        self._rules: list[Rule] = []

    async def __aenter__(self) -> Self:
        # moto closes every connection, and says so: none is kept.
        connector = aiohttp.TCPConnector(limit=0, force_close=True)
        self._session = aiohttp.ClientSession(connector=connector)
        self._runner = web.ServerRunner(web.Server(self._answer), shutdown_timeout=1)
        await self._runner.setup()
        # A thousand may connect at the same moment: beyond the default of 128 they wait a second.
        await web.TCPSite(self._runner, "127.0.0.1", 0, backlog=4096).start()
        host, port = self._runner.addresses[0]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()
        await self._session.close()

    def behave(self, behaviour: Behaviour, *, account: str | None = None) -> None:
        """Behave so from now on: towards one account, or towards all that have none of their own.

        A behaviour's faults hang on the numbers of an account's calls, which go on counting.
        """
        if account is None:
            self._behaviour = behaviour
        else:
            self._behaviours[account] = behaviour

    def behaviour(self, account: str | None = None) -> Behaviour:
        return self._behaviours.get(account or "", self._behaviour)

    @property
    def tag_lag(self) -> Span:
        """Seconds after a create for which DescribeTags does not show what it made."""
        return self._behaviour.tag_lag

    @tag_lag.setter
    def tag_lag(self, seconds: Span) -> None:
        self._behaviour = replace(self._behaviour, tag_lag=seconds)

    def inject(
        self,
        action: str,
        fault: Fault,
        *,
        first: int = 1,
        times: int = 1,
        where: Callable[[Call], bool] | None = None,
        account: str | None = None,
    ) -> None:
        """Let this happen to an action (or `ANY`), of one account or all.

        From its `first` call from now on, `times` in a row.
        """
        self._rules.append(Rule(action, fault, range(first, first + times), where, account))

    def heal(self) -> None:
        """Forget all rules."""
        self._rules.clear()

    async def inventory(
        self, account: str = DEFAULT_ACCOUNT, region: str | None = None
    ) -> Inventory:
        """What truly exists in an account, in one region or all: the emulator's own memory."""
        where = {"region": region} if region else {}
        return Inventory.told(await self._ask_route(INVENTORY, account=account, **where))

    async def provide(
        self, what: str, name: str, account: str = DEFAULT_ACCOUNT, region: str = "eu-west-1"
    ) -> None:
        """Have there be a bucket, log_group, instance_profile or placement_group, to be found."""
        await self._ask_route(PROVIDE, what=what, name=name, account=account, region=region)

    def ever_made(self, account: str = DEFAULT_ACCOUNT) -> set[str]:
        """The ids that creates have given in an account, whatever became of them."""
        return {
            one
            for (of, _), region in self._regions.items()
            if of == account
            for one in region.ever_made
        }

    async def forget(self, account: str) -> None:
        """Drop all that an account has, its calls and its behaviour, as if it had never been."""
        await self._ask_route(FORGET, account=account)
        self._behaviours.pop(account, None)
        self._rules = [rule for rule in self._rules if rule.account != account]
        self.journal = [call for call in self.journal if call.account != account]
        for kept in (self._regions, self._numbers):
            for key in [key for key in kept if key[0] == account]:
                del kept[key]

    def calls(self, action: str, account: str | None = None) -> list[Call]:
        return [
            call
            for call in self.journal
            if call.action == action and account in (None, call.account)
        ]

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
        call = self._entered(call_from(request.headers, body.decode()))
        behaviour = self.behaviour(call.account)
        headers = {name: request.headers[name] for name in _PASSED_ON if name in request.headers}
        headers |= {"x-moto-account-id": call.account, **behaviour.terms.header}
        region = self._regions[call.account, call.region]
        forward = partial(region.answer, call, behaviour, _Passage(self, call, headers))
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

    def _entered(self, call: Call) -> Call:
        """Number the call and enter it in the journal, under the account that it acts in."""
        call.account = self._assumed.get(call.access_key, call.account)
        for key in ((call.account,), (call.account, call.action)):
            self._numbers[key] += 1
        call.number = self._numbers[call.account,]
        call.nth = self._numbers[call.account, call.action]
        self.journal.append(call)
        return call

    async def _ask_route(self, route: str, **asked: str) -> Any:
        """Ask what moto does not answer."""
        async with self._session.get(self._emulator_url + route, params=asked) as answer:
            answer.raise_for_status()
            return await answer.json()

    async def _ask_moto(
        self, call: Call, headers: Mapping[str, str], parameters: Mapping[str, Any]
    ) -> Reply:
        body = call.encoded(parameters)
        self.under_way += 1
        try:
            async with self._session.post(self._emulator_url, data=body, headers=headers) as answer:
                reply = Reply(answer.status, await answer.text(), answer.content_type)
        finally:
            self.under_way -= 1
        call.took_effect = reply.status < 400
        if call.action == "AssumeRole" and (key := key_issued(reply.body)):
            self._assumed[key] = account_of_role(parameters["RoleArn"])
        if reply.status >= 500 and not reply.content_type.startswith(_STATED):
            return refusal(call, "InternalError", "An internal error has occurred", 500)
        return reply


@dataclass(frozen=True)
class _Passage:
    """One call's way on to the emulator."""

    cloud: Cloud
    call: Call
    headers: Mapping[str, str]

    async def ask(self, parameters: Mapping[str, Any]) -> Reply:
        return await self.cloud._ask_moto(self.call, self.headers, parameters)

    async def zone_of(self, subnet_id: str) -> str | None:
        where = {"account": self.call.account, "region": self.call.region}
        zone: str | None = await self.cloud._ask_route(ZONE, subnet=subnet_id, **where)
        return zone
