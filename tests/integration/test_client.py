"""The client against a real Redis: what it accepts, what it refuses, and what it never claims."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis

import envwright.messages
from envwright.client import Client, Ticket
from envwright.errors import (
    AmbiguousName,
    EnvwrightError,
    NotAllowed,
    SpecConflict,
    SpecError,
    StoreCorrupt,
    StoreUnavailable,
    UnknownEnvironment,
    WaitTimeout,
)
from envwright.names import Step
from envwright.record import Failure, FailureCategory, RunKind, State
from envwright.spec import EnvironmentSpec
from envwright.store import Store
from tests.specs import REGION, spec, spec_data
from worker.processes import free_port
from worker.servers import LocalRedis

WEB = "web.eu-west-1"
OTHER_NETWORK = {"cidr": "10.99.0.0/16", "zones": 1}
SOON = 10.0
"""Within how many seconds a caller is told that Redis does not answer."""


@pytest.fixture
def client(redis_url: str, key_prefix: str) -> Iterator[Client]:
    with Client(redis_url=redis_url, key_prefix=key_prefix, queue=key_prefix) as one:
        yield one


@pytest.fixture
def database(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url, decode_responses=True) as one:
        yield one


@pytest.fixture
def frozen(own_redis: LocalRedis) -> Iterator[LocalRedis]:
    own_redis.child.freeze()
    yield own_redis
    own_redis.child.thaw()


def set_state(client: Client, state: State, **fields: str) -> None:
    """Let the environment be in this state, as a worker would have left it."""
    keys = client.settings.keys
    with redis.Redis.from_url(client.settings.redis_url) as database:
        database.hset(keys.record(WEB), mapping={"state": state, **fields})


def queued(client: Client, database: redis.Redis) -> int:
    return database.llen(client.settings.queue)


def changing(changed: Callable[[], object]) -> Callable[..., Any]:
    """`Store.accept`, before which something is changed, the first time that it is called."""
    accept, todo = Store.accept, [changed]

    def replacement(store: Store, runs: Any) -> Any:
        if todo:
            todo.pop()()
        return accept(store, runs)

    return replacement


# --- enqueue ---


def test_the_same_spec_twice_is_one_environment_and_one_run(
    client: Client, database: redis.Redis
) -> None:
    """However the same wish is written, it is accepted and sent once."""
    first = client.enqueue(spec())
    again = client.enqueue(spec_data(tags={}))

    assert first == Ticket(
        environment_id=WEB, run_id=first.run_id, state=State.QUEUED, accepted=True
    )
    assert again == first.model_copy(update={"accepted": False})
    assert [one.type for one in client.events("web")] == ["accepted"]
    assert queued(client, database) == 1


def test_another_spec_is_refused_with_what_to_do(client: Client) -> None:
    """The message names the environment and both ways out; the record stays as it is."""
    client.enqueue(spec())
    before = client.status("web")

    with pytest.raises(
        SpecConflict,
        match=r"web\.eu-west-1 exists already \(queued\) with another spec: take it down first, "
        r"or give this one another name",
    ):
        client.enqueue(spec(network=OTHER_NETWORK))

    assert client.status("web") == before


@pytest.mark.parametrize("state", [State.CLEANED, State.DESTROYED])
def test_where_aws_holds_nothing_any_spec_starts_anew(client: Client, state: State) -> None:
    """The name is free again; the history goes on in the same record."""
    client.enqueue(spec())
    uid = client.status("web").uid
    set_state(client, state, failure=a_failure())

    ticket = client.enqueue(spec(network=OTHER_NETWORK))

    record = client.status("web")
    assert ticket.accepted
    assert (record.state, record.run.id, record.failure) == (State.QUEUED, ticket.run_id, None)
    assert record.spec == spec(network=OTHER_NETWORK)
    assert record.uid == uid
    assert [one.type for one in client.events("web")] == ["accepted", "accepted"]


def test_many_specs_are_answered_one_by_one_and_in_order(client: Client) -> None:
    """New, known, in conflict, and twice in the same call: each has its own answer."""
    known = client.enqueue(spec("known"))
    client.enqueue(spec("taken"))

    answers = client.enqueue_many(
        [
            spec("new"),
            spec("taken", network=OTHER_NETWORK),
            spec_data("known"),
            spec("new"),
            spec("last"),
        ]
    )

    new, conflict, same, twice, last = answers
    assert isinstance(conflict, SpecConflict)
    assert isinstance(new, Ticket)
    assert isinstance(last, Ticket)
    assert (new.accepted, last.accepted) == (True, True)
    assert same == known.model_copy(update={"accepted": False})
    assert twice == new.model_copy(update={"accepted": False})


def test_a_thousand_specs_are_accepted_quickly(client: Client, database: redis.Redis) -> None:
    """A platform team's whole list takes seconds; every one of them is sent."""
    specs = [spec(f"web-{number}") for number in range(1000)]
    begun = time.monotonic()

    answers = client.enqueue_many(specs)

    took = time.monotonic() - begun
    assert all(isinstance(one, Ticket) and one.accepted for one in answers)
    assert database.zcard(client.settings.keys.due) == 1000
    assert queued(client, database) == 1000
    # About a second alone on one core; the bound leaves room for a machine that is busy.
    assert took < 15


