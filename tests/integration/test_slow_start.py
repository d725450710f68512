"""A bulk of which only so many may fail begins slowly: a fault that all have is seen on a few."""

from envwright.bulk import BulkState
from envwright.client import Client
from envwright.failure import Failure, FailureCategory
from envwright.names import Step
from envwright.states import State
from tasks.line import BEGUN_AT_FIRST, BEGUN_BEFORE_ONE_IS_READY
from tests.desk import Desk
from tests.specs import REGION, some, spec

FAILED = Failure(category=FailureCategory.QUOTA, message="No more.", step=Step.NETWORK)
ROLE = {"role_arn": "arn:aws:iam::123456789012:role/builder"}


def get_far(desk: Desk, names: list[str]) -> None:
    """Let AWS have made all of these: only its checks are waited for."""
    for name in names:
        desk.set_fields(f"{name}.{REGION}", state=State.PROVISIONING, step=Step.READY)


def fail(desk: Desk, names: list[str]) -> None:
    for name in names:
        desk.end(name, State.FAILED, failure=FAILED.model_dump_json())


async def all_let_in(desk: Desk) -> list[str]:
    """Who is let in, however often a sweep looks."""
    found: list[str] = []
    while some := await desk.let_in():
        found += some
    return found


async def test_without_a_limit_of_failures_all_are_let_in(desk: Desk, client: Client) -> None:
    bulk = client.enqueue_bulk(some(30))

    assert len(await all_let_in(desk)) == 30
    for n in range(30):
        desk.end(f"web-{n}")
    await desk.let_in()
    assert not desk.redis.exists(desk.keys.bulk_ready(bulk.id))


async def test_each_that_gets_far_lets_two_more_begin(desk: Desk, client: Client) -> None:
    """First those of which AWS has made everything; and who is ready goes on counting."""
    client.enqueue_bulk(some(200), max_failures=5)
    first = await all_let_in(desk)
    assert len(first) == BEGUN_AT_FIRST

    get_far(desk, first[:4])
    second = await all_let_in(desk)
    assert len(second) == 8
    for name in first[:4]:
        desk.end(name)
    assert len(await all_let_in(desk)) == 4


async def test_before_one_is_ready_there_is_an_end_to_it(desk: Desk, client: Client) -> None:
    """Some faults show only when AWS checks what it has made; who is ready has none of these."""
    client.enqueue_bulk(some(300), max_failures=5)
    begun: list[str] = []
    while some_more := await all_let_in(desk):
        begun += some_more
        get_far(desk, begun)
    assert len(begun) == BEGUN_BEFORE_ONE_IS_READY

    desk.end(begun[0])

    assert len(await all_let_in(desk)) == BEGUN_AT_FIRST + 2 * len(begun) - len(begun[1:])


async def test_a_fault_of_all_fails_as_many_as_may_and_ten(desk: Desk, client: Client) -> None:
    """One that failed lets another begin, until too many have: none of them shows any good."""
    bulk = client.enqueue_bulk(some(100), max_failures=5)
    begun = await all_let_in(desk)
    for name in begun:
        fail(desk, [name])
        begun += await all_let_in(desk)

    assert client.bulk(bulk.id).state is BulkState.PAUSED
    assert len(begun) == 5 + BEGUN_AT_FIRST


async def test_resumed_it_begins_slowly_again(desk: Desk, client: Client) -> None:
    """Nobody knows whether the cause is mended; and it is seen on a few again."""
    bulk = client.enqueue_bulk(some(200), max_failures=1)
    begun = await all_let_in(desk)
    for name in begun:
        desk.end(name)
    begun = await all_let_in(desk)
    fail(desk, begun)
    assert await desk.let_in() == []

    client.resume_bulk(bulk.id)

    assert len(await all_let_in(desk)) == BEGUN_AT_FIRST


async def test_each_area_shows_by_itself_that_its_members_can_be_built(
    desk: Desk, client: Client
) -> None:
    """What is missing in one may be there in another; and another bulk is not held up."""
    elsewhere = [spec(f"away-{n}", account=ROLE) for n in range(20)]
    client.enqueue_bulk([*some(20), *elsewhere], max_failures=1)
    begun = await all_let_in(desk)
    assert len(begun) == 2 * BEGUN_AT_FIRST
    client.enqueue_bulk(spec(f"other-{n}") for n in range(3))
    assert await all_let_in(desk) == ["other-0", "other-1", "other-2"]

    for n in range(BEGUN_AT_FIRST):
        desk.end(f"web-{n}")

    assert await all_let_in(desk) == [f"web-{n}" for n in range(10, 20)]
