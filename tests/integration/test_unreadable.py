"""Records that cannot be read: seen by a person, told once, and in nobody's way."""

import json
from collections.abc import Iterator

import pytest
import redis

from envwright.cli.app import run
from envwright.client import Client
from envwright.errors import StoreCorrupt
from envwright.names import Step
from envwright.parked import MESSAGES_KEPT, Parked, ParkedMessage
from envwright.record import RunKind
from envwright.states import State
from tests.cloud import Cloud
from tests.everything import EVERYTHING
from tests.harness import Environment, environment
from tests.specs import spec
from worker.app import app
from worker.servers import LocalAws
from worker.step import UNREADABLE_PAUSE, run_step

WEB = "web.eu-west-1"
LEFT = ParkedMessage(
    why="It is [not] JSON.",
    task="a\x1b[2Jtask",
    content_type=None,
    size=7,
    deliveries=3,
    worker="w",
)


async def try_step(one: Environment, run_id: str) -> None:
    work = app.tasks["envwright.provision.network"].run
    await run_step(one.worker, work, RunKind.PROVISION, Step.NETWORK, one.id, run_id)  # type: ignore[arg-type]


async def test_a_worker_says_once_that_it_cannot_read_a_record(
    aws: LocalAws, redis_url: str, key_prefix: str
) -> None:
    """However often it is looked at again, the history before it stays; a worker that can read it
    finds it within a minute."""
    async with (
        Cloud(aws.url) as cloud,
        environment(EVERYTHING, redis_url, key_prefix, cloud) as one,
    ):
        run_id = one.record.run.id
        keys = one.worker.settings.keys
        with redis.Redis.from_url(redis_url, decode_responses=True) as database:
            database.hset(keys.record(one.id), "spec", '{"name": "from the future"}')

            for _ in range(3):
                await try_step(one, run_id)
            due = database.zscore(keys.due, one.id)
            entries = database.xrange(keys.events(one.id))

        told = [json.loads(fields["event"]) for _, fields in entries]
        assert [event["state"] for event in told].count("retrying") == 1
        assert due is not None
        assert due == pytest.approx(one.client.now() + UNREADABLE_PAUSE, abs=5)
        assert cloud.journal == []
        assert list(one.client.parked().records) == [one.id]


@pytest.fixture
def client(redis_url: str, key_prefix: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    monkeypatch.setenv("ENVWRIGHT_REDIS_URL", redis_url)
    monkeypatch.setenv("ENVWRIGHT_KEY_PREFIX", key_prefix)
    monkeypatch.setenv("ENVWRIGHT_QUEUE", key_prefix)
    with Client() as one:
        yield one


def test_nothing_is_parked_where_all_can_be_read(
    client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    client.enqueue(spec())

    assert client.parked() == Parked()
    assert run(["parked"]) == 0
    assert capsys.readouterr().err.startswith("Nothing is parked")


def test_a_person_sees_what_cannot_be_read(
    client: Client, database: redis.Redis, capsys: pytest.CaptureFixture[str]
) -> None:
    """Messages and records, without what steers a terminal; scripts get the same as JSON. Other
    environments are listed as ever."""
    client.enqueue_many([spec("web"), spec("other")])
    keys = client.settings.keys
    database.hset(keys.record(WEB), "format", 2)
    database.xadd(keys.parked, {"message": LEFT.model_dump_json(exclude={"at"})})

    (message,) = client.parked().messages
    assert message.at == pytest.approx(client.now(), abs=5)
    assert message.model_copy(update={"at": 0.0}) == LEFT
    assert run(["parked"]) == 0
    shown = capsys.readouterr().out
    assert "a[2Jtask" in shown
    assert "It is [not] JSON." in shown
    assert "3 times" in shown
    assert f"The record of {WEB} has format 2" in shown
    assert run(["parked", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [one["size"] for one in document["messages"]] == [7]
    assert [one["environment"] for one in document["records"]] == [WEB]
    assert [one.environment_id for one in client.environments()] == ["other.eu-west-1"]
    with pytest.raises(StoreCorrupt, match="use the version that wrote it, or a newer one"):
        client.status("web")


def test_what_is_no_record_at_all_hides_no_other(
    client: Client, database: redis.Redis, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of another type than a record, under a record's key."""
    client.enqueue(spec("good"))
    client.enqueue(spec())
    key = client.settings.keys.record(WEB)
    database.delete(key)
    database.set(key, "garbage")

    assert [one.spec.name for one in client.environments()] == ["good"]
    assert list(client.parked().records) == [WEB]
    with pytest.raises(StoreCorrupt, match="is no hash"):
        client.status(WEB)
    assert run(["list"]) == 0
    assert "good.eu-west-1" in capsys.readouterr().out


@pytest.mark.parametrize(
    "spoilt", [{"run": "{nonsense"}, {"state": "failed", "failure": "{nonsense"}, {"state": "odd"}]
)
def test_what_cannot_be_read_of_a_bulk_holds_up_no_other_member(
    client: Client, database: redis.Redis, spoilt: dict[str, str]
) -> None:
    """It is shown, accepted again, retried and taken down, but for that one member, and each
    answer says why."""
    good, more = "good.eu-west-1", "more.eu-west-1"
    bulk_id = client.enqueue_bulk([spec(), spec("good")]).id
    database.hset(client.settings.keys.record(WEB), mapping=spoilt)
    database.hset(client.settings.keys.record(good), "state", State.CLEANED)

    again = client.enqueue_bulk([spec(), spec("good"), spec("more")], bulk_id=bulk_id)
    database.hset(client.settings.keys.record(good), "state", State.CLEANED)

    assert (again.total, [*dict(client.bulk_refusals(bulk_id))]) == (3, [WEB])
    assert [one.id for one in client.bulks()] == [bulk_id]
    assert [one.environment_id for one in client.bulk_members(bulk_id)] == [WEB, good, more]
    assert client.retry_bulk(bulk_id).accepted == 1
    answer = client.destroy_bulk(bulk_id)
    assert (answer.accepted, [*answer.refused]) == (2, [WEB])
    assert "cannot be read" in answer.refused[WEB]


def test_what_cannot_be_read_of_one_bulk_hides_no_other(
    client: Client, database: redis.Redis
) -> None:
    """Its key was changed, or deleted: the others are listed, and found by their names."""
    keys = client.settings.keys
    changed, deleted, good = [client.enqueue_bulk([], name="labs").id for _ in range(3)]
    client.enqueue_bulk([], name="others")
    database.hset(keys.bulk(changed), "created_at", "yesterday")
    database.delete(keys.bulk(deleted))

    assert [one.name for one in client.bulks()] == ["others", "labs"]
    assert [one.id for one in client.bulks("labs")] == [good]
    with pytest.raises(StoreCorrupt, match=rf"bulk {changed} cannot be read \(created_at\)"):
        client.bulk(changed)


def test_the_newest_are_shown_first(client: Client, database: redis.Redis) -> None:
    """And no more than are kept."""
    with database.pipeline() as pipe:
        for size in range(MESSAGES_KEPT + 5):
            entry = LEFT.model_copy(update={"size": size}).model_dump_json(exclude={"at"})
            pipe.xadd(client.settings.keys.parked, {"message": entry})
        pipe.execute()

    sizes = [one.size for one in client.parked().messages]

    assert sizes == list(range(MESSAGES_KEPT + 4, 4, -1))
