"""Keeps the leases of a worker alive, and ends them when it stops."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from weakref import WeakKeyDictionary

import structlog
from redis.exceptions import RedisError

from envwright.record import Event
from tasks.lease import End, Lease, clock
from tasks.store import WorkerStore, Written

logger = structlog.get_logger(__name__)


class LeaseKeeper:
    """Renews all leases that are held, in one call, three times within a lease's length."""

    def __init__(self, store: WorkerStore, seconds: float) -> None:
        self._store = store
        self._seconds = seconds
        self._held: set[Lease] = set()
        self._told: WeakKeyDictionary[Lease, str | None] = WeakKeyDictionary()
        self._stopping = False

    @contextmanager
    def holding(self, lease: Lease, until_deadline: float) -> Iterator[None]:
        """Keep this lease while a step runs; halt the step after `until_deadline` seconds."""
        self._held.add(lease)
        deadline = asyncio.get_running_loop().call_later(
            max(0.0, until_deadline), lease.halt, End.DEADLINE
        )
        if self._stopping:
            lease.halt(End.STOPPING)
        try:
            yield
        finally:
            deadline.cancel()
            self._held.discard(lease)

    def stop(self) -> None:
        """Halt every step: what it has under way is finished and recorded, then it ends."""
        self._stopping = True
        for lease in self._held:
            lease.halt(End.STOPPING)

    async def keep(self) -> None:
        """Renew for ever. A renewal that fails leaves the leases to run out by their clock."""
        telling: asyncio.Task[None] | None = None
        async with asyncio.TaskGroup() as beside:
            while True:
                await asyncio.sleep(self._seconds / 3)
                held = list(self._held)
                if not held or not await self._renewed(held):
                    continue
                # Each is told by a call of its own: with a thousand, the next renewal cannot wait.
                if telling is None or telling.done():
                    telling = beside.create_task(self._tell_troubles(held))

    async def _renewed(self, held: Sequence[Lease]) -> bool:
        """Whether Redis has answered: each of them is renewed then, or halted."""
        asked = clock()
        try:
            answers = await self._store.renew([one.hold for one in held], self._seconds)
        except (RedisError, OSError) as error:
            logger.warning("leases_not_renewed", leases=len(held), error=str(error))
            return False
        except Exception:
            # Whatever it is, without this task every lease of the worker would run out.
            logger.exception("leases_not_renewed", leases=len(held))
            return False
        for lease, answer in zip(held, answers, strict=True):
            if answer is Written.LOST:
                lease.halt(End.LOST)
            elif answer is Written.REPLACED:
                lease.halt(End.REPLACED)
            else:
                lease.until = asked + self._seconds
        return True

    async def _tell_troubles(self, held: Sequence[Lease]) -> None:
        """Put on record why a step does not get on, where that changed since the last time."""
        for lease in held:
            trouble = lease.trouble.message if lease.trouble else None
            if lease.end is not None or trouble == self._told.get(lease):
                continue
            self._told[lease] = trouble
            events = [
                Event(
                    type="step",
                    run=lease.hold.run_id,
                    step=lease.step,
                    state="retrying",
                    message=trouble,
                )
            ]
            try:
                await self._store.note(
                    lease.hold, {"trouble": trouble or ""}, events if trouble else []
                )
            except (RedisError, OSError) as error:
                logger.warning("trouble_not_told", trouble=trouble, error=str(error))
            except Exception:
                # As above: it would take the renewals along.
                logger.exception("trouble_not_told", trouble=trouble)
