"""The one door to AWS: every call passes here, is timed, logged, classified and repeated.

A door looks like the SDK's client, so that callers write `await ec2.create_vpc(...)`; but it
repeats a call only where that is safe, for as long as that can help, and never after its permit.
"""

import itertools
import random
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from contextvars import ContextVar
from functools import partial
from typing import Any, Final, cast

import structlog
from aiohttp import ClientError as HttpError
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
)
from botocore.parsers import ResponseParserError

from config.settings import WorkerSettings
from envwright.errors import EnvwrightError
from tasks.aws.actions import ACTIONS, Effect
from tasks.aws.errors import (
    AwsError,
    ErrorClass,
    Halted,
    Trouble,
    UnansweredCreate,
    from_client_error,
    refused_item,
)
from tasks.lease import Permit, clock

_FIRST_PAUSE: Final = 0.25
_LONGEST_PAUSE: Final = 10.0
_CREDENTIALS_PATIENCE: Final = 60.0
"""Seconds in which the SDK, or whoever writes its files, has fresh credentials at hand."""

_NO_LIMIT: Final = nullcontext()

_last_look: ContextVar[Callable[[], None]] = ContextVar("last_look")
"""Looks at the permit of the call that this task makes."""

logger = structlog.get_logger(__name__)


class Unanswered(EnvwrightError):
    """A call that may be repeated was not answered."""


def look_before_sending(client: Any) -> None:
    """Have this SDK client look at the permit once more, right before each call is sent.

    Between the door's own look and that moment it serializes, waits for credentials and signs: a
    worker that was frozen there, or waited long, would send a call that is no longer its to send.
    """
    client.meta.events.register_first("before-send", lambda **_: _last_look.get()())


