"""One attempt at one call: sent under a permit, logged, and its error told in our terms.

What is raised says whether a further attempt is safe; whether to make one is for the door to say.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final, cast
from weakref import ref

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

from envwright.errors import EnvwrightError
from tasks.aws.actions import Effect
from tasks.aws.errors import (
    AwsError,
    ErrorClass,
    Halted,
    UnansweredCreate,
    from_client_error,
    refused_item,
)
from tasks.aws.pacing import Pace
from tasks.lease import Permit, clock

_NO_LIMIT: Final = nullcontext()

_last_look: ContextVar[tuple[ref[Permit], bool]] = ContextVar("last_look")
"""The permit of the call that this task makes, and whether that changes anything.

The permit is held by who makes the call, and not here: timers of the SDK's keep this context."""

logger = structlog.get_logger(__name__)


class Unanswered(EnvwrightError):
    """A call that may be repeated was not answered."""


@dataclass(slots=True, eq=False)
class Call:
    """A call as it would go out."""

    action: str
    effect: Effect
    method: Callable[..., Awaitable[Any]]
    parameters: Mapping[str, Any]
    was_throttled: bool = False
    """Whether AWS refused its last attempt as one too many."""
    waited: float = 0.0
    """Seconds that it has waited for its turns."""
    alone: bool = False
    """Whether it may not go together with those of others."""

    @property
    def changes(self) -> bool:
        return self.effect not in (Effect.NONE, Effect.READ)

    def saying(self, **parameters: Any) -> "Call":
        """The same with these parameters beside or instead of its own."""
        return Call(self.action, self.effect, self.method, {**self.parameters, **parameters})


def look_before_sending(client: Any) -> None:
    """Have this SDK client look at the permit once more, right before each call is sent.

    Between the wire's own look and that moment it serializes, waits for credentials and signs: a
    worker that was frozen there, or waited long, would send a call that is no longer its to send.
    """
    client.meta.events.register_first("before-send", _look)


def _look(**_: Any) -> None:
    permit, changes = _last_look.get()
    if (held := permit()) is None:
        raise Halted("Nobody waits for this call any more.")
    held.check(changes)


class Wire:
    """The way to AWS of one client."""

    def __init__(
        self, slots: AbstractAsyncContextManager[object] = _NO_LIMIT, pace: Pace | None = None
    ) -> None:
        """`slots` are the calls that the client can make at once; `pace` says when AWS's request
        limits let one be made."""
        self._slots = slots
        self._pace = pace

    async def send(
        self, call: Call, permit: Permit, attempt: int = 1, served: Sequence[str] = ()
    ) -> dict[str, Any]:
        """One attempt. `served` names the environments that it is made for, where they are many.

        Raises `AwsError`, `Unanswered`, `UnansweredCreate`, and `Halted` before it is sent.
        """
        await self._turn(call, permit)
        try:
            # In this order: the SDK waits without end for a connection of its pool.
            async with self._slots:
                permit.check(call.changes)
                _last_look.set((ref(permit), call.changes))
                return await _sent(call, attempt, served)
        except AwsError as error:
            await self._note(call, error)
            raise

    async def _turn(self, call: Call, permit: Permit) -> None:
        if self._pace is not None:
            begun = clock()
            await self._pace.turn(
                call.action, call.parameters, permit, at_the_front=call.was_throttled
            )
            call.waited += clock() - begun
            call.was_throttled = False

    async def _note(self, call: Call, error: AwsError) -> None:
        """Slow down where it was this call that was one too many, and none that the SDK made."""
        is_throttled = error.error_class is ErrorClass.THROTTLED and error.action == call.action
        if self._pace is not None and is_throttled:
            await self._pace.throttled(call.action, call.parameters)
            call.was_throttled = True


async def _sent(call: Call, attempt: int, served: Sequence[str]) -> dict[str, Any]:
    sent = clock()
    code: str | None = None
    request_id: str | None = None
    action, effect = call.action, call.effect
    try:
        answer = _whole(action, await call.method(**call.parameters))
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
            **({"environments": [*served]} if served else {}),
        )


def _whole(action: str, answer: dict[str, Any]) -> dict[str, Any]:
    """The answer, where it refuses nothing of what was asked for. Raises `ClientError`."""
    if response := refused_item(answer):
        raise ClientError(cast(Any, response), action)
    return answer
