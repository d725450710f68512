"""The event loop on a thread of its own, and the threads that wait for it."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from structlog.contextvars import bound_contextvars, get_contextvars

from worker.loop import LoopThread, cancel


async def where() -> threading.Thread:
    return threading.current_thread()


def test_coroutines_run_on_its_thread(loop: LoopThread) -> None:
    """Always the same one, and not the one that waits."""
    first, second = loop.run(where()), loop.run(where())

    assert first is second
    assert first is not threading.current_thread()


def test_what_a_coroutine_raises_is_raised_where_it_is_waited_for(loop: LoopThread) -> None:
    async def fail() -> None:
        raise LookupError("not there")

    with pytest.raises(LookupError, match="not there"):
        loop.run(fail())


def test_what_a_thread_has_bound_to_its_log_is_bound_in_the_coroutine(loop: LoopThread) -> None:
    """Also in the tasks that it starts; and not in another thread's."""

    async def bound() -> dict[str, object]:
        return await asyncio.create_task(asyncio.to_thread(get_contextvars))

    with bound_contextvars(environment="web.eu-west-1"):
        assert loop.run(bound()) == {"environment": "web.eu-west-1"}
    assert loop.run(bound()) == {}


def test_many_threads_wait_at_once(loop: LoopThread) -> None:
    """Each sleeps while its coroutine waits for all the others."""
    barrier = asyncio.Barrier(100)

    with ThreadPoolExecutor(100) as threads:
        answers = list(threads.map(lambda _: loop.run(barrier.wait()), range(100)))

    assert sorted(answers) == list(range(100))


def test_a_call_is_not_waited_for(loop: LoopThread) -> None:
    """So a signal handler can make one, whatever the loop is doing."""
    called = threading.Event()

    async def call_from_the_loop_itself() -> bool:
        loop.call(called.set)
        return called.is_set()

    assert loop.run(call_from_the_loop_itself()) is False
    assert called.wait(5)


async def test_a_cancel_that_was_lost_is_said_again() -> None:
    """Else a worker would wait for ever for what it has stopped."""

    async def deaf() -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        await asyncio.Event().wait()

    async def fails() -> None:
        raise LookupError("not there")

    tasks = [asyncio.create_task(one()) for one in (deaf, fails)]
    await asyncio.sleep(0)

    async with asyncio.timeout(5):
        await cancel(tasks, again=0.01)

    assert all(task.done() for task in tasks)


def test_stopping_ends_its_thread() -> None:
    loop = LoopThread()
    loop.start()
    thread = loop.run(where())

    loop.stop()

    assert not thread.is_alive()
