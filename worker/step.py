"""One step of one run: claim it, do it under the lease, and end it with one write."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import structlog
from redis.exceptions import RedisError

from envwright.errors import StoreCorrupt
from envwright.failure import Failure, FailureCategory
from envwright.messages import message_priority
from envwright.names import CLEANUP_STEPS, Step
from envwright.new_run import compensation, tried_again
from envwright.priority import Priority
from envwright.record import FRESH_STEP, Event, Record, Run, RunKind
from envwright.record_fields import record_from_fields
from envwright.states import State
from tasks.aws.errors import Halted
from tasks.blockers import with_blockers, with_what_is_left
from tasks.chain import following
from tasks.context import Context, settled_at
from tasks.due import Due
from tasks.failures import failure_from
from tasks.journal import believed
from tasks.lease import End, Flow, Lease, Look, clock
from tasks.store import DEATHS_GIVEN_UP, Hold, Refusal, Written
from worker.runtime import Runtime

CRASHES_FORGIVEN = 2
"""How often a step may end in an error that nobody foresaw before its run is given up."""

CRASH_PAUSE = 5.0
"""Seconds before such a step is tried again."""

UNREADABLE_PAUSE = 60.0
"""Seconds until a record that this worker cannot read is offered to the next one."""

BLOCKERS_PATIENCE = 10.0
"""Seconds in which AWS may say what keeps a cleanup from finishing."""

Work = Callable[[Context], Awaitable[None]]

logger = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Outcome:
    """How a step ended: it is done and on record as such, or it failed, or neither."""

    is_done: bool = False
    failure: Failure | None = None


async def run_step(
    runtime: Runtime, work: Work, kind: RunKind, step: Step, environment_id: str, run_id: str
) -> Outcome:
    """Do a step if it is this worker's turn. Raises nothing that AWS or the spec can cause."""
    asked = clock()
    lease_seconds = runtime.settings.lease
    claimed = await runtime.store.claim(environment_id, run_id, step, lease_seconds)
    if isinstance(claimed, Refusal):
        # A second message of the same step ends here; one that is lost, the sweeper sends.
        logger.info("step_not_claimed", refusal=claimed)
        return Outcome()
    hold = Hold(environment_id, run_id, claimed.epoch)
    try:
        record = record_from_fields(environment_id, claimed.fields)
    except StoreCorrupt as error:
        # A newer client may have written what this worker does not know: leave it to a newer one.
        logger.error("record_not_readable", error=str(error))
        event = Event(type="step", run=run_id, step=step, state="retrying", message=str(error))
        # Told once, or it would push all that happened before out of the history.
        told = [event] if claimed.fields.get("attempt") == "1" else []
        await runtime.store.advance(hold, {}, told, UNREADABLE_PAUSE)
        return Outcome()
    lease = Lease(
        hold, asked + lease_seconds, runtime.settings.lease_margin, step, _flow_of(record.run)
    )
    with runtime.keeper.holding(lease, record.run.deadline_at - claimed.now):
        return await _StepRun(runtime, lease, record, claimed.now).do(work)


def _flow_of(run: Run) -> Flow:
    return Flow(run.flow, is_urgent=run.priority is Priority.HIGH)


