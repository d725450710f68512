"""Retry, cancel and destroy against a real Redis: what comes of them in view of the record."""

from typing import Any

import pytest
import redis

from envwright.client import Client, Ticket
from envwright.errors import (
    NotAllowed,
    StoreUnavailable,
)
from envwright.names import Step
from envwright.record import RunKind
from envwright.states import RETRYABLE, State
from envwright.store import Store
from tests.records import a_failure, changing, queued, set_state
from tests.specs import REGION, spec

RETRIED = {
    State.FAILED: (State.QUEUED, Step.SECURITY, RunKind.PROVISION, State.READY),
    State.CLEANED: (State.QUEUED, Step.NETWORK, RunKind.PROVISION, State.READY),
    State.CLEANUP_FAILED: (State.CLEANING, Step.INSTANCE, RunKind.CLEANUP, State.DESTROYED),
}


@pytest.mark.parametrize("state", sorted(RETRIED))
def test_retry_goes_on_where_it_must(client: Client, database: redis.Redis, state: State) -> None:
    """At the failed step; from the start after a cleanup; a cleanup again as a cleanup."""
    client.enqueue(spec())
    client.destroy("web")  # so that a failed cleanup has an outcome of its own
    set_state(client, state, step=Step.SECURITY, failure=a_failure())
    before = queued(client, database)

    ticket = client.retry("web")

    record = client.status("web")
    assert ticket.accepted
    assert (record.state, record.step, record.run.kind, record.run.goal) == RETRIED[state]
    assert (record.run.id, record.run.reason) == (ticket.run_id, "retry")
    # Why it failed is forgotten when it is built again, and not when it is taken down.
    assert (record.failure is None) == (record.run.kind is RunKind.PROVISION)
    assert queued(client, database) == before + 1


@pytest.mark.parametrize("state", sorted(set(State) - set(RETRYABLE)))
def test_what_did_not_fail_is_not_retried(client: Client, state: State) -> None:
    client.enqueue(spec())
    set_state(client, state)
    before = client.status("web")

    with pytest.raises(NotAllowed, match=rf"web\.eu-west-1 is {state}: only what failed"):
        client.retry("web")

    assert client.status("web") == before


@pytest.mark.parametrize(
    "state",
    [State.QUEUED, State.PROVISIONING, State.READY, State.FAILED, State.CLEANUP_FAILED],
)
def test_destroy_takes_down_whatever_it_is_doing(client: Client, state: State) -> None:
    """A new run takes the place of the one there is, also of one that is being worked on."""
    first = client.enqueue(spec())
    set_state(client, state)

    ticket = client.destroy("web")

    record = client.status("web")
    assert ticket.accepted
    assert ticket.run_id != first.run_id
    assert (ticket.state, record.state, record.step) == (
        State.CLEANING,
        State.CLEANING,
        Step.INSTANCE,
    )
    assert (record.run.kind, record.run.goal) == (RunKind.CLEANUP, State.DESTROYED)


@pytest.mark.parametrize("state", [State.CLEANING, State.CLEANED, State.DESTROYED])
def test_what_is_going_or_gone_is_not_destroyed_again(client: Client, state: State) -> None:
    client.enqueue(spec())
    set_state(client, state)
    before = client.status("web")

    ticket = client.destroy("web")

    assert (ticket.accepted, ticket.run_id, ticket.state) == (False, before.run.id, state)
    assert client.status("web") == before


def test_a_decision_that_was_overtaken_is_made_again(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The state changed between the look and the write: the request looks again."""
    client.enqueue(spec())
    set_state(client, State.FAILED)
    monkeypatch.setattr(Store, "accept", changing(lambda: set_state(client, State.CLEANED)))

    client.retry("web")

    assert client.status("web").step is Step.NETWORK


def test_a_cancel_names_the_step_that_it_cancelled(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that went on to the next step between the look and the write is not put back."""
    client.enqueue(spec(on_failure="hold"))
    set_state(client, State.PROVISIONING)
    went_on = {"step": str(Step.SECURITY)}
    monkeypatch.setattr(
        Store, "accept", changing(lambda: set_state(client, State.PROVISIONING, **went_on))
    )

    client.cancel("web")

    record = client.status("web")
    assert record.failure is not None
    assert (record.state, record.step, record.failure.step) == (
        State.FAILED,
        Step.SECURITY,
        Step.SECURITY,
    )


def test_a_request_that_is_overtaken_again_and_again_is_given_up(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not go on for ever, and says what happened."""
    client.enqueue(spec())
    set_state(client, State.FAILED)
    monkeypatch.setattr(Store, "accept", lambda _, runs: [False] * len(runs))

    with pytest.raises(StoreUnavailable, match=r"web\.eu-west-1 changed each time"):
        client.retry("web")


def test_many_are_retried_in_few_round_trips(
    client: Client, database: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thousand and more in chunks; what is refused does not stop the others."""
    names = [f"web-{number}" for number in range(1_200)]
    client.enqueue_many([spec(name) for name in names])
    pipe = database.pipeline()
    for name in names[10:]:
        pipe.hset(client.settings.keys.record(f"{name}.{REGION}"), "state", "failed")
    pipe.execute()
    trips: list[Any] = []
    for method in ("read_each", "accept", "now"):
        real = getattr(Store, method)

        def counted(*arguments: Any, real: Any = real) -> Any:
            trips.append(real)
            return real(*arguments)

        monkeypatch.setattr(Store, method, counted)

    answers = client.retry_many([f"{name}.{REGION}" for name in names])

    assert [type(one) for one in answers[:10]] == [NotAllowed] * 10
    assert all(isinstance(one, Ticket) and one.accepted for one in answers[10:])
    assert len({one.run_id for one in answers[10:] if isinstance(one, Ticket)}) == 1_190
    assert len(trips) == 9
