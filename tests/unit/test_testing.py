"""The in-memory client that callers test with: it behaves as the real one does."""

import socket
import threading

import pytest

from envwright.errors import (
    NotAllowed,
    NotAnswered,
    SpecConflict,
    SpecError,
    UnknownBulk,
    UnknownEnvironment,
    UnknownInstance,
    WaitTimeout,
)
from envwright.failure import Failure, FailureCategory
from envwright.names import Step
from envwright.parked import Parked
from envwright.plan import Plan
from envwright.runs import expired
from envwright.spec import parse_spec
from envwright.states import State
from envwright.testing import InMemoryClient
from tests.records import outputs_with
from tests.specs import with_instances

SPEC = {
    "name": "web",
    "region": "eu-west-1",
    "network": {"cidr": "10.0.0.0/16", "zones": ["eu-west-1a"]},
}

FAILURE = Failure(category=FailureCategory.SPEC, message="It failed.", step=Step.NETWORK)


@pytest.fixture
def client() -> InMemoryClient:
    return InMemoryClient()


def test_the_same_spec_twice_is_one_run(client: InMemoryClient) -> None:
    """Enqueueing the same wish again starts nothing."""
    first, second = client.enqueue(SPEC), client.enqueue(SPEC)

    assert first.accepted
    assert not second.accepted
    assert second.run_id == first.run_id


def test_a_bulk_is_one_thing_here_too(client: InMemoryClient) -> None:
    """It is accepted, counted, paused, retried and taken down as the real client does it."""
    client.enqueue({**SPEC, "name": "web-0"})
    specs = [parse_spec({**SPEC, "name": f"web-{n}"}) for n in range(4)]
    bulk = client.enqueue_bulk(specs, name="shops")
    assert (bulk.total, bulk.existing, bulk.waiting, bulk.state) == (3, 1, 3, "running")
    assert client.pause_bulk(bulk.id).state == "paused"
    assert client.resume_bulk(bulk.id).state == "running"
    client.finish("web-1", State.READY)
    client.finish("web-2", State.CLEANING, failure=FAILURE)
    client.finish("web-2", State.CLEANED)
    client.finish("web-3", State.FAILED, failure=FAILURE)

    done = client.bulk(bulk.id)
    assert (done.state, done.failed) == ("done", 2)
    assert [one.failure for one in client.bulk_members(bulk.id)] == [None, FAILURE, FAILURE]
    assert client.retry_bulk(bulk.id).accepted == 2
    assert client.destroy_bulk(bulk.id).accepted == 3

    assert client.bulk(bulk.id).states == {State.CLEANING: 1, State.DESTROYED: 2}
    assert client.status("web-0").state is State.QUEUED
    assert [one.id for one in client.bulks()] == [bulk.id]
    with pytest.raises(UnknownBulk):
        client.bulk("nobody's")


def test_refuses_what_the_real_client_refuses(client: InMemoryClient) -> None:
    """Wrong specs, other specs, unknown names and moves out of turn are refused."""
    with pytest.raises(SpecError):
        client.enqueue({**SPEC, "region": "mars"})
    client.enqueue(SPEC)

    with pytest.raises(SpecConflict):
        client.enqueue({**SPEC, "tags": {"team": "shop"}})
    with pytest.raises(UnknownEnvironment):
        client.status("nobody")
    with pytest.raises(NotAllowed):
        client.retry("web")


def test_finish_plays_the_worker(client: InMemoryClient) -> None:
    """A failed and cleaned environment can be retried, and then be ready and destroyed."""
    client.enqueue(SPEC)
    failure = Failure(category=FailureCategory.QUOTA, message="No more VPCs.", step=Step.NETWORK)
    client.finish("web", State.CLEANING, failure=failure)
    assert client.finish("web", State.CLEANED).failure == failure

    client.retry("web")
    assert client.finish("web", State.READY).failure is None
    client.destroy("web")
    assert client.finish("web", State.DESTROYED).at_rest
    assert [one.state for one in client.events("web") if one.type == "state"] == [
        "cleaning",
        "cleaned",
        "ready",
        "destroyed",
    ]


def test_finish_refuses_what_no_worker_could_do(client: InMemoryClient) -> None:
    """A test cannot rest on a state that never comes about."""
    client.enqueue(SPEC)

    with pytest.raises(ValueError, match="from queued to destroyed"):
        client.finish("web", State.DESTROYED)


def test_wait_sees_what_another_thread_finishes(client: InMemoryClient) -> None:
    """`wait` blocks until the environment is at rest, and no longer than its time-out."""
    client.enqueue(SPEC)
    with pytest.raises(WaitTimeout):
        client.wait("web", timeout=0.05)

    worker = threading.Thread(target=client.finish, args=("web", State.READY))
    worker.start()
    assert client.wait("web", timeout=10).state is State.READY
    worker.join()


def test_each_request_is_answered_without_redis_and_without_a_worker(
    client: InMemoryClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What only a worker could tell is said by the test, or not answered."""
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("it was connected"))
    client.enqueue(SPEC)
    client.extend("web", by=3600)
    client.cancel("web")
    client.finish("web", State.CLEANED)
    assert client.retry_many(["web"])

    with pytest.raises(NotAnswered, match=r"within 1 s"):
        client.plan(SPEC, timeout=1)
    with pytest.raises(SpecError):
        client.plan({**SPEC, "region": "mars"})
    with pytest.raises(NotAnswered):
        client.look("web", timeout=1)
    plan = Plan(environment_id="web.eu-west-1", steps=(), changes={"CreateVpc": 1}, reads={})
    client.show_plan(plan)
    assert client.plan(SPEC) == plan
    assert client.parked() == Parked()
    assert [one.environment_id for one in client.environments()] == ["web.eu-west-1"]
    client.close()


def test_the_instances_of_the_outputs_can_be_changed(client: InMemoryClient) -> None:
    """They are on record as a worker would have put them there."""
    client.enqueue(with_instances("ami-760aaa0f"))
    client.finish("web", State.READY, outputs=outputs_with("i-0000000000000000a"))

    client.change("web", "stop", ["web"])

    change = client.status("web").run.change
    assert change is not None
    assert change.ids == ("i-0000000000000000a",)
    with pytest.raises(UnknownInstance):
        client.console("web", "i-0000000000000000b")


def test_a_run_and_an_extension_at_once_are_told_apart(client: InMemoryClient) -> None:
    """As in Redis: a run that was decided before an extension does not undo it."""
    client.enqueue({**SPEC, "ttl": "2h"})
    seen = client.status("web")
    client.extend("web", by=3600)

    assert client._memory.accept([expired(seen, client.now())]) == [False]
    assert client.status("web").state is State.QUEUED


def test_what_a_worker_has_begun_has_lived_since(client: InMemoryClient) -> None:
    """A member that was held keeps its end in line, and one that nobody began has none there."""
    client.enqueue_bulk(
        [{**SPEC, "name": f"web-{n}", "ttl": "2h", "on_failure": "hold"} for n in range(2)],
        bulk_id="shops",
    )
    assert client.status("web-0").expires_at is None
    end = client.finish("web-0", State.FAILED, failure=FAILURE).expires_at
    client.cancel("web-1")

    client.retry_bulk("shops")

    assert end is not None
    assert [client.status(f"web-{n}").expires_at for n in range(2)] == [end, None]
