"""The SDK's clients: one for each account, region and service, shared by all steps of a worker."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import datetime
from functools import partial
from typing import Any, Final
from urllib.parse import urlencode

import aioboto3
from aiobotocore.config import AioConfig
from aiobotocore.credentials import (
    AioAssumeRoleCredentialFetcher,
    AioDeferredRefreshableCredentials,
)
from aiobotocore.session import AioSession
from botocore.exceptions import BotoCoreError, NoCredentialsError, UnknownRegionError
from botocore.utils import parse_timestamp

from config.settings import WorkerSettings
from envwright import __version__
from envwright.spec import Account
from tasks.aws.answers import ParserFactory
from tasks.aws.door import Door
from tasks.aws.errors import AwsError, ErrorClass
from tasks.aws.gathering import Gathering
from tasks.aws.limits import OWN_ACCOUNT
from tasks.aws.pacing import Pacer
from tasks.aws.wire import Wire, look_before_sending
from tasks.lease import Permit

_ROLE_SESSION_NAME: Final = "envwright"


def moment(told: Any) -> datetime:
    """A time as AWS tells it: a timestamp parser for the SDK.

    Nearly all are ISO 8601, which Python reads itself, in a hundredth of the time of the SDK's own
    parser. That one is for all others, such as the seconds in which SSM tells them.
    """
    try:
        return datetime.fromisoformat(told)
    except (TypeError, ValueError):
        return parse_timestamp(told)


def new_session() -> AioSession:
    """A session of the SDK that reads answers quickly."""
    session = AioSession()
    session.register_component("response_parser_factory", ParserFactory(moment))
    return session


def config_of(settings: WorkerSettings, session: AioSession) -> AioConfig:
    """What is told to each of the SDK's clients."""
    return AioConfig(
        connect_timeout=settings.aws_connect_timeout,
        read_timeout=settings.aws_read_timeout,
        max_pool_connections=settings.connections_a_client,
        # A spec was checked when it was accepted, and our own part of a call is checked in the
        # tests: AWS refuses what is wrong all the same.
        parameter_validation=False,
        # One attempt a call: what may be repeated, and when, only the door can tell.
        retries={"total_max_attempts": 1, "mode": "standard"},
        # In full: where only something is added to the SDK's own, it is made for each call anew.
        user_agent=f"{session.user_agent()} envwright/{__version__}",
    )


def encode_bodies_once(client: Any) -> None:
    """Left as a mapping, the body of a call would be encoded anew by each look that the SDK takes
    at it: for the signature, and to be sent."""
    service = client.meta.service_model.service_id.hyphenize()
    client.meta.events.register_first(f"request-created.{service}", _encode_once)


def _encode_once(request: Any, **_: Any) -> None:
    # Of some services it is JSON, and has been encoded.
    if isinstance(request.data, Mapping):
        request.data = urlencode(request.data).encode()


class AwsClients:
    """Opens clients when they are first asked for. Belongs to the event loop that uses it."""

    def __init__(
        self, settings: WorkerSettings, pacer: Pacer, session: AioSession | None = None
    ) -> None:
        """`session` is the SDK's; one that has loaded its models keeps the loop from waiting."""
        self._settings = settings
        self._pacer = pacer
        self._own = session or new_session()
        self._loader = self._own.get_component("data_loader")
        self._clients: dict[tuple[str, str, Account | None], Any] = {}
        self._wires: dict[int, Gathering] = {}
        self._own_account: str | None = None
        self._opening = asyncio.Lock()
        self._open = AsyncExitStack()
        self._config = config_of(settings, self._own)

    async def client(self, service: str, region: str, account: Account | None) -> Any:
        """The client of a service ("ec2", "ssm"), with the worker's credentials or a role's."""
        key = (service, region, account)
        if key in self._clients:
            return self._clients[key]
        async with self._opening:
            if key not in self._clients:
                try:
                    self._clients[key] = await self._opened(service, region, account)
                except (BotoCoreError, OSError) as error:
                    # The SDK reads its configuration, and asks for credentials, on this occasion.
                    raise AwsError(
                        f"a client for {service}",
                        type(error).__name__,
                        str(error),
                        None,
                        ErrorClass.PERMISSION,
                    ) from error
        return self._clients[key]

    async def door(
        self,
        service: str,
        region: str,
        account: Account | None,
        permit: Permit,
        settled_at: float = 0.0,
    ) -> Door:
        """A door to this client, for as long as this permit lasts."""
        client = await self.client(service, region, account)
        wire = self._wires.get(id(client))
        if wire is None:
            slots = asyncio.Semaphore(self._settings.connections_a_client)
            wire = Gathering(Wire(slots, self._pacer.pace(self._payer(account), region)))
            self._wires[id(client)] = wire
        return Door(client, permit, self._settings, wire=wire, settled_at=settled_at)

    async def own_account(self, region: str, permit: Permit) -> str:
        """The id of the account that the worker's own credentials are of; asked for once."""
        if self._own_account is None:
            sts: Any = await self.door("sts", region, None, permit)
            self._own_account = str((await sts.get_caller_identity())["Account"])
        return self._own_account

    def _payer(self, account: Account | None) -> str:
        """On whose request limits its calls count: the worker's own account has one name, however
        it is reached."""
        if account is None or account.account_id == self._own_account:
            return OWN_ACCOUNT
        return account.account_id

    async def close(self) -> None:
        self._clients.clear()
        await self._open.aclose()

    async def _opened(self, service: str, region: str, account: Account | None) -> Any:
        try:
            self._own.get_partition_for_region(region)
        except UnknownRegionError:
            raise AwsError(
                f"a client for {service}",
                "UnknownRegion",
                f"there is no region {region}",
                None,
                ErrorClass.INVALID,
            ) from None
        session = await self._session(region, account)
        client = session.client(
            service,
            region_name=region,
            endpoint_url=self._settings.aws_endpoint_url,
            config=self._config,
        )
        opened = await self._open.enter_async_context(client)
        look_before_sending(opened)
        encode_bodies_once(opened)
        return opened

    async def _session(self, region: str, account: Account | None) -> Any:
        if account is None:
            return aioboto3.Session(botocore_session=self._own)
        own_credentials = await self._own.get_credentials()
        if own_credentials is None:
            raise AwsError(
                "AssumeRole",
                "NoCredentials",
                str(NoCredentialsError()),
                None,
                ErrorClass.PERMISSION,
            )
        extra = {"RoleSessionName": _ROLE_SESSION_NAME}
        if account.external_id is not None:
            extra["ExternalId"] = account.external_id
        create_sts: Any = partial(
            self._own.create_client,
            region_name=region,
            endpoint_url=self._settings.aws_endpoint_url,
            config=self._config,
        )
        fetcher = AioAssumeRoleCredentialFetcher(
            client_creator=create_sts,
            source_credentials=own_credentials,
            role_arn=account.role_arn,
            extra_args=extra,
        )
        assumed: Any = new_session()
        # A session of its own would read the SDK's data files again: 20 MB each time.
        assumed.register_component("data_loader", self._loader)
        assumed._credentials = AioDeferredRefreshableCredentials(
            method="assume-role", refresh_using=fetcher.fetch_credentials
        )
        return aioboto3.Session(botocore_session=assumed)