class _StepRun:
    """A step that this worker has the lease for."""

    def __init__(self, runtime: Runtime, lease: Lease, record: Record, now: float) -> None:
        self._runtime = runtime
        self._lease = lease
        self._record = record
        self._now = now
        self._step = record.step
        self._begun = clock()

    async def do(self, work: Work) -> Outcome:
        logger.info("step_started", attempt=self._record.attempt)
        context: Context | None = None
        if self._now > self._record.run.deadline_at:
            return await self._given_up(self._deadline_failure(), context)
        if self._record.deaths >= DEATHS_GIVEN_UP:
            return await self._given_up(self._deaths_failure(), context)
        try:
            context = await self._context()
            await work(context)
        except Halted:
            return await self._halted(context)
        except RedisError as error:
            # Nothing can be written now. The lease runs out, and the sweeper finds the run.
            logger.warning("redis_lost", error=str(error))
            return Outcome()
        except Exception as error:
            return await self._failed(context, error)
        return await self._finished(context)

    async def _context(self) -> Context:
        settings, identity = self._runtime.settings, self._record.identity
        clients = self._runtime.clients
        settled = settled_at(believed(self._record, self._now), settings.settle_time)
        ec2, ssm = [
            await clients.door(
                service,
                identity.region,
                identity.account,
                self._lease,
                clock() + settled - self._now,
            )
            for service in ("ec2", "ssm")
        ]
        return Context(
            record=self._record,
            now=self._now,
            lease=self._lease,
            store=self._runtime.store,
            settings=settings,
            ec2=cast(Any, ec2),
            ssm=cast(Any, ssm),
            own_account=partial(clients.own_account, identity.region, self._lease),
        )

    async def _finished(self, context: Context) -> Outcome:
        run = self._record.run
        after = following(run.kind, self._step)
        ended = self._event("step", state="finished", seconds=round(clock() - self._begun, 3))
        logger.info("step_finished", seconds=ended.seconds)
        if after is not None:
            fields = {"step": str(after), **FRESH_STEP}
            return Outcome(is_done=await self._hand_on(fields, [ended], run, after))
        fields = {"state": str(run.goal), **FRESH_STEP}
        if run.kind is RunKind.CLEANUP:
            # The failure is that of an earlier try: it is told in the events.
            fields |= {"cleanup_failure": "", "expiry": "", "expiry_id": ""}
        if context.outputs is not None:
            fields["outputs"] = context.outputs.model_dump_json()
        written = await self._advance(fields, [ended, self._event("state", state=run.goal)], None)
        if written:
            logger.info("run_finished", state=run.goal)
        return Outcome(is_done=written)

    async def _halted(self, context: Context | None) -> Outcome:
        end = self._lease.end
        logger.info("step_halted", reason=end)
        if end is End.DEADLINE:
            return await self._given_up(self._deadline_failure(), context)
        if end in (End.STOPPING, End.REPLACED, End.LOST):
            await self._again("interrupted", str(end), 0.0, self._record.attempt - 1)
        return Outcome()

    async def _failed(self, context: Context | None, error: Exception) -> Outcome:
        failure = failure_from(error, self._step)
        if failure.category is FailureCategory.INTERNAL:
            logger.error("step_crashed", exc_info=error)
            if self._record.attempt <= CRASHES_FORGIVEN:
                await self._again("retrying", failure.message, CRASH_PAUSE, self._record.attempt)
                return Outcome()
        return await self._given_up(failure, context)

    async def _given_up(self, failure: Failure, context: Context | None) -> Outcome:
        """End the run as failed; a provision run is compensated for, unless the spec says hold.

        A change is not: what stands beside its instances is not taken down for their sake.
        """
        run = self._record.run
        if run.kind is RunKind.CLEANUP:
            failure = await self._explained(failure, context)
        told = self._event("failure", resource=failure.resource, message=failure.message)
        logger.error("run_failed", **failure.model_dump(mode="json", exclude={"step"}))
        if run.kind is RunKind.CLEANUP:
            return await self._cleanup_failed(failure, told)
        fields = {"failure": failure.model_dump_json()}
        state = State.CHANGE_FAILED if run.kind is RunKind.CHANGE else State.FAILED
        failed = self._event("state", state=state)
        if state is State.CHANGE_FAILED or self._record.on_failure == "hold":
            await self._advance(fields | {"state": str(state)}, [told, failed], None)
            return Outcome(failure=failure)
        cleanup = compensation(self._now + clock() - self._begun).in_flow(run.priority, run.bulk)
        fields |= {
            "state": str(State.CLEANING),
            "step": str(CLEANUP_STEPS[0]),
            **FRESH_STEP,
            "run": cleanup.model_dump_json(),
            "run_id": cleanup.id,
        }
        cleaning = Event(type="state", run=cleanup.id, state=State.CLEANING)
        await self._hand_on(fields, [told, failed, cleaning], cleanup, CLEANUP_STEPS[0])
        return Outcome(failure=failure)

    async def _explained(self, failure: Failure, context: Context | None) -> Failure:
        """A cleanup's failure, with what is left and what is in the way."""
        beliefs = context.beliefs if context else self._record.resources
        failure = with_what_is_left(failure, beliefs)
        if context is None:
            return failure
        place, look = self._record.identity, Look(BLOCKERS_PATIENCE)
        try:
            ec2 = await self._runtime.clients.door("ec2", place.region, place.account, look)
            return await with_blockers(context, failure, cast(Any, ec2))
        except Exception:
            # Whatever it is: the failure itself must be put on record, or the step never ends.
            logger.exception("blockers_not_found")
            return failure

    async def _cleanup_failed(self, failure: Failure, told: Event) -> Outcome:
        """End the cleanup for now; but for an error of our own it is tried again after a pause."""
        fields = {
            "state": str(State.CLEANUP_FAILED),
            "cleanup_failure": failure.model_dump_json(),
        }
        failed = self._event("state", state=State.CLEANUP_FAILED)
        if failure.category is FailureCategory.INTERNAL:
            # It would only crash again, and may take its worker along: that is for a person.
            await self._advance(fields, [told, failed], None)
            return Outcome(failure=failure)
        pause = self._pause_of_cleanup()
        again = tried_again(self._record.run, self._now + clock() - self._begun + pause)
        fields |= {"step": str(CLEANUP_STEPS[0]), "run": again.model_dump_json(), **FRESH_STEP}
        failed = failed.model_copy(update={"message": f"It is tried again in {pause:.0f} s."})
        await self._advance(fields, [told, failed], pause)
        return Outcome(failure=failure)

    def _pause_of_cleanup(self) -> float:
        """Seconds until the cleanup is tried again: twice as many with each failure."""
        settings, tries = self._runtime.settings, self._record.run.tries
        # The power has a limit, or one day it would no longer fit into a float.
        pause = settings.cleanup_retry_first * 2.0 ** min(tries, 30)
        return min(settings.cleanup_retry_longest, pause)

    def _deadline_failure(self) -> Failure:
        run = self._record.run
        message = f"The deadline of {run.limit:.0f} s passed in the {self._step} step."
        trouble = self._lease.trouble
        if trouble is not None:
            message = f"{message} It was waiting on this: {trouble.message}"
        return Failure(
            category=FailureCategory.DEADLINE,
            message=message,
            step=self._step,
            error_class=trouble.error_class if trouble else None,
        )

    def _deaths_failure(self) -> Failure:
        message = (
            f"The worker died each of the {self._record.deaths} times that it was in the "
            f"{self._step} step of this run. See how the workers ended, in their logs and by the "
            f"memory of their machines; then retry."
        )
        return Failure(category=FailureCategory.INTERNAL, message=message, step=self._step)

    async def _again(self, state: str, message: str, delay: float, attempt: int) -> None:
        event = self._event("step", state=state, message=message)
        await self._advance({"attempt": str(max(0, attempt))}, [event], delay)

    async def _hand_on(
        self, fields: dict[str, str], events: list[Event], run: Run, step: Step
    ) -> bool:
        """End the step, and wake a worker up for this one of this run."""
        priority = message_priority(run.kind, run.priority, begun=True)
        then = Due(self._record.environment_id, run.id, run.kind, step, priority)
        return await self._advance(fields, events, self._runtime.settings.wake_grace, then)

    async def _advance(
        self,
        fields: dict[str, str],
        events: list[Event],
        delay: float | None,
        then: Due | None = None,
    ) -> bool:
        """The one write that ends the step; False when the run was no longer this worker's."""
        written = await self._runtime.store.advance(
            self._lease.hold, {"trouble": "", **fields}, events, delay, then
        )
        if written is not Written.WRITTEN:
            logger.warning("step_not_recorded", answer=written)
        return written is Written.WRITTEN

    def _event(self, sort: str, **told: Any) -> Event:
        return Event(type=sort, run=self._record.run.id, step=self._step, **told)