class Door:
    """Stands in for an SDK client while one permit lasts."""

    def __init__(
        self,
        client: Any,
        permit: Permit,
        settings: WorkerSettings,
        *,
        slots: AbstractAsyncContextManager[object] = _NO_LIMIT,
        settled_at: float = 0.0,
    ) -> None:
        """`slots` are the calls that the client can make at once, and from `settled_at` on, a
        time of `clock()`, an id that AWS does not know is gone and not merely new."""
        self._client = client
        self._permit = permit
        self._settings = settings
        self._slots = slots
        self._settled_at = settled_at

    def __getattr__(self, operation: str) -> Callable[..., Awaitable[Any]]:
        action = self._client.meta.method_to_api_mapping.get(operation)
        if action not in ACTIONS:
            raise AttributeError(f"{operation} is not among the calls in tasks/aws/actions.py")
        method = getattr(self._client, operation)

        async def call(**parameters: Any) -> Any:
            return await self._repeat(action, method, parameters)

        return call

    async def _repeat(
        self, action: str, method: Callable[..., Awaitable[Any]], parameters: dict[str, Any]
    ) -> Any:
        effect = Effect.NONE if parameters.get("DryRun") else ACTIONS[action]
        call = object()
        trouble: object = None
        was_silent = False
        troubles = self._permit.troubles
        since = clock()
        for attempt in itertools.count(1):
            try:
                # In this order: the SDK waits without end for a connection of its pool.
                async with self._slots:
                    changing = effect not in (Effect.NONE, Effect.READ)
                    look = partial(self._permit.check, changing=changing)
                    look()
                    _last_look.set(look)
                    answer = await self._send(action, effect, method, parameters, attempt)
            except (AwsError, Unanswered) as error:
                if trouble != (trouble := _sort_of(error)):
                    since = clock()
                if clock() - since > self._patience(effect, error):
                    troubles.pop(call, None)
                    if isinstance(error, AwsError):
                        error.after_silence = was_silent
                    raise
                was_silent |= _is_silence(error)
                troubles[call] = _trouble_from(error)
            except UnansweredCreate:
                troubles.pop(call, None)
                raise
            else:
                troubles.pop(call, None)
                return answer
            longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(attempt - 1, 6))
            await self._permit.pause(longest * random.uniform(0.5, 1.0))  # noqa: S311 - jitter
        raise AssertionError("unreachable: the count never ends")

    async def _send(
        self,
        action: str,
        effect: Effect,
        method: Callable[..., Awaitable[Any]],
        parameters: dict[str, Any],
        attempt: int,
    ) -> Any:
        """One attempt. What it raises says whether a further one is safe."""
        sent = clock()
        code: str | None = None
        request_id: str | None = None
        try:
            answer = _whole(action, await method(**parameters))
        except Halted:
            # At the last look: nothing was sent.
            code = "Halted"
            raise
        except ClientError as error:
            # Not always ours: the SDK may have called AssumeRole before.
            refusal = from_client_error(error.operation_name, dict(error.response))
            code, request_id = refusal.code, refusal.request_id
            if refusal.error_class is ErrorClass.TRANSIENT and effect is Effect.CREATE:
                raise UnansweredCreate(action, refusal.code) from error
            raise refusal from error
        except (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError) as error:
            code = type(error).__name__
            is_late = isinstance(error, CredentialRetrievalError)
            told = ErrorClass.EXPIRED if is_late else ErrorClass.PERMISSION
            raise AwsError(action, code, str(error), None, told) from error
        except ParamValidationError:
            # Its text may quote parameters, and with them user data.
            code = "ParamValidationError"
            text = "the SDK found a parameter wrong before it sent the call"
            raise AwsError(action, code, text, None, ErrorClass.INVALID) from None
        except (ConnectTimeoutError, EndpointConnectionError) as error:
            code = type(error).__name__
            raise Unanswered(f"{action} could not be sent: {error}.") from error
        except (BotoCoreError, ResponseParserError, HttpError, OSError) as error:
            code = type(error).__name__
            if effect is Effect.CREATE:
                raise UnansweredCreate(action, code) from error
            raise Unanswered(f"{action} was not answered: {error}.") from error
        else:
            request_id = answer.get("ResponseMetadata", {}).get("RequestId")
            return answer
        finally:
            report = logger.debug if effect is Effect.READ and code is None else logger.info
            report(
                "aws_call",
                action=action,
                duration_ms=round((clock() - sent) * 1000, 1),
                aws_request_id=request_id,
                code=code,
                attempt=attempt,
            )

    def _patience(self, effect: Effect, error: EnvwrightError) -> float:
        """For how many seconds this call is repeated after this error."""
        if isinstance(error, Unanswered):
            return float("inf")
        if not isinstance(error, AwsError):
            return 0.0
        match error.error_class:
            case ErrorClass.THROTTLED | ErrorClass.TRANSIENT:
                return float("inf")
            case _ if effect is Effect.NONE:
                return 0.0
            case ErrorClass.EXPIRED:
                return _CREDENTIALS_PATIENCE
            case ErrorClass.CONFLICT:
                return self._settings.conflict_timeout
            case ErrorClass.DEPENDENCY if effect is Effect.DELETE:
                return self._settings.conflict_timeout
            case ErrorClass.NOT_FOUND if effect is Effect.DELETE:
                return float("inf") if clock() < self._settled_at else 0.0
            case ErrorClass.NOT_FOUND:
                return self._settings.consistency_timeout
            case _:
                return 0.0


def _whole(action: str, answer: dict[str, Any]) -> dict[str, Any]:
    """The answer, where it refuses nothing of what was asked for. Raises `ClientError`."""
    if response := refused_item(answer):
        raise ClientError(cast(Any, response), action)
    return answer


def _trouble_from(error: AwsError | Unanswered) -> Trouble:
    told = error.error_class if isinstance(error, AwsError) else ErrorClass.TRANSIENT
    return Trouble(str(error), told)


def _is_silence(error: AwsError | Unanswered) -> bool:
    """Whether the call may have had its effect all the same."""
    return isinstance(error, Unanswered) or error.error_class is ErrorClass.TRANSIENT


def _sort_of(error: EnvwrightError) -> object:
    """What patience is counted by: an error of another sort has one of its own."""
    return error.error_class if isinstance(error, AwsError) else type(error)
