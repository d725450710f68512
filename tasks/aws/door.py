"""The one door to AWS: every call passes here, is timed, logged, classified and repeated.

A door looks like the SDK's client, so that callers write `await ec2.create_vpc(...)`; but it
repeats a call only where that is safe, for as long as that can help, and never after its permit.
"""

import itertools
import random
from collections.abc import Awaitable, Callable
from typing import Any, Final

from config.settings import WorkerSettings
from envwright.errors import EnvwrightError
from tasks.aws.actions import ACTIONS, Effect
from tasks.aws.errors import AwsError, ErrorClass, Trouble, UnansweredCreate
from tasks.aws.gathering import Gathering
from tasks.aws.wire import Call, Unanswered, Wire
from tasks.lease import Permit, clock

_FIRST_PAUSE: Final = 0.25
_LONGEST_PAUSE: Final = 10.0
_LONGEST_THROTTLED: Final = 1.0
"""Of a throttled call, which waits after that for its turn, at a slower pace."""

_CREDENTIALS_PATIENCE: Final = 60.0
"""Seconds in which the SDK, or whoever writes its files, has fresh credentials at hand."""


class Door:
    """Stands in for an SDK client while one permit lasts."""

    def __init__(
        self,
        client: Any,
        permit: Permit,
        settings: WorkerSettings,
        *,
        wire: Wire | Gathering | None = None,
        settled_at: float = 0.0,
    ) -> None:
        """`wire` is the client's, where it has one that all its doors share. From `settled_at`
        on, a time of `clock()`, an id that AWS does not know is gone and not merely new."""
        self._client = client
        self._permit = permit
        self._settings = settings
        self._wire = wire or Wire()
        self._settled_at = settled_at

    def __getattr__(self, operation: str) -> Callable[..., Awaitable[Any]]:
        action = self._client.meta.method_to_api_mapping.get(operation)
        if action not in ACTIONS:
            raise AttributeError(f"{operation} is not among the calls in tasks/aws/actions.py")
        method = getattr(self._client, operation)

        async def call(**parameters: Any) -> Any:
            effect = Effect.NONE if parameters.get("DryRun") else ACTIONS[action]
            return await self._repeat(Call(action, effect, method, parameters))

        return call

    async def _repeat(self, call: Call) -> Any:
        trouble: object = None
        was_silent = False
        troubles = self._permit.troubles
        since = clock() - call.waited
        for attempt in itertools.count(1):
            try:
                answer = await self._wire.send(call, self._permit, attempt)
            except (AwsError, Unanswered) as error:
                # What others of its account take in turns before it is not this call's trouble.
                now = clock() - call.waited
                if trouble != (trouble := _sort_of(error)):
                    since = now
                if now - since >= self._patience(call.effect, error):
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
            longest = _LONGEST_THROTTLED if call.was_throttled else _LONGEST_PAUSE
            longest = min(longest, _FIRST_PAUSE * 2 ** min(attempt - 1, 6))
            await self._permit.pause(longest * random.uniform(0.5, 1.0))  # noqa: S311 - jitter
        raise AssertionError("unreachable: the count never ends")

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


def _trouble_from(error: AwsError | Unanswered) -> Trouble:
    told = error.error_class if isinstance(error, AwsError) else ErrorClass.TRANSIENT
    return Trouble(str(error), told)


def _is_silence(error: AwsError | Unanswered) -> bool:
    """Whether the call may have had its effect all the same."""
    return isinstance(error, Unanswered) or error.error_class is ErrorClass.TRANSIENT


def _sort_of(error: EnvwrightError) -> object:
    """What patience is counted by: an error of another sort has one of its own."""
    return error.error_class if isinstance(error, AwsError) else type(error)