def test_ten_faults_are_ten_sentences_and_redis_is_not_written(own_redis: LocalRedis) -> None:
    """A spec is refused before Redis is asked for anything: also the good ones beside it."""
    bad = {
        "name": "Web!",
        "region": "mars",
        "on_failure": "explode",
        "deadline": "soon",
        "tags": {"aws:mine": "1"},
        "network": {"cidr": "10.20.0.1/16", "zones": 2},
        "security": {"groups": {"web": {"ingress": [{"ports": 70000, "cidrs": ["10.0.0.0/33"]}]}}},
        "instances": {
            "web": {
                "types": ["t3.micro"],
                "image": "not an image",
                "security_groups": ["unknown"],
                "user_data": "x" * 16385,
            }
        },
    }
    with Client(redis_url=own_redis.url) as client, own_redis.client() as database:
        with pytest.raises(SpecError) as refused:
            client.enqueue_many([spec(), bad])

        assert len(refused.value.faults) >= 10
        assert all(one.path and one.message.endswith(".") for one in refused.value.faults)
        assert database.dbsize() == 0


def test_producers_that_race_make_one_run(redis_url: str, key_prefix: str) -> None:
    """Many services ask for the same at once: all get the same run, one of them started it."""
    barrier = threading.Barrier(8)

    def ask(_: int) -> Ticket:
        with Client(redis_url=redis_url, key_prefix=key_prefix, queue=key_prefix) as client:
            barrier.wait(10)
            return client.enqueue(spec())

    with ThreadPoolExecutor(8) as threads:
        tickets = list(threads.map(ask, range(8)))

    assert len({ticket.run_id for ticket in tickets}) == 1
    assert sum(ticket.accepted for ticket in tickets) == 1


# --- retry and destroy ---


def a_failure() -> str:
    failure = Failure(category=FailureCategory.SPEC, message="It failed.", step=Step.SECURITY)
    return failure.model_dump_json()


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


@pytest.mark.parametrize("state", sorted(set(State) - set(RETRIED)))
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


# --- look ---


def test_an_environment_is_found_by_name_and_by_id(client: Client) -> None:
    client.enqueue(spec())

    assert client.resolve("web") == client.resolve(WEB) == WEB
    assert client.status("web") == client.status(WEB)


def test_a_name_in_two_regions_must_be_told_apart(client: Client) -> None:
    """The message gives the ids to choose from."""
    north = spec_data(region="eu-north-1", network={"cidr": "10.0.0.0/16", "zones": 1})
    client.enqueue_many([spec(), north])

    with pytest.raises(AmbiguousName, match=r"web\.eu-west-1.*web\.eu-north-1"):
        client.status("web")

    assert client.status(WEB).spec == spec()


@pytest.mark.parametrize("method", ["status", "retry", "destroy", "events", "wait"])
@pytest.mark.parametrize("name", ["web", WEB])
def test_what_is_not_there_is_said_to_be_unknown(client: Client, method: str, name: str) -> None:
    with pytest.raises(UnknownEnvironment, match=f"There is no environment {name}"):
        getattr(client, method)(name)


def test_environments_are_listed_the_newest_first(client: Client) -> None:
    for name in ("first", "second", "third"):
        client.enqueue(spec(name))

    assert [one.spec.name for one in client.environments()] == ["third", "second", "first"]


