"""Writes of many steps that go to Redis together: one round trip, and one connection, for all."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from redis.asyncio import Redis
from redis.commands.core import AsyncScript
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError
from redis.exceptions import TimeoutError as RedisTimeoutError

_AT_ONCE: Final = 100
"""The most scripts of one round trip: none of them waits long for the others."""

_NOT_REACHED: Final = (RedisConnectionError, RedisTimeoutError, OSError)


class _Write(NamedTuple):
    script: AsyncScript
    keys: Sequence[str]
    args: Sequence[Any]
    answer: asyncio.Future[Any]


class GroupCommit:
    """Runs Lua scripts; those that are asked for while others are on their way go together.

    Who asks alone is sent for at once. Of many, each costs a third of what it costs alone, for
    redis-py's and the system's work is done once for all.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._waiting: list[_Write] = []
        self._sender: asyncio.Task[None] | None = None

    async def run(self, script: AsyncScript, keys: Sequence[str], args: Sequence[Any]) -> Any:
        """The script's answer. Raises Redis' errors: its own refusal, or the connection's end."""
        answer = asyncio.get_running_loop().create_future()
        self._waiting.append(_Write(script, keys, args, answer))
        if self._sender is None:
            self._sender = asyncio.create_task(self._send())
        return await answer

    async def _send(self) -> None:
        try:
            while self._waiting:
                group, self._waiting = self._waiting[:_AT_ONCE], self._waiting[_AT_ONCE:]
                answers = await self._answers(group)
                if isinstance(answers, _NOT_REACHED):
                    # Who waits behind them would only wait as long again, one group by the other.
                    group, self._waiting = [*group, *self._waiting], []
                if isinstance(answers, Exception):
                    answers = [answers] * len(group)
                for write, answer in zip(group, answers, strict=True):
                    if write.answer.done():
                        continue  # its step was cancelled
                    if isinstance(answer, Exception):
                        write.answer.set_exception(answer)
                    else:
                        write.answer.set_result(answer)
        finally:
            self._sender = None

    async def _answers(self, group: Sequence[_Write]) -> Sequence[Any] | Exception:
        """What comes of each, the script's answer or an error; or the error of all."""
        try:
            async with self._redis.pipeline(transaction=False) as pipe:
                for script, keys, args, _ in group:
                    pipe.execute_command("EVALSHA", script.sha, len(keys), *keys, *args)
                answers = await pipe.execute(raise_on_error=False)
            return [
                await self._alone(write) if isinstance(answer, NoScriptError) else answer
                for write, answer in zip(group, answers, strict=True)
            ]
        except Exception as error:
            # Whatever it is, all who wait must be told.
            return error

    @staticmethod
    async def _alone(write: _Write) -> Any:
        """For a Redis that does not have the script yet: redis-py loads it."""
        try:
            return await write.script(keys=write.keys, args=write.args)
        except Exception as error:
            # It is this one's alone: the others of its group are answered.
            return error
