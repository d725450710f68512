"""Redis does as it is asked, and its answer is lost with the connection."""

from unittest.mock import patch

from config.settings import WorkerSettings
from envwright.names import Step, queue_list
from envwright.record import Event, RunKind
from envwright.record_fields import record_from_fields
from tasks.due import Due
from tasks.store import Claimed, Hold, Refusal, WorkerStore, Written
from tests.desk import GRACE, LEASE, WEB, Desk
from tests.redis_proxy import RedisProxy, Toward, Verdict
from worker.connection import connect


async def test_a_claim_whose_answer_is_lost_is_answered_again(desk: Desk, redis_url: str) -> None:
    """The client sends it once more, and it is the same claim: one lease, under which the step
    begins at once. To everybody else, the same worker included, it is busy."""
    other, run = desk.accept("other"), desk.accept()
    lost: list[bytes] = []

    async def lose_one(toward: Toward, chunk: bytes) -> Verdict:
        if toward is Toward.CLIENT and not lost and b"claimed" in chunk:
            lost.append(chunk)
            return Verdict.CLOSE
        return Verdict.PASS

    async with RedisProxy(redis_url) as proxy:
        redis = await connect(WorkerSettings(redis_url=proxy.url))
        store = WorkerStore(redis, desk.keys, desk.queue, "test-worker")
        # From now on Redis has the script.
        await store.claim("other.eu-west-1", other.id, Step.NETWORK, LEASE)
        proxy.watch = lose_one

        claimed = await store.claim(WEB, run.id, Step.NETWORK, LEASE)

        assert lost
        assert isinstance(claimed, Claimed)
        assert desk.field("epoch") == str(claimed.epoch)
        assert record_from_fields(WEB, claimed.fields) == desk.record()
        assert desk.record().attempt == 1
        assert [one.state for one in desk.told()].count("started") == 1
        assert await store.claim(WEB, run.id, Step.NETWORK, LEASE) is Refusal.BUSY
        hold = Hold(WEB, run.id, claimed.epoch)
        assert await store.advance(hold, {}, [], None) is Written.WRITTEN
        await redis.aclose()


async def test_a_lost_claim_is_no_right_to_the_lease_of_another(desk: Desk) -> None:
    """A worker of version 0.1.0 notes no claim: what stands there is that of the one before."""
    run = desk.accept()
    await desk.claim(run)
    before = desk.field("claim")
    desk.set_fields(lease_owner="old-worker", epoch="7")

    with patch("tasks.store.token_hex", lambda _: before):
        assert await desk.ask("web", run.id) is Refusal.BUSY


async def test_an_end_that_is_sent_again_is_written_once(desk: Desk) -> None:
    """And so is the message that goes with it, and what is told of it."""
    run = desk.accept()
    hold = await desk.claim(run)
    then = Due(WEB, run.id, RunKind.PROVISION, Step.SECURITY)
    told = Event(type="step", run=run.id, step=Step.NETWORK, state="finished")

    for _ in range(2):
        answer = await desk.worker.advance(hold, {"step": "security"}, [told], GRACE, then)
        assert answer is Written.WRITTEN

    assert desk.redis.llen(queue_list(desk.queue, then.priority)) == 1
    assert [one.state for one in desk.told()].count("finished") == 1
