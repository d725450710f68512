"""Redis does as it is asked, and its answer is lost with the connection."""

from config.settings import WorkerSettings
from envwright.names import Step
from envwright.record import record_from_fields
from tasks.store import Claimed, Hold, Refusal, WorkerStore, Written
from tests.desk import LEASE, WEB, Desk
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
