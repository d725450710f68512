"""A bulk that should not have been, with a real worker: few of it are begun, and the others end
without a call."""

from envwright.bulk import BulkState
from envwright.client import Client
from envwright.states import HOLDS_NOTHING
from tasks.line import BEGUN_AT_FIRST
from tests.acceptance.conftest import COMMAND_TIMEOUT, Jam, all_that_exists
from tests.cloud import ALWAYS, Call, Cloud, Reply, refused
from tests.cloud.faults import Forward
from tests.conftest import WorkerFactory
from tests.specs import some
from worker.processes import wait_until
from worker.servers import LocalAws

MOST_FAILURES = 3
SWEEPS = 10


class SlowRefusal(Jam):
    """A quota that AWS takes its time to refuse with: until then, nobody knows."""

    async def __call__(self, call: Call, forward: Forward) -> Reply:
        return await super().__call__(call, refuse(call, forward))


def refuse(call: Call, forward: Forward) -> Forward:
    async def refusing() -> Reply:
        return await refused("VpcLimitExceeded")(call, forward)

    return refusing


def test_a_fault_of_all_is_seen_on_a_few_and_the_others_are_gone_at_once(
    worker: WorkerFactory, client: Client, cloud: Cloud, aws: LocalAws
) -> None:
    """However often a worker sweeps meanwhile, ten are under way; no more fail than may, and ten.
    Taken down, what waited has ended without a call to AWS."""
    jam = SlowRefusal()
    cloud.inject("CreateVpc", jam, times=ALWAYS)
    worker(ENVWRIGHT_SWEEP_EVERY="0.1")
    bulk = client.enqueue_bulk(some(60), max_failures=MOST_FAILURES)
    jam.wait_until_reached()
    wait_until(
        lambda: client.bulk(bulk.id).under_way == BEGUN_AT_FIRST, COMMAND_TIMEOUT, "the first ten"
    )
    await_sweeps(client, bulk.id)
    assert client.bulk(bulk.id).under_way == BEGUN_AT_FIRST

    jam.clear()
    wait_until(
        lambda: (now := client.bulk(bulk.id)).state is BulkState.PAUSED and not now.under_way,
        COMMAND_TIMEOUT,
        "the pause",
    )

    paused = client.bulk(bulk.id)
    assert MOST_FAILURES < paused.failed <= MOST_FAILURES + BEGUN_AT_FIRST
    assert paused.waiting == 60 - paused.failed
    before = len(cloud.journal)
    assert client.destroy_bulk(bulk.id).accepted == paused.waiting
    gone = client.bulk(bulk.id)
    assert (gone.state, sum(gone.states[one] for one in HOLDS_NOTHING)) == (BulkState.DONE, 60)
    await_sweeps(client, bulk.id)
    assert len(cloud.journal) == before
    assert all_that_exists(aws) == {}


def await_sweeps(client: Client, bulk_id: str) -> None:
    """Wait until a worker has swept again and again."""
    seen: set[float | None] = set()

    def have_been() -> bool:
        seen.add(client.bulk(bulk_id).swept_at)
        return len(seen) > SWEEPS

    wait_until(have_been, COMMAND_TIMEOUT, f"{SWEEPS} sweeps")
