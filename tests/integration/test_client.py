"""The client against a real Redis: what it accepts, what it refuses, and what it never claims."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from envwright.client import Client, Ticket
from envwright.errors import (
    AmbiguousName,
    SpecConflict,
    SpecError,
    StoreCorrupt,
    UnknownEnvironment,
    WaitTimeout,
)
from envwright.spec import EnvironmentSpec
from envwright.states import State
from tests.records import WEB, a_failure, queued, set_state
from tests.specs import spec, spec_data
from worker.servers import LocalRedis

OTHER_NETWORK = {"cidr": "10.99.0.0/16", "zones": 1}


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
