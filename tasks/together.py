"""Run coroutines side by side, so that a failure stops the others without tearing at them."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from tasks.aws.errors import Halted
from tasks.lease import End, Lease


async def together(lease: Lease, *coroutines: Coroutine[Any, Any, None]) -> None:
    """Run these to their ends and raise the first true failure among them.

    A `TaskGroup` would cancel the others in the middle of a call whose effect nobody would
    then put on record. Here a failure ends the lease's permission to begin calls: what is
    under way is answered and recorded, and the others end with `Halted`.
    """

    async def guarded(coroutine: Coroutine[Any, Any, None]) -> None:
        try:
            await coroutine
        except Exception:
            lease.halt(End.FAILED)
            raise

    try:
        results = await asyncio.gather(*map(guarded, coroutines), return_exceptions=True)
    finally:
        # Who is cancelled here leaves members that have not begun, and whom nobody awaits.
        for coroutine in coroutines:
            coroutine.close()
    failures = [one for one in results if isinstance(one, BaseException)]
    for failure in failures:
        if not isinstance(failure, Halted):
            raise failure
    if failures:
        raise failures[0]