def test_what_another_version_wrote_is_not_guessed_at(client: Client) -> None:
    """The message says which format it is, and what can read it."""
    client.enqueue(spec())
    set_state(client, State.READY, format="2")

    with pytest.raises(StoreCorrupt, match=r"web\.eu-west-1 has format 2.*reads\s+format 1"):
        client.status("web")


def test_what_is_no_record_is_said_to_be_corrupt(client: Client) -> None:
    client.enqueue(spec())
    set_state(client, State.READY, run="{")

    with pytest.raises(StoreCorrupt, match=r"record of web\.eu-west-1 cannot be read"):
        client.status("web")


# --- wait ---


def test_waiting_ends_when_nobody_works_on_it_any_more(client: Client) -> None:
    """The end is seen at its event, not at the end of some interval."""
    client.enqueue(spec())
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(client.wait, "web", 30)
        tell_ready(client)

        assert waiting.result(30).state is State.READY


def tell_ready(client: Client) -> None:
    keys = client.settings.keys
    with redis.Redis.from_url(client.settings.redis_url) as database:
        pipe = database.pipeline()
        pipe.hset(keys.record(WEB), "state", State.READY)
        pipe.xadd(keys.events(WEB), {"event": '{"type": "state", "run": "x", "state": "ready"}'})
        pipe.execute()


def test_waiting_for_what_is_at_rest_returns_at_once(client: Client) -> None:
    client.enqueue(spec())
    set_state(client, State.CLEANED)

    assert client.wait("web", timeout=0).state is State.CLEANED


def test_waiting_too_long_is_said_and_harms_nothing(client: Client) -> None:
    """The message says how far it has come; the job goes on."""
    client.enqueue(spec())

    with pytest.raises(WaitTimeout, match=r"still queued \(step network\) after 0\.2 s"):
        client.wait("web", timeout=0.2)

    assert client.status("web").state is State.QUEUED


def test_a_long_wait_is_no_outage(redis_url: str, key_prefix: str) -> None:
    """Waiting longer than one request may take is not mistaken for a Redis that is gone."""
    settings = {"key_prefix": key_prefix, "queue": key_prefix, "redis_timeout": 0.4}
    with Client(redis_url=redis_url, **settings) as client:
        client.enqueue(spec())

        with pytest.raises(WaitTimeout):
            client.wait("web", timeout=1.2)


def test_events_can_be_followed_from_where_one_stopped(client: Client) -> None:
    """Those of several environments at once; nothing is told twice."""
    client.enqueue_many([spec("a1"), spec("b1")])
    seen = client.follow({"a1.eu-west-1": "0", "b1.eu-west-1": "0"}, 5)
    after = {name: events[-1].id for name, events in seen.items()}
    client.destroy("a1")

    news = client.follow(after, 5)

    assert {name: [one.message for one in some] for name, some in seen.items()} == {
        "a1.eu-west-1": ["provision (enqueue)"],
        "b1.eu-west-1": ["provision (enqueue)"],
    }
    assert [(name, [one.message for one in some]) for name, some in news.items()] == [
        ("a1.eu-west-1", ["cleanup (destroy)"])
    ]


# --- when Redis does not answer ---

REQUESTS: dict[str, Callable[[Client], object]] = {
    "enqueue": lambda client: client.enqueue(spec()),
    "retry": lambda client: client.retry("web"),
    "destroy": lambda client: client.destroy(WEB),
    "status": lambda client: client.status(WEB),
    "resolve": lambda client: client.resolve("web"),
    "environments": lambda client: list(client.environments()),
    "events": lambda client: client.events("web"),
    "wait": lambda client: client.wait(WEB, timeout=60),
    "follow": lambda client: client.follow({WEB: "0"}, 60),
    "now": lambda client: client.now(),
}


def asked_of(client: Client) -> dict[str, tuple[EnvwrightError, float]]:
    """All requests at once, each with the error that it ended in and after how many seconds."""

    def ask(request: Callable[[Client], object]) -> tuple[EnvwrightError, float]:
        begun = time.monotonic()
        with pytest.raises(StoreUnavailable) as refused:
            request(client)
        return refused.value, time.monotonic() - begun

    with ThreadPoolExecutor(len(REQUESTS)) as threads:
        return dict(zip(REQUESTS, threads.map(ask, REQUESTS.values()), strict=True))


