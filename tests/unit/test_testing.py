"""The in-memory client that callers test with: it behaves as the real one does."""

import threading

import pytest

from envwright.errors import NotAllowed, SpecConflict, SpecError, UnknownEnvironment, WaitTimeout
from envwright.failure import Failure, FailureCategory
from envwright.names import Step
from envwright.states import State
from envwright.testing import InMemoryClient

SPEC = {
    "name": "web",
    "region": "eu-west-1",
    "network": {"cidr": "10.0.0.0/16", "zones": ["eu-west-1a"]},
}


@pytest.fixture
def client() -> InMemoryClient:
    return InMemoryClient()


def test_the_same_spec_twice_is_one_run(client: InMemoryClient) -> None:
    """Enqueueing the same wish again starts nothing."""
    first, second = client.enqueue(SPEC), client.enqueue(SPEC)

    assert first.accepted
    assert not second.accepted
    assert second.run_id == first.run_id


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