def test_a_frozen_redis_is_told_in_seconds(own_redis: LocalRedis) -> None:
    """Whether the connection is new or was used before; with an address and without a password."""
    with Client(redis_url=own_redis.url) as used, Client(redis_url=own_redis.url) as unused:
        used.enqueue(spec())
        own_redis.child.freeze()
        answers = [*asked_of(used).values(), *asked_of(unused).values()]

    assert max(took for _, took in answers) < SOON
    where = own_redis.url.removeprefix("redis://").removesuffix("/0")
    assert all(f"Redis at {where}" in str(error) for error, _ in answers)


def test_no_redis_at_all_is_told_at_once() -> None:
    """Neither the password of the address nor a traceback is shown."""
    with Client(redis_url=f"redis://me:hush-hush@127.0.0.1:{free_port()}/0") as client:
        answers = asked_of(client)

    assert max(took for _, took in answers.values()) < SOON
    assert not any("hush-hush" in str(error) for error, _ in answers.values())


def test_what_a_frozen_redis_refused_is_not_there_when_it_thaws(frozen: LocalRedis) -> None:
    """A producer looks before it writes: a Redis that was frozen then is never written."""
    with Client(redis_url=frozen.url, redis_timeout=0.3) as client:
        with pytest.raises(StoreUnavailable):
            client.enqueue(spec())

        frozen.child.thaw()

        with frozen.client() as database:
            assert database.dbsize() == 0
        assert client.enqueue(spec()).accepted


def test_a_redis_that_froze_at_the_write_is_asked_again_without_harm(
    own_redis: LocalRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The write may be done when it thaws; nobody can know. Asking again makes no second run."""
    with Client(redis_url=own_redis.url, redis_timeout=0.3) as client:
        client.now()  # loads nothing, but connects
        monkeypatch.setattr(Store, "accept", changing(own_redis.child.freeze))
        with pytest.raises(StoreUnavailable):
            client.enqueue(spec())
        own_redis.child.thaw()

        ticket = client.enqueue(spec())

        assert client.status("web").run.id == ticket.run_id
        assert [one.run for one in client.events("web")] == [ticket.run_id]
        with own_redis.client() as database:
            assert database.zcard(client.settings.keys.due) == 1


def test_a_restarted_redis_is_no_error(own_redis: LocalRedis) -> None:
    """A connection that was used before is broken by then: it is made anew without a word."""
    with Client(redis_url=own_redis.url) as client:
        client.enqueue(spec())

        own_redis.restart()

        assert client.status("web").state is State.QUEUED
        assert client.enqueue(spec("other")).accepted


# --- accepted, and not sent ---


def test_what_cannot_be_sent_is_accepted_all_the_same(
    client: Client, database: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    """It is on record and due, which is all that a worker needs; the log says so."""
    database.set(client.settings.queue, "not a list, so that nothing can be put into it")

    with caplog.at_level(logging.WARNING, "envwright.client"):
        ticket = client.enqueue(spec())

    assert ticket.accepted
    assert client.status("web").run.id == ticket.run_id
    assert database.zscore(client.settings.keys.due, WEB) is not None
    assert "its message could not be sent" in caplog.text


def test_a_redis_that_freezes_before_the_message_does_not_hold_the_caller(
    own_redis: LocalRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run is accepted by then, and the caller is told so within seconds."""
    send = envwright.messages.send_run

    def freeze_and_send(*arguments: Any) -> None:
        own_redis.child.freeze()
        send(*arguments)

    monkeypatch.setattr(envwright.messages, "send_run", freeze_and_send)
    with Client(redis_url=own_redis.url) as client:
        begun = time.monotonic()

        ticket = client.enqueue(spec())

        assert time.monotonic() - begun < SOON
        assert ticket.accepted
        own_redis.child.thaw()
        assert client.status("web").run.id == ticket.run_id


def test_a_spec_of_any_text_survives_the_way(client: Client) -> None:
    """User data comes back byte for byte, whatever is in it."""
    odd = "#!/bin/sh\necho 'é \U0001f680 \\u0041 \" %s {} \t \u2028'\r\n"
    web = {
        "types": ["t3.micro"],
        "image": "ami-0123456789abcdef0",
        "security_groups": ["web"],
        "user_data": odd,
    }
    wanted: EnvironmentSpec = spec(security={"groups": {"web": {}}}, instances={"web": web})

    client.enqueue(wanted)

    assert client.status("web").spec == wanted
    assert client.status("web").spec.instances["web"].user_data == odd


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
    for method in ("read", "accept", "now"):
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
